"""The protocol a model is asked through, and how a plugin is found. Knows nothing of samples, scores or files.

    state = model.start(batch_size)
    state = model.read(state, segment)         once for every segment of the documents
    model.answer(state, prompts, choices)      prompts: what is left of each document, then its question

A plugin is any object with these methods; see `SegmentModel`. It is loaded by name, by `package.module:factory` or
by `path/to/file.py:factory`; a checkpoint folder written by `rmt-bench train` is a model, too.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..base.errors import UserError, did_you_mean, one_line, raised_at
from ..base.files import read_json
from ..base.plugins import let_import_beside
from ..base.registry import REQUIRED, Registry
from ..tasks.scoring import Status

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

State = Any  #: One opaque value that belongs to the model; the harness threads it and never looks in.


@dataclass(frozen=True)
class Reply:
    """What a model that has more to say than a text gives for one row.

    `status` says why there is no answer: `error` (something failed, and is worth another try) or `skipped` (the model
    cannot be asked this); `reason` says it in words. Of a reply that is `answered`, `reason` may say what was odd
    about it, such as that it was cut.
    """

    text: str
    status: Status = "answered"
    reason: str = ""


class SegmentModel(Protocol):
    """A model that reads a document segment by segment, with a state of its own.

    A model that ranks choices offers `score` in place of `answer`; its answer is then the best-scored choice, and
    `rmt-bench train` can train it. `answer` and `score` leave the state as it was. All tensors of tokens are int64,
    on `model.device` if the model has one. A model with a `max_tokens` is not asked about longer documents, the
    question counted in: they are recorded as skipped.

    What a model claims of its state, `rmt-bench check` holds it to: `state_grows` (as a full context does),
    `flat_after` (the tokens after which a window is full), `chunk_invariant` (a segment may be cut anywhere). A state
    that `answer` would change is copied there first; `clone_state` copies any nesting of tensors.

    A model that reads several segments faster together than one by one says how many in `segments_at_once`, and offers
    `read_many(state, segments)`, int64 [batch, n, segment_length], which comes to the same as n calls of `read`.

    What a run depends on besides options and weights (the text of a prompt, a default) a model puts into `identity`, a
    dict of plain values: a run does not go on with another one. Options that change no answer (how often to try again)
    it names in `incidental`, and what else run.json should say it puts into `about`.
    """

    tokenizer: PreTrainedTokenizerBase
    segment_length: int

    def start(self, batch_size: int) -> State:
        """The state before anything is read, for `batch_size` documents."""
        ...

    def read(self, state: State, segment: torch.Tensor) -> State:
        """The state after one more segment: int64 [batch, segment_length].

        The last segment of a document may be shorter, when what is left of the document and the question do not fit
        into one segment together; all its rows then have one length.
        """
        ...

    def answer(
        self, state: State, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> Sequence[str | Reply]:
        """One answer for each row. `prompts`: int64 [n] each, n <= segment_length: the document's tail, the question.

        `choices` holds the labels of each row's question (none: free text).
        """
        ...


@runtime_checkable
class ScoringModel(Protocol):
    """A `SegmentModel` that ranks choices."""

    def score(self, state: State, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> torch.Tensor:
        """Logits [batch, n_choices]; every row has the same number of choices."""
        ...


@runtime_checkable
class LikelihoodModel(Protocol):
    """A `SegmentModel` that gives any text a likelihood, as language models do and classifiers do not."""

    def log_likelihoods(
        self, state: State, prompts: Sequence[torch.Tensor], texts: Sequence[Sequence[torch.Tensor]]
    ) -> list[list[tuple[float, bool]]]:
        """For each of a row's texts, read behind its prompt: the log-likelihood, and whether each token is likeliest.

        `texts` are int64 [n] each, n > 0, and as many as a row wants. A prompt may be empty where nothing was read, if
        the model puts the token that begins a text there by itself (its `opens_texts` is true). Leaves the state as it
        was.
        """
        ...


#: Makes a `SegmentModel`, or a `ScoringModel` that starts and reads like one.
Factory = Callable[..., Any]
#: How a name begins that stands for a checkpoint on the hub.
HUB = "hf:"
_BASELINES = "rmt_bench.bench.models.baselines"
_SHIPPED = "rmt_bench.bench.models.shipped"
_RECURRENT = "rmt_bench.bench.models.recurrent"
MODELS: Registry[Factory] = Registry(
    kind="model",
    group="rmt_bench.models",
    listing="rmt-bench models",
    builtin={
        "rmt-tiny": _SHIPPED,
        "armt-tiny": _SHIPPED,
        "gru-tiny": _SHIPPED,
        "mamba2-tiny": _SHIPPED,
        "window-tiny": _SHIPPED,
        "rmt-tiny-reasoning": _SHIPPED,
        "rmt": "rmt_bench.bench.models.rmt",
        "armt": "rmt_bench.bench.models.armt",
        "server": "rmt_bench.bench.models.server",
        "retrieval": "rmt_bench.bench.models.retrieval",
        "memory-agent": "rmt_bench.bench.models.memory_agent",
        "cached": "rmt_bench.bench.models.cached",
        "window": "rmt_bench.bench.models.window",
        "full": "rmt_bench.bench.models.full_context",
        "gru": _RECURRENT,
        "lstm": _RECURRENT,
        "mamba2": "rmt_bench.bench.models.mamba2",
        "window-transformer": "rmt_bench.bench.models.window_transformer",
        "oracle": _BASELINES,
        "majority": _BASELINES,
        "random": _BASELINES,
    },
)
model = MODELS.register


def load_model(spec: str | Factory, **options: Any) -> SegmentModel:
    """The model that `spec` names, made with `options` (`--model-arg key=value`), in evaluation mode.

    `spec` is a registered name, optionally with an argument (`rmt:FOLDER`), `package.module:factory`,
    `path/to/file.py:factory`, a checkpoint folder, or `hf:OWNER/NAME`, one on the hub; or what makes the model itself:
    a class of yours, a function. Raises `UserError` naming what is wrong: an unknown name, a missing factory, an option
    it does not take, a method it lacks. The option `memory_deadband` goes with every model; see models/deadband.py.
    """
    if "memory_deadband" in options:
        from .models.deadband import with_deadband

        threshold = options.pop("memory_deadband")
        return with_deadband(load_model(spec, **options), threshold)
    if isinstance(spec, str) and spec.startswith(HUB):
        from .pretrained import from_pretrained

        return from_pretrained(spec.removeprefix(HUB), **options)
    if isinstance(spec, str) and (Path(spec) / "checkpoint.json").is_file():
        from .checkpoint import load_checkpoint

        return load_checkpoint(spec, **options)
    import torch

    factory, arguments = _find(spec) if isinstance(spec, str) else (spec, ())
    name = spec if isinstance(spec, str) else getattr(spec, "__name__", type(spec).__name__)
    made = _make(name, factory, arguments, options)
    refuse_incomplete(name, made)
    return made.eval() if isinstance(made, torch.nn.Module) else made  # type: ignore[return-value]


def takes(spec: str, option: str) -> bool:
    """Whether the factory that `spec` names has a parameter called `option`; a checkpoint is made as it was."""
    is_made = spec.startswith(HUB) or (Path(spec) / "checkpoint.json").is_file()
    return not is_made and option in inspect.signature(_find(spec)[0]).parameters


def settings(name: str) -> dict[str, Any]:
    """The options of the registered model `name`, as they are unless told otherwise; what stands behind a `:` is none.

    One that must be given is `REQUIRED`. A checkpoint that ships has those that it was made with; its backbone's
    configuration is left out. Raises `UserError` for an unknown name.
    """
    from .models.shipped import CHECKPOINTS

    parameters = [*inspect.signature(MODELS.get(name)).parameters.values()]
    stored = CHECKPOINTS / name / "checkpoint.json"
    if stored.is_file():
        own = {key: value for key, value in read_json(stored)["options"].items() if key != "config"}
    else:
        behind = parameters[:1] if parameters and parameters[0].kind is parameters[0].POSITIONAL_OR_KEYWORD else []
        left = [one for one in parameters if one not in behind and one.kind is not one.VAR_KEYWORD]
        own = {one.name: REQUIRED if one.default is one.empty else one.default for one in left}
    return {"memory_deadband": 0.0, **own}


def answers(
    model: SegmentModel, state: State, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
) -> list[Reply]:
    """The model's answer for each row: its own, or the choice it scores best."""
    if hasattr(model, "answer"):
        said = model.answer(state, prompts, choices)
        if isinstance(said, str):
            raise ValueError("`answer` gave one text, not a list with one for each row")
        return [answer if isinstance(answer, Reply) else Reply(str(answer)) for answer in said]
    assert isinstance(model, ScoringModel)
    return likeliest(model.score(state, prompts, choices), choices)


