"""The door for Python: what the commands do, as functions whose results a notebook shows. Composes rooms, as cli does.

    samples = rb.generate(["detect"], "1k..8k", samples=50)
    run = rb.evaluate(MyModel, samples)  # a class, an object, a name; kept in a folder if one is named
    run.curve().plot()
    rb.compare(run, rb.evaluate("rmt-tiny", samples))

What is heavy is imported when it is used.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pandas as pd

from ..base.errors import UserError
from ..base.hub import RepoType
from ..bench.record import RunFolder
from ..leaderboard.curve import Comparison, Curve, compare_runs

if TYPE_CHECKING:
    from ..bench.engines import Workers
    from ..bench.faults import Failure
    from ..bench.model import Factory, SegmentModel
    from ..generators.plan import Samples
    from ..leaderboard.site.asked import Surroundings

_LOG = logging.getLogger("rmt_bench")


class Run:
    """An evaluation that was made: its answers, and what they come to.

    It lies in a folder, which stands wherever a path to a run does; `save` keeps one that has none of its own.
    """

    def __init__(
        self,
        folder: str | Path,
        surroundings: Surroundings | None = None,
        temporary: tempfile.TemporaryDirectory[str] | None = None,
    ):
        self.folder = Path(folder)
        self._surroundings = surroundings
        self._temporary = temporary  # goes when this object does

    @property
    def info(self) -> dict[str, Any]:
        """What was run, when and with what: run.json. Raises `UserError` when the folder holds no run."""
        return RunFolder(self.folder).info

    @property
    def model(self) -> str:
        """What tables call the model."""
        return str(self.info["identity"]["model"])

    @property
    def records(self) -> pd.DataFrame:
        """Every question that was asked: one row each, with the model's `output`, the `answer` found in it, `correct`,
        `status`, and the columns of `rmt_bench.bench.record.Record`; `chance` is how likely a guess is right.
        """
        return RunFolder(self.folder).records()

    @property
    def errors(self) -> int:
        """How many questions ended in an error. They are neither right nor wrong; `failures` says why."""
        return int((self.records["status"] == "error").sum())

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The errors by task, length and reason, most frequent first."""
        from ..bench.faults import failures

        return tuple(failures(self.records))

    def curve(self, scorer: str | None = None) -> Curve:
        """Accuracy against length, with intervals, chance and cost. `scorer` judges the answers anew (None: as it was).

        Raises `UserError` for an unknown scorer.
        """
        from ..leaderboard.metrics import curve

        return Curve(curve(self.folder, scorer))

    def summary(self, threshold: float = 0.85) -> pd.DataFrame:
        """What each task's curve comes to: curve score, effective length at `threshold`, retention, half-life."""
        from ..leaderboard.metrics import run_rows
        from ..leaderboard.records import read_run
        from ..leaderboard.summary import summary_rows

        run = read_run(self.folder)
        return summary_rows(run, run_rows(run), threshold)[0]

    def depths(self) -> pd.DataFrame:
        """Accuracy against the depth of the fact: one row per task, length and tenth of the text."""
        from ..leaderboard.metrics import depth_rows
        from ..leaderboard.records import read_run

        return depth_rows(read_run(self.folder))

    def capture(self) -> pd.DataFrame:
        """Was a fact ever written (capture), and was it kept (retention)? One row per task and length.

        Empty unless the run was made with `probes` that have a 0 among them.
        """
        from ..leaderboard.capture import capture_rows

        return capture_rows(self.folder)

    def decay(self) -> pd.DataFrame:
        """Accuracy against the distance from the last supporting fact, of a run made with `probes`."""
        from ..leaderboard.capture import decay_rows

        return decay_rows(self.folder)

    def report(self) -> Path:
        """The path of `report.html`, one file for a browser: the curve, where facts are lost, single questions.

        It is written if need be, with curve.csv and curve.png beside it.
        """
        from ..leaderboard.board import conclude_run
        from ..leaderboard.site.report import REPORT

        path = self.folder / REPORT
        if not path.is_file() or self._surroundings:
            conclude_run(self.folder, self._surroundings)
        return path

    def save(self, folder: str | Path) -> Run:
        """Keep the run in `folder`, report included. Raises `UserError` when something else is there."""
        target = Path(folder)
        if target.exists():
            raise UserError(f"{target} is there already: name a new folder")
        self.report()
        shutil.copytree(self.folder, target)
        return Run(target, self._surroundings)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        where = "not kept" if self._temporary else str(self.folder)
        return f"<Run of {self.model} ({where})>\n{self.curve()!r}"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from markupsafe import escape

        where = "not kept: <code>run.save(FOLDER)</code> keeps it" if self._temporary else escape(self.folder)
        return f"<p><b>{escape(self.model)}</b> ({where})</p>{self.curve()._repr_html_()}"


