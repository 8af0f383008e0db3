"""What a language model is told: templates in files, filled with the context, the question and worked examples.

A template is Jinja. The files that ship lie in `prompts/`; any other is given by its path. A template's name and the
hash of all that it is made of belong to the identity of a run. Knows strings only; nothing of models or tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateSyntaxError, UndefinedError

from ...base.errors import UserError, did_you_mean, one_line
from ...base.files import digest, read_json

FOLDER = Path(__file__).parent / "prompts"
_SUFFIX = ".jinja"
_EXAMPLES = FOLDER / "examples.json"
_MARKS = {"context": "\ufdd0", "passage": "\ufdd1", "question": "\ufdd2", "memory": "\ufdd3"}


@dataclass(frozen=True)
class Guide:
    """What the file of examples holds for one kind of question: how to answer it, and worked examples."""

    hint: str
    examples: tuple[Mapping[str, str], ...]


class Prompt:
    """A template with a name, made by `load_prompt`; `prompt.fill(context=..., question=...)` is what is sent."""

    def __init__(self, name: str, template: Template, source: str):
        self.name = name
        self._template = template
        self.identity = {"name": name, "sha256": digest(source, _EXAMPLES.read_text(encoding="utf-8"))[:32]}

    def fill(self, **values: Any) -> str:
        """The text for some values; `hint` and `examples` are those of the kind of `question`, if there is one."""
        guide = guide_for(values.get("question", ""))
        return self._template.render(hint=guide.hint, examples=guide.examples, **values)


def load_prompt(
    name: str, takes: Sequence[str], shows: Sequence[str], sample: Mapping[str, Any] | None = None
) -> Prompt:
    """The template that ships under `name`, or the one in the file `name`.

    `takes` are the values it is filled with, `shows` those of them that it must hold for the model to be asked at all;
    `sample` gives trial values of those that are no text. It is tried once, so that a mistake in it is found before a
    model is asked. Raises `UserError` when there is no such template, or it cannot be filled.
    """
    path = Path(name) if Path(name).suffix or "/" in name else FOLDER / f"{name}{_SUFFIX}"
    if not path.is_file():
        raise UserError(_unknown(name, takes))
    source = path.read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    try:
        prompt = Prompt(name, environment.from_string(source), source)
        tried = prompt.fill(**{value: _MARKS.get(value, "") for value in takes}, **(sample or {}))
    except TemplateSyntaxError as error:
        raise UserError(f"the prompt {name}, line {error.lineno}, is no Jinja template: {error.message}") from error
    except UndefinedError as error:
        known = ", ".join([*takes, *(sample or {}), "hint", "examples"])
        raise UserError(f"the prompt {name} cannot be filled: {one_line(error)}; there are: {known}") from error
    except Exception as error:  # a template can fail in any way that Python can
        raise UserError(f"the prompt {name} cannot be filled: {one_line(error)}") from error
    if missing := [value for value in shows if _MARKS[value] not in tried]:
        raise UserError(
            f"the prompt {name} never shows {{{{ {missing[0]} }}}}, without which there is nothing to answer"
        )
    return prompt


def guide_for(question: str) -> Guide:
    """Hint and examples for questions of this kind; empty ones for a kind that the file does not have."""
    kinds = ((pattern, guide) for pattern, guide in _guides() if pattern.search(question))
    return next(kinds, (None, Guide("", ())))[1]


@lru_cache(maxsize=1)
def _guides() -> list[tuple[re.Pattern[str], Guide]]:
    kinds = read_json(_EXAMPLES)
    return [(re.compile(kind["asks"]), Guide(kind["hint"], tuple(kind["examples"]))) for kind in kinds]


def _unknown(name: str, takes: Sequence[str]) -> str:
    if Path(name).suffix or "/" in name:
        return f"no such file: {name}; a prompt is the name of one that ships, or the path of a Jinja template"
    shipped = [
        path.stem for path in FOLDER.glob(f"*{_SUFFIX}") if path.stem.startswith("memory") == ("memory" in takes)
    ]
    known = ", ".join(sorted(shipped))
    return f"unknown prompt {name!r}{did_you_mean(name, shipped)} (there are: {known}; or give the path of a template)"