def likeliest(scores: torch.Tensor, choices: Sequence[Sequence[str]]) -> list[Reply]:
    """Each row's choice with the highest of `scores` [batch, most choices]; an error where one is NaN."""
    best, broken = scores.argmax(-1).tolist(), scores.isnan().any(-1).tolist()
    nan = Reply("", "error", "the model's scores are not all numbers (NaN)")
    return [nan if bad else Reply(str(row[i])) for row, i, bad in zip(choices, best, broken, strict=True)]


def refuse_unknown_options(spec: str, options: Iterable[str], *factories: Factory) -> None:
    """Raise `UserError` for an option that none of `factories` has a parameter for.

    Each hands what it does not take on to the next; one that takes whatever comes stands last, and refuses by itself.
    """
    signatures = [inspect.signature(made).parameters.values() for made in factories]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in signatures[-1]):
        return
    known = [one.name for parameters in signatures for one in parameters if one.kind is not one.VAR_KEYWORD]
    for option in options:
        if option not in known:
            raise UserError(
                f"model {spec!r} takes no option {option!r}{did_you_mean(option, [*known, 'memory_deadband'])} "
                f"(it takes: {', '.join(known) or 'none'})"
            )


def _make(spec: str, factory: Factory, arguments: tuple[str, ...], options: dict[str, Any]) -> SegmentModel:
    refuse_unknown_options(spec, options, factory)
    try:
        return factory(*arguments, **options)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"model {spec!r} cannot be made: {one_line(error)} ({raised_at(error)})") from error


