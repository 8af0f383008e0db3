"""Carried streams: memories that live on from step to step, so that training meets them as old as evaluation does.

    step 1     | s1 | s2 |                              gradients of s1 and s2; where all that a question needs was
    step 9               | s3 | s4 | s5 |               read, it is asked; the memory goes on without its history
    step 13                              | s6 | tail, question |        and at the end of the document as always

Each step one of several batches reads on by a few segments. Two losses are added: of the questions, and of what a
segment without a fact changes in the memory, which has nothing to change there. Knows models and streams; no files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ..base.errors import UserError
from ..base.files import digest
from .curriculum import Stage
from .documents import LockStep
from .model import State
from .reading import model_device
from .state_parts import Parts, UnsavableError, take_apart
from .states import tensors
from .stream import Example, Stream

#: A batch to look at a state with; hardly a model has so many layers.
_ROWS = 13


@dataclass(frozen=True)
class CarriedRecipe:
    """How streams are carried: `batches` of them side by side, in documents of up to `longest` segments.

    The length is drawn log-uniformly, so that short and long gaps are met alike. A step reads 1 to `reads` segments.
    `ordinary` is the share of steps that read whole documents instead, as in the curriculum. `hold` weighs the squared
    change of the state over segments without facts; 0 leaves that out.
    """

    batches: int
    longest: int = 60
    reads: int = 3
    ordinary: float = 0.35
    hold: float = 3.0


@dataclass(frozen=True)
class Carry:
    """What one step came to: a loss to go back from, how many questions were asked, and how many right."""

    loss: torch.Tensor
    segments: int
    asked: int
    right: int


@dataclass
class _Batch:
    """Documents of one shape, read as far as they are: `begun` is the step that began them."""

    begun: int
    examples: list[Example]
    documents: LockStep
    segments: Iterator[torch.Tensor]
    state: State
    read: int = 0
    tokens: int = 0

    @property
    def left(self) -> int:
        """Segments still to be read, the one with the question not among them."""
        return self.documents.shape.segments - 1 - self.read

    def next(self) -> tuple[torch.Tensor, list[bool]]:
        """The next segment, and which rows have no fact in it."""
        segment = next(self.segments)
        start, stop = self.tokens, self.tokens + segment.shape[1]
        self.read, self.tokens = self.read + 1, stop
        idle = [all(end <= start or begin >= stop for begin, end in example.facts) for example in self.examples]
        return segment, idle


@dataclass
class Carried:
    """The streams of one training: what is read next, and the memories they have come to.

    Raises `UserError` when the model's state cannot be kept on disk, or has not the rows that the hold loss needs.
    """

    model: Any
    stream: Stream
    stage: Stage
    recipe: CarriedRecipe
    seed: int
    _batches: dict[int, _Batch] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse before the first stage what would fail in the last one."""
        first = self.model.start(_ROWS)
        _parts(first)
        if self.recipe.hold and not _begin_with_rows(tensors(first), _ROWS):
            raise _other_rows()

    def step(self, number: int, rng: np.random.Generator) -> Carry:
        """Step `number`: one of the batches reads on, with gradients from where this step begins."""
        place = int(rng.integers(self.recipe.batches))
        reads = int(rng.integers(1, self.recipe.reads + 1))
        batch = self._batches.get(place) or self._begin(number)
        self._batches[place] = batch
        held: list[torch.Tensor] = []
        before = batch.left
        for _ in range(min(reads, batch.left)):
            segment, idle = batch.next()
            old, batch.state = batch.state, self.model.read(batch.state, segment)
            if self.recipe.hold and any(idle):
                held.append(_change(old, batch.state, idle))
        logits, targets = self._ask(batch)
        loss = F.cross_entropy(logits, targets) if len(targets) else logits.new_zeros(())
        if held:
            loss = loss + self.recipe.hold * torch.stack(held).mean()
        if batch.left:
            batch.state = _detached(batch.state)
        else:
            del self._batches[place]
        right = int((logits.detach().argmax(-1) == targets).sum()) if len(targets) else 0
        return Carry(loss, before - batch.left, len(targets), right)

    def tensors(self) -> dict[str, torch.Tensor]:
        """All tensors of all memories: with `places` what a training needs to go on."""
        return {
            f"{place}.{number}": tensor
            for place, batch in self._batches.items()
            for number, tensor in enumerate(_parts(batch.state).tensors)
        }

    def places(self) -> dict[str, Any]:
        """Where every batch stands, and of what its memory is made, as plain values."""
        return {
            str(place): {"begun": batch.begun, "read": batch.read, "nodes": _parts(batch.state).nodes}
            for place, batch in self._batches.items()
        }

    def restore(self, places: Mapping[str, Any], stored: Mapping[str, torch.Tensor]) -> None:
        """Go on from where every batch stood."""
        for place, said in places.items():
            batch = self._begin(said["begun"])
            for _ in range(said["read"]):
                batch.next()
            own = [key for key in stored if key.startswith(f"{place}.")]
            kept = [stored[f"{place}.{number}"].to(model_device(self.model)) for number in range(len(own))]
            batch.state = Parts(said["nodes"], kept).together()
            self._batches[int(place)] = batch

    def _begin(self, number: int) -> _Batch:
        """New documents, all of one length; they are a function of the seed and of the step that begins them."""
        rng = np.random.Generator(np.random.Philox(key=int(digest("carried", self.seed, number)[:32], 16)))
        segments = round(math.exp(rng.uniform(math.log(2), math.log(self.recipe.longest))))
        examples = max(self.stream.batch(number, segments, self.stage, rng).groups, key=len)
        documents = LockStep(
            [example.document for example in examples], self.model.segment_length, model_device(self.model)
        )
        return _Batch(number, examples, documents, documents.segments(), self.model.start(len(examples)))

    def _ask(self, batch: _Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [asked, choices] and targets [asked] of the rows whose answer is known by now."""
        device = model_device(self.model)
        if batch.left:
            prompts = [torch.from_numpy(one.document.question.astype(np.int64)).to(device) for one in batch.examples]
            known = [one.known_after <= batch.tokens for one in batch.examples]
        else:
            prompts, known = batch.documents.prompts(), [True] * len(batch.examples)
        targets = torch.tensor([one.target for one in batch.examples], device=device)
        if not any(known):
            return torch.zeros(0, 1, device=device), targets[:0]
        logits = self.model.score(batch.state, prompts, [example.choices for example in batch.examples])
        chosen = torch.tensor(known, device=device)
        return at_least_float32(logits)[chosen], targets[chosen]


def at_least_float32(logits: torch.Tensor) -> torch.Tensor:
    """Logits in a precision that a loss can be computed in."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _parts(state: State) -> Parts:
    try:
        return take_apart(state)
    except UnsavableError as error:
        raise UserError(
            f"streams cannot be carried: the state of this model holds {error}, which cannot be kept on disk"
        ) from error


def _change(before: State, after: State, rows: Sequence[bool]) -> torch.Tensor:
    """The mean squared change of a state's `rows`. Raises `UserError` where rows are not the first dimension."""
    olds, news = tensors(before), tensors(after)
    if len(olds) != len(news) or not _begin_with_rows(olds, len(rows)):
        raise _other_rows()
    pairs = [(old, new) for old, new in zip(olds, news, strict=True) if new.is_floating_point()]
    chosen = torch.tensor(rows, device=pairs[0][1].device)
    return torch.cat([(new - old)[chosen].square().flatten() for old, new in pairs]).mean()


def _begin_with_rows(of_state: Sequence[torch.Tensor], rows: int) -> bool:
    return all(tensor.ndim and len(tensor) == rows for tensor in of_state if tensor.is_floating_point())


def _other_rows() -> UserError:
    return UserError(
        "the loss on what a memory changes takes a state whose tensors begin with the batch, and stay so many: "
        "use --hold 0"
    )


def _detached(state: State) -> State:
    parts = take_apart(state, sharing=True)
    return replace(parts, tensors=[tensor.detach() for tensor in parts.tensors]).together()
