"""A data set as tasks of lm-evaluation-harness: a folder of YAML files that `lm_eval` includes. Knows no model.

FOLDER/rmt_bench_detect_4k.yaml      a task: the samples of one of our tasks at one length
FOLDER/groups/rmt_bench_detect.yaml  a group: the task at all lengths; rmt_bench.yaml: everything
FOLDER/utils.py                      the functions that the tasks name
FOLDER/export.json                   what this export wrote, so that another may write over it

A task whose right answers are all among their choices is `multiple_choice`: lm-eval picks the likeliest, as `rmt-bench
eval` does. Others (lists, free text) and all with a prompt are `generate_until`, judged by our scorer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ..base.errors import UserError, did_you_mean
from ..base.files import read_json, write_json, write_text
from ..generators.dataset import Dataset
from .prompts import load_template

FORMS = ("auto", "choice", "generate")
#: The prompt that is the text and the question, and nothing else.
PLAIN = "plain"
MANIFEST = "export.json"
_TEMPLATES = Path(__file__).parent / "data"
#: Tokens of an answer, where it is generated.
_ANSWER_TOKENS = 64


@dataclass(frozen=True)
class _TaskFile:
    """What a task's YAML says: its name, our task and length, its data files, whether choices are ranked."""

    name: str
    task: str
    length: str
    files: tuple[str, ...]
    ranks: bool


def export_tasks(
    data: Dataset, output: str | Path, *, form: str = "auto", prompt: str = PLAIN, prefix: str = "rmt_bench"
) -> list[str]:
    """Write the tasks of `data` under `output`; the names of groups and tasks, the widest first.

    `form` is `choice`, `generate` or, task by task, what fits (`auto`). `prompt` is `plain` or, where answers are
    generated, a template of ours by its name or path. `prefix` begins every name. Raises `UserError` when `data` holds
    no texts, when a choice is to be ranked that is none, and when `output` holds something else.
    """
    if data.store != "text":
        raise UserError(
            f"{data.folder} holds no texts (it is stored as a recipe) and lm-eval reads texts: write them with "
            f"`rmt-bench materialize {data.folder} --output FULL`, then export FULL"
        )
    _refuse_nonsense(form, prompt, prefix)
    tasks = list(_tasks(data, form, prompt, prefix))
    folder = Path(output)
    _clear(folder)
    files = dict(_rendered(tasks, prompt, prefix))
    write_json(folder / MANIFEST, {"kind": "lm-eval", "data": str(data.folder.resolve()), "files": sorted(files)})
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / path, text)
    groups = [prefix, *(f"{prefix}_{task}" for task in data.tasks)]
    return [*groups, *(task.name for task in tasks)]


def _refuse_nonsense(form: str, prompt: str, prefix: str) -> None:
    if form not in FORMS:
        raise UserError(f"unknown form {form!r}{did_you_mean(form, FORMS)} (there is: {', '.join(FORMS)})")
    if form == "choice" and prompt != PLAIN:
        raise UserError("a prompt asks for an answer in words: leave out --form choice, or --prompt")
    if not prefix.isidentifier():
        raise UserError(f"a prefix is letters, digits and _, such as rmt_bench, not {prefix!r}")
    if prompt != PLAIN:
        load_template(prompt)


def _tasks(data: Dataset, form: str, prompt: str, prefix: str) -> Iterator[_TaskFile]:
    for task in data.tasks:
        files = {length: [data.folder / path for path, _, _ in data.files(task, length)] for length in data.lengths}
        odd = next((found for paths in files.values() for path in paths if (found := _no_choice(path))), None)
        if form == "choice" and odd:
            raise UserError(f"{task}: the right answer {odd!r} is none of its choices: leave out --form choice")
        ranks = form != "generate" and prompt == PLAIN and not odd
        for length, paths in files.items():
            where = tuple(str(path.resolve()) for path in paths)
            yield _TaskFile(f"{prefix}_{task}_{length}", task, length, where, ranks)


def _no_choice(path: Path) -> str | None:
    """A right answer that is not among its question's choices, if there is one in a data file."""
    if not path.is_file():
        raise UserError(f"{path} is missing; the same rmt-bench generate makes it again")
    rows = pq.read_table(path, columns=["target", "choices"]).to_pylist()
    return next((row["target"] for row in rows if row["target"] not in row["choices"]), None)


def _clear(folder: Path) -> None:
    """Remove what an export wrote before. Raises `UserError` when there is anything else."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give --output a folder")
    if (folder / MANIFEST).is_file():
        for path in read_json(folder / MANIFEST)["files"]:
            (folder / path).unlink(missing_ok=True)
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} holds something that no export wrote: give --output a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)


def _rendered(tasks: Sequence[_TaskFile], prompt: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Every file by its path in the folder. Strings are written as JSON, which YAML reads."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined, autoescape=False
    )
    environment.filters["quoted"] = lambda value: json.dumps(value, ensure_ascii=False)

    def fill(template: str, **values: Any) -> str:
        source = (_TEMPLATES / template).read_text(encoding="utf-8")
        return environment.from_string(source).render(prefix=prefix, **values)

    file = prompt if prompt == PLAIN or not Path(prompt).is_file() else str(Path(prompt).resolve())
    yield "utils.py", fill("lm_eval_utils.py.jinja", prompt=None if prompt == PLAIN else file)
    for task in tasks:
        told = fill("lm_eval_task.yaml.jinja", task=task, plain=prompt == PLAIN, tokens=_ANSWER_TOKENS)
        yield f"{task.name}.yaml", told
    names = list(dict.fromkeys(task.task for task in tasks))
    groups = {f"{prefix}_{name}": [task.name for task in tasks if task.task == name] for name in names}
    for group, members in {prefix: list(groups), **groups}.items():
        yield f"groups/{group}.yaml", fill("lm_eval_group.yaml.jinja", group=group, members=members)