def evaluate(
    model: SegmentModel | Factory | str,
    samples: Samples | str | Path,
    output: str | Path | None = None,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    device: str | None = None,
    dtype: str | None = None,
    seed: int = 0,
    batch_size: int = 8,
    checkpoint_every: int | None = None,
    probes: Sequence[int] = (),
    one_pass: bool = False,
    workers: int | Workers | None = None,
    progress: bool = True,
    notice: Callable[[str], None] = _LOG.warning,
) -> Run:
    """Ask `model` every question of `samples`; what comes out is a `Run`.

    `model` is a `SegmentModel` that is made, its class, or a name that `load_model` takes; a class or a name is made
    with `options`, on `device` (None: an accelerator where there is one), in `dtype`, with torch's random `seed`.
    `samples` are what `generate` gave, or the folder of a data set. `name` is what tables call the model.

    With an `output` folder the run is kept there, with curve.csv, curve.png and report.html; called again with the same
    arguments it does what is missing or failed, and nothing twice. Without one it lasts as long as the `Run` does.

    `probes` are distances in segments from the last supporting fact, at which each question is asked, too (0: right
    after it); `one_pass` reads a story at all lengths in one pass; `checkpoint_every` segments the state of a long
    reading is kept (None: every half minute). `workers` processes read side by side, each with a model of its own,
    which is then given by its name. `progress` shows a bar on a terminal or in a notebook; `notice` hears what else a
    user should know.

    A model that raises spoils its batch only: see `Run.failures`. Raises `UserError` when the call is wrong, or
    `output` holds something else.
    """
    from ..bench import evaluate as harness
    from ..bench.engines import Workers
    from ..bench.reading_bar import reading_bar
    from ..bench.setup import Setup
    from ..generators.dataset import Dataset
    from ..generators.passages import passages

    asked = Dataset(samples) if isinstance(samples, str | Path) else samples
    if not hasattr(asked, "units"):
        raise UserError(f"samples are what rb.generate gave, or the folder of a data set, not a {type(asked).__name__}")
    if isinstance(workers, int):
        from ..base.engine import Engine

        workers = Workers(Engine(workers=workers)) if workers != 1 else None
    if workers is not None and not isinstance(model, str):
        raise UserError("workers make models of their own: give a name, such as 'path/to/file.py:factory', not a class")
    setup = None
    if isinstance(model, str) or _makes_models(model):
        setup = Setup(model, dict(options or {}), device or "auto", dtype, seed=seed)
        made: Any = (setup if workers is None else setup.for_a_look).make()
        called = model if isinstance(model, str) else getattr(model, "__name__", "model")
    else:
        made, called = _as_it_is(model, options, device, dtype), type(model).__name__
    temporary = None if output is not None else tempfile.TemporaryDirectory(prefix="rmt-bench-")
    folder = Path(output) if output is not None else Path(temporary.name) / _label(name or called)  # type: ignore[union-attr]
    with _for_evaluation(made), reading_bar(asked, made.segment_length, not progress) as bar:
        outcome = harness.evaluate(
            made, asked, folder, name=name or called, options=dict(options or {}), setup=setup, batch_size=batch_size,
            checkpoint_every=checkpoint_every, probes=probes, one_pass=one_pass, workers=workers, progress=bar,
            notice=notice,
        )  # fmt: skip
    if outcome.errors:
        notice(f"{outcome.errors} questions ended in an error (the most frequent: {outcome.failures[0]})")
    surroundings: Any = partial(passages, asked)
    run = Run(outcome.folder, surroundings, temporary)
    if temporary is None:
        run.report()
    return run