def _find(spec: str) -> tuple[Factory, tuple[str, ...]]:
    name, _, rest = spec.partition(":")
    if name in MODELS.names():
        return MODELS.get(name), (rest,) if rest else ()
    path, colon, attribute = spec.rpartition(":")
    if not colon:
        if spec.endswith(".py"):
            raise UserError(f"{spec!r} names a file but no factory: write {spec}:FACTORY")
        if "/" in spec:
            raise UserError(f"{spec!r} is no checkpoint folder (no checkpoint.json there); see: rmt-bench train --help")
        raise UserError(MODELS.unknown(spec))
    module = _load_file(Path(path)) if path.endswith(".py") else _load_module(path, spec)
    factory = getattr(module, attribute, None)
    if not callable(factory):
        near = did_you_mean(attribute, [known for known in vars(module) if not known.startswith("_")])
        raise UserError(f"{path} has no factory {attribute!r}{near}")
    return factory, ()


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"no such file: {path}")
    let_import_beside(path)
    name = f"rmt_bench_plugin_{path.stem}"  # never a library's; the file may be edited, and loaded again
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path} cannot be imported: {one_line(error)} ({raised_at(error)})") from error
    return module


def _load_module(name: str, spec: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        known = MODELS.unknown(spec)
        raise UserError(f"{known} (nor could the module {name!r} be imported: {one_line(error)})") from error


def refuse_incomplete(spec: str, made: Any) -> None:
    """Raise `UserError` where `made`, which messages call `spec`, lacks a part of the protocol."""
    for name in ("tokenizer", "segment_length"):
        if not hasattr(made, name):
            raise UserError(f"model {spec!r} lacks the attribute `{name}`; see: rmt_bench.SegmentModel")
    for name in ("start", "read"):
        if not callable(getattr(made, name, None)):
            raise UserError(f"model {spec!r} lacks the method `{name}`; see: rmt_bench.SegmentModel")
    if not callable(getattr(made, "answer", None)) and not callable(getattr(made, "score", None)):
        raise UserError(f"model {spec!r} lacks the method `answer` (or `score`); see: rmt_bench.SegmentModel")
    if not isinstance(made.segment_length, int) or made.segment_length < 1:
        raise UserError(f"model {spec!r}: segment_length is a whole number of tokens, not {made.segment_length!r}")
