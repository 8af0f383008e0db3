"""From a model to a checkpoint: trains, and writes what it takes to use, trust and repeat the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..base.files import digest
from .checkpoint import read_training, save_checkpoint
from .environment import environment
from .processes import Alone
from .snapshot import Snapshot
from .stream import Stream
from .trainer import Recipe, StepReport, Trainer


def train(
    model: Any,
    stream: Stream,
    recipe: Recipe,
    output: str | Path,
    *,
    spec: str,
    options: dict[str, Any] | None = None,
    on_step: Callable[[StepReport], None] = lambda report: None,
    save_every: int = 200,
    processes: Alone | None = None,
    tensorboard: bool = False,
) -> Path:
    """Train `model`, which `load_model(spec, **options)` made, and write its checkpoint to `output`.

    Called again after an interruption it goes on where the last snapshot was kept, and comes to the same weights. Of
    several `processes` that call this together, the first writes. `tensorboard` has the log kept for that, too.
    Raises `UserError` when the model cannot be trained or `output` holds something else, and `IncompleteError` when a
    stage is not learned.
    """
    options = options or {}
    samples = {"tasks": {name: task.knobs() for name, task in stream.tasks.items()}, **stream.source.fingerprint}
    processes = processes or Alone()
    launch = [said] if (said := processes.identity()) else []
    identity = digest(spec, options, recipe.identity(), samples, stream.segment_length, stream.batch_size, *launch)
    snapshot = Snapshot(output, identity, writes=processes.is_first)
    with snapshot.held():
        trainer = Trainer(model, stream, recipe, snapshot, processes)

        with _board(snapshot, trainer.progress.step, tensorboard) as board:

            def report(step: StepReport) -> None:
                snapshot.log(asdict(step))
                board(step)
                on_step(step)

            progress = trainer.run(report, save_every)
        before = read_training(spec)
        training = {
            "trained_segments": _longest(trainer.longest, before.get("trained_segments", {})),
            "steps": progress.step,
            "seconds": round(progress.seconds, 1),
            "stages": progress.learned,
            "batch_size": stream.batch_size,
            "recipe": recipe.identity(),
            "samples": samples,
            **processes.identity(),
            **environment(),
            **({"before": before} if before else {}),
        }
        if processes.is_first:
            save_checkpoint(output, spec, options, model, training)
            snapshot.close()
        processes.wait()
    return Path(output)


def _longest(now: tuple[int, int], before: dict[str, int]) -> dict[str, int]:
    """The most segments that gradients reached back, and that a memory lived through, `before` included."""
    said = dict(zip(("gradient", "memory"), now, strict=True))
    return {what: max(segments, before.get(what, 0)) for what, segments in said.items()}


@contextmanager
def _board(snapshot: Snapshot, step: int, wanted: bool) -> Iterator[Callable[[StepReport], None]]:
    """What hears of every step for TensorBoard, from step `step` on."""
    if not wanted or not snapshot.writes:
        yield lambda report: None
        return
    from .tensorboard import Board

    board = Board(snapshot.tensorboard, step)
    try:
        yield board.log
    finally:
        board.close()
