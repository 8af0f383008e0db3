"""Training: a curriculum over segments, on fresh samples, through the same start, read and score that evaluation uses.

Step n draws everything from (seed, n), so an interrupted training goes on to the very weights of an undisturbed one.
Knows no command line, and of files only that a `Snapshot` keeps what it needs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ..base.errors import IncompleteError, UserError
from ..base.files import digest
from .averaging import Average
from .carried import Carried, CarriedRecipe, at_least_float32
from .curriculum import Stage, Step, draw_step
from .documents import LockStep
from .processes import Alone
from .reading import model_device
from .snapshot import Snapshot
from .stream import Example, Stream


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: AdamW, with weight decay on matrices only.

    `rate` is the learning rate, reached after `warmup` steps; `roll_rate` the one from the first rolled stage on. A
    stage is learned when the mean accuracy of the last steps that count is at least `promote`, for each of its tasks:
    they share `window` steps. Training stops when that takes more than `max_steps`, or when the accuracy has not risen
    for `patience` steps. The last stage takes `decay_steps`; with `carried` it carries streams.

    With `total_steps` training takes exactly so many: what was learned is trained on, and the decay begins in time,
    at whatever stage training has come to. That is the same budget for every model.

    With `average` the weights that come out are the moving average over steps, of which each keeps that share.
    """

    stages: tuple[Stage, ...]
    rate: float = 1e-3
    roll_rate: float = 5e-4
    warmup: int = 100
    promote: float = 0.99
    window: int = 20
    max_steps: int = 3000
    patience: int | None = None
    total_steps: int | None = None
    decay_steps: int = 200
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    seed: int = 0
    average: float | None = None
    carried: CarriedRecipe | None = None

    def identity(self) -> dict[str, Any]:
        """What two trainings must share to give the same weights; when to give up may be changed in between."""
        said = {key: value for key, value in asdict(self).items() if value is not None}
        said["stages"] = [{key: value for key, value in stage.items() if value} for stage in said["stages"]]
        return {key: value for key, value in said.items() if key not in ("max_steps", "patience")}


@dataclass
class Progress:
    """Where training stands: what it takes, beside weights and optimiser, to go on as if nothing had happened."""

    step: int = 0
    stage: int = 0
    step_in_stage: int = 0
    reached: int = 0
    recent: dict[str, list[float]] = field(default_factory=dict)
    best: float = 0.0
    best_step: int = 0
    seconds: float = 0.0
    learned: list[dict[str, Any]] = field(default_factory=list)
    carried: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepReport:
    """One step, as whoever watches sees it. `recent_accuracy`, the worst task's, decides if the stage is learned.

    `accuracy` is `None` where nothing was asked yet; `segments` are those of a document, or those that were read on.
    """

    step: int
    stage: str
    segments: int
    loss: float
    accuracy: float | None
    recent_accuracy: float
    rate: float


@dataclass(frozen=True)
class _Outcome:
    """What was computed for one step, before the weights change; `rows` were asked, `hits` of them right."""

    segments: int
    loss: float
    hits: int
    rows: int
    counts: bool
    task: str = ""