def _label(name: str) -> str:
    """A model's name as that of a folder."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name) or "run"


def _makes_models(model: Any) -> TypeGuard[Factory]:
    """Whether it is a class, or a function that makes a model, and not a model itself."""
    return isinstance(model, type) or (callable(model) and not hasattr(model, "segment_length"))


def _as_it_is(model: Any, options: Mapping[str, Any] | None, device: str | None, dtype: str | None) -> Any:
    """A model that is made. Raises `UserError` where it lacks something, or is to be made otherwise than it is."""
    from ..bench.checkpoint import to_device
    from ..bench.model import refuse_incomplete

    if options or dtype:
        raise UserError("options and dtype say how a model is made: give its class or its name with them")
    refuse_incomplete(type(model).__name__, model)
    if device is not None:
        to_device(model, device)
    return model


@contextmanager
def _for_evaluation(model: Any) -> Iterator[None]:
    """A torch module in evaluation mode, and afterwards as it was."""
    training = getattr(model, "training", False) is True and hasattr(model, "eval")
    if training:
        model.eval()
    try:
        yield
    finally:
        if training:
            model.train()


def load_run(folder: str | Path) -> Run:
    """The run in `folder`, which `evaluate`, `rmt-bench eval` or an import made.

    Raises `UserError` when there is none.
    """
    from ..leaderboard.records import read_info

    read_info(Path(folder))
    return Run(folder)


def compare(first: Run | str | Path, *others: Run | str | Path, scorer: str = "strict") -> Comparison:
    """`first` less each of `others`, on the samples that both were asked, and the curves of all to be plotted.

    Raises `UserError` when no other is given, or two of them have no task and length in common.
    """
    return compare_runs([Path(run) for run in (first, *others)], scorer)


def build_board(
    runs: Sequence[Run | str | Path], output: str | Path, *, scorer: str = "strict", threshold: float = 0.85
) -> Path:
    """Write tables and a page of all `runs` into the folder `output`, and return the path of its index.html.

    See `rmt-bench leaderboard build`, which does the same. Raises `UserError` when there is no run.
    """
    from ..leaderboard.site.whole import build_leaderboard

    return build_leaderboard([Path(run) for run in runs], output, scorer, threshold)


def check(
    model: SegmentModel | Factory | str, *, options: Mapping[str, Any] | None = None, device: str = "auto"
) -> pd.DataFrame:
    """Prove that a model is a sound plugin: one row per proof, with `sound` (None: it does not apply) and a `note`.

    Do not trust the curve of a model for which one is False. Raises `UserError` when it lacks something.
    """
    import torch

    from ..bench.check import check as proofs
    from ..bench.setup import Setup
    from ..tasks.lexicon import PLACES

    if isinstance(model, str) or _makes_models(model):
        made: Any = Setup(model, dict(options or {}), device).make()
    else:
        made = _as_it_is(model, options, device, None)
    torch.manual_seed(0)
    with _for_evaluation(made):
        return pd.DataFrame(proofs(made, getattr(made, "labels", PLACES)))


def train(
    model: str,
    tasks: Sequence[str],
    output: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    progress: bool = True,
    **settings: Any,
) -> Path:
    """Train a model on `tasks`, and keep its checkpoint in the folder `output`, which `evaluate` and `load_model` take.

    `model` is what `load_model` takes by name, made with `options`: a class of yours is `path/to/file.py:Class`, since
    the checkpoint says how to make it again. `settings` are the options of `rmt-bench train`, such as `curriculum`
    ("1..7seg" or [1, 2, 4]), `roll`, `rate`, `max_steps`, `batch_size`, `seed`, `background`, `task_args`. Called again
    after an interruption it goes on. Raises `UserError` for a wrong call, and `IncompleteError` when a stage is not
    learned.
    """
    from .training import train_by_command

    return train_by_command(model, tasks, output, dict(options or {}), progress, settings)


def push_data(folder: str | Path, name: str, *, private: bool | None = None) -> str:
    """Put the data set in `folder` on the hub as OWNER/NAME, and return its address. See `rmt-bench push data`."""
    from .hub import data_parcel

    return data_parcel(folder, name).send(private)


def push_checkpoint(
    folder: str | Path, name: str, *, run: Run | str | Path | None = None, private: bool | None = None
) -> str:
    """Put a checkpoint on the hub as OWNER/NAME with a card, the curve of `run` in it, and return its address.

    `load_model("hf:OWNER/NAME")` and `from_pretrained("OWNER/NAME")` load it. See `rmt-bench push checkpoint`.
    """
    from .hub import checkpoint_parcel

    return checkpoint_parcel(folder, name, None if run is None else Path(run)).send(private)


def push_board(site: str | Path, name: str, *, repo_type: RepoType = "space", private: bool | None = None) -> str:
    """Put a board that `build_board` wrote on the hub, and return its address. See `rmt-bench push board`."""
    from .hub import board_parcel

    return board_parcel(site, name, repo_type).send(private)