class Trainer:
    """Trains a torch module that offers `start`, `read` and `score`, in place.

    With a `snapshot` that holds this very training, unfinished, it goes on from there. Of several `processes` each has
    a share of every batch, and all come to the same weights.
    """

    def __init__(self, model: Any, stream: Stream, recipe: Recipe, snapshot: Snapshot, processes: Alone | None = None):
        if not isinstance(model, torch.nn.Module) or not hasattr(model, "score"):
            raise UserError(
                f"a {type(model).__name__} cannot be trained: that takes a torch.nn.Module with a `score` method; "
                "see: rmt_bench.SegmentModel"
            )
        self.model: Any = model
        self.stream = stream
        self.recipe = recipe
        self.snapshot = snapshot
        self.processes = processes or Alone()
        self.processes.share_weights(model)
        self._optimiser = torch.optim.AdamW(_groups(model, recipe.weight_decay), lr=recipe.rate, betas=recipe.betas)
        self._carried = (
            Carried(model, stream, recipe.stages[-1], recipe.carried, recipe.seed) if recipe.carried else None
        )
        if self._carried and self.processes.count > 1:
            raise UserError("carried streams are read by one process: leave --streams out, or train in one")
        self.progress = Progress()
        stored = snapshot.load(model, self._optimiser)
        self._average = None if recipe.average is None else Average(model, recipe.average)
        if stored:
            self._restore(*stored)

    @property
    def stage(self) -> Stage:
        """The stage that training is in. Where the budget ended the curriculum, the last is like what it came to."""
        stage = self.recipe.stages[self.progress.stage]
        if stage.decays and self.progress.reached < self._last - 1:
            return replace(self.recipe.stages[self.progress.reached], name=stage.name, decays=True)
        return stage

    @property
    def longest(self) -> tuple[int, int]:
        """Of what was trained: the most segments that gradients reached back, and that a memory lived through."""
        reached = self.progress.reached
        stages = self.recipe.stages if reached == self._last - 1 else self.recipe.stages[: reached + 1]
        return max(stage.gradient for stage in stages), max(stage.memory for stage in stages)

    @property
    def is_finished(self) -> bool:
        """Whether the last stage is done."""
        return self.progress.stage > self._last

    def run(self, on_step: Callable[[StepReport], None] = lambda report: None, save_every: int = 200) -> Progress:
        """Train to the end of the last stage. `on_step` hears of every step.

        A snapshot is kept every `save_every` steps and after every stage. Raises `IncompleteError` when a stage is
        not learned.
        """
        self.model.train()
        begun = time.perf_counter() - self.progress.seconds
        while not self.is_finished:
            report = self._step()
            self.progress.seconds = time.perf_counter() - begun
            on_step(report)
            if self._advance() or self.progress.step % save_every == 0:
                self._save()
            self._refuse_endless()
        if self._average:
            self._average.put()
        self.model.eval()
        return self.progress

    def _save(self) -> None:
        """Keep where training stands."""
        others: dict[str, torch.Tensor] = {}
        if self._average:
            others |= {f"average.{name}": tensor for name, tensor in self._average.tensors().items()}
        if self._carried:
            others |= {f"carried.{name}": tensor for name, tensor in self._carried.tensors().items()}
            self.progress.carried = self._carried.places()
        self.snapshot.save(self.model, self._optimiser, asdict(self.progress), others)

    def _restore(self, progress: dict[str, Any], others: dict[str, torch.Tensor]) -> None:
        """Go on from where training stood; weights and optimiser are in place already."""
        self.progress = Progress(**progress)
        if self._average:
            self._average.restore(_named(others, "average."))
        if self._carried:
            self._carried.restore(self.progress.carried, _named(others, "carried."))

    def _step(self) -> StepReport:
        """Draw a batch, change the weights once."""
        number, stage = self.progress.step, self.stage
        key = digest("training step", self.recipe.seed, number)
        rng = np.random.Generator(np.random.Philox(key=int(key[:32], 16)))
        torch.manual_seed(int(key[32:44], 16) + self.processes.rank)
        rate = self._set_rate()
        self._optimiser.zero_grad(set_to_none=True)
        done = self._carry(number, rng) if stage.decays and self._carried else self._learn(draw_step(stage, rng), rng)
        self.processes.add_gradients(self.model.parameters())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self._optimiser.step()
        if self._average:
            self._average.update()
        accuracy = done.hits / done.rows if done.rows else None
        if done.counts and accuracy is not None:
            recent = [*self.progress.recent.get(done.task, []), accuracy]
            self.progress.recent[done.task] = recent[-self._window() :]
        return StepReport(number, stage.name, done.segments, done.loss, accuracy, self._recent_accuracy(), rate)

    def _learn(self, step: Step, rng: np.random.Generator) -> _Outcome:
        """Whole documents, each with its question at the end."""
        batch = self.stream.batch(self.progress.step, step.segments, self.stage, rng)
        groups = batch.groups
        (rows,) = self.processes.total([sum(map(len, groups))])
        losses, hits = zip(*(self._backward(group, self.stage.gradient, int(rows)) for group in groups), strict=True)
        loss, right = self.processes.total([sum(losses), sum(hits)])
        return _Outcome(step.segments, loss, int(right), int(rows), step.counts, batch.task)

    def _carry(self, number: int, rng: np.random.Generator) -> _Outcome:
        """Carried streams read on; now and then whole documents instead, so that they are not forgotten."""
        assert self._carried is not None
        if rng.random() < self._carried.recipe.ordinary:
            return self._learn(Step(int(rng.integers(1, self.stage.gradient + 1)), counts=False), rng)
        with self.processes.autocast():
            done = self._carried.step(number, rng)
        if done.loss.requires_grad:
            done.loss.backward()
        return _Outcome(done.segments, float(done.loss.detach()), done.right, done.asked, counts=True)

    def _backward(self, group: list[Example], gradient: int, rows: int) -> tuple[float, int]:
        """Add the gradient of one group's share of the loss; returns that share, and how many were right."""
        with self.processes.autocast():
            logits = self._logits(group, gradient)
        targets = torch.tensor([example.target for example in group], device=logits.device)
        loss = F.cross_entropy(at_least_float32(logits), targets, reduction="sum") / rows
        loss.backward()
        return float(loss.detach()), int((logits.detach().argmax(-1) == targets).sum())

    def _logits(self, group: list[Example], gradient: int) -> torch.Tensor:
        """Scores [rows, choices]: the last `gradient` segments, the question's among them, with gradients."""
        documents = [example.document for example in group]
        batch = LockStep(documents, self.model.segment_length, model_device(self.model))
        without = batch.shape.segments - gradient
        state = self.model.start(len(group))
        for number, segment in enumerate(batch.segments()):
            with torch.set_grad_enabled(number >= without):
                state = self.model.read(state, segment)
        return self.model.score(state, batch.prompts(), [example.choices for example in group])

    def _set_rate(self) -> float:
        recipe = self.recipe
        rate = self.stage.rate or (recipe.roll_rate if self.stage.rolls else recipe.rate)
        rate *= min((self.progress.step + 1) / recipe.warmup, 1.0)
        if self.stage.decays:
            rate *= 1 - self.progress.step_in_stage / recipe.decay_steps
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _advance(self) -> bool:
        """Count the step; go on to the next stage when this one is done with."""
        progress = self.progress
        progress.step += 1
        progress.step_in_stage += 1
        if not self._is_done():
            if self._judged() and self._recent_accuracy() > progress.best:
                progress.best, progress.best_step = self._recent_accuracy(), progress.step_in_stage
            return False
        seconds = progress.seconds - sum(stage["seconds"] for stage in progress.learned)
        said = {"stage": self.stage.name, "steps": progress.step_in_stage, "seconds": round(seconds, 1)}
        progress.learned.append({**said, "accuracy": round(self._recent_accuracy(), 4)})
        if not self.stage.decays:
            progress.reached = progress.stage
        progress.stage = self._last if self._budget_is_over() and not self.stage.decays else progress.stage + 1
        progress.step_in_stage, progress.recent, progress.best, progress.best_step = 0, {}, 0.0, 0
        return True

    def _is_done(self) -> bool:
        """Whether this stage is learned, or its time is over."""
        recipe, stage = self.recipe, self.stage
        if stage.decays:
            return self.progress.step_in_stage >= recipe.decay_steps
        if self._budget_is_over():
            return True
        promote = recipe.promote if stage.promote is None else stage.promote
        waits = recipe.total_steps is not None and self.progress.stage == self._last - 1
        return not waits and self._judged() and self._recent_accuracy() >= promote

    @property
    def _last(self) -> int:
        return len(self.recipe.stages) - 1

    def _budget_is_over(self) -> bool:
        """Whether as many steps are left as the decay takes."""
        total = self.recipe.total_steps
        return total is not None and self.progress.step >= total - self.recipe.decay_steps

    def _window(self) -> int:
        """How many of its last steps a task of this stage is judged by."""
        return math.ceil(self.recipe.window / len(self.stream.names(self.stage)))

    def _judged(self) -> bool:
        """Whether every task of this stage was asked often enough."""
        recent = self.progress.recent
        return all(len(recent.get(name, [])) == self._window() for name in self.stream.names(self.stage))

    def _recent_accuracy(self) -> float:
        """The mean accuracy of the last steps that count, of the task that does worst."""
        return min((sum(recent) / len(recent) for recent in self.progress.recent.values()), default=0.0)

    def _refuse_endless(self) -> None:
        if self.is_finished or self.stage.decays or self.recipe.total_steps is not None:
            return
        steps, patience = self.progress.step_in_stage, self.recipe.patience
        if steps >= self.recipe.max_steps:
            why, more = f"was not learned in {steps:,} steps", "--max-steps"
        elif patience is not None and steps - self.progress.best_step >= patience:
            why, more = f"has not got better for {patience:,} steps", "--patience"
        else:
            return
        self._save()
        raise IncompleteError(
            f"the stage `{self.stage.name}` {why} (accuracy {self._recent_accuracy():.1%}); the same command with a "
            f"higher {more} goes on, another --seed or --rate may do better"
        )


def _named(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def _groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trainable if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trainable if parameter.ndim < 2], "weight_decay": 0.0},
    ]
