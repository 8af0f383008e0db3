"""Our tasks as tasks of inspect_ai: `inspect eval rmt_bench/babilong_qa1 -T length=32k --model openai/gpt-5`.

Each of ours is one of theirs; samples are made on the fly by the same call as everywhere, so their ids are those of
`rmt-bench eval`, and logs can be compared with our runs (`rmt-bench leaderboard import inspect`). The scorer is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from inspect_ai import Task, task
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, grouped, scorer, stderr
from inspect_ai.solver import TaskState, generate
from inspect_ai.util import registry_info

from ..base.console import summary
from ..base.errors import UserError
from ..generators.plan import Plan
from ..tasks.registry import TASKS
from ..tasks.scoring import strict as judge
from .inspect_names import PACKAGE, inspect_name, sample_name
from .prompts import filled


@scorer(metrics=[accuracy(), stderr()])
def strict() -> Scorer:
    """The one definition of right that rmt-bench has: whole words, among the question's choices, one answer only."""

    async def score(state: TaskState, target: Target) -> Score:
        told = state.metadata
        found = judge(state.output.completion, target.text, tuple(told["choices"]), told["question"])
        return Score(
            value=CORRECT if found.correct else INCORRECT,
            answer=found.answer,
            explanation=state.output.completion,
            metadata={"status": found.status, "reason": found.reason},
        )

    return score


def _make(
    name: str,
    length: str | int | Sequence[str | int],
    samples: int,
    seed: int,
    background: str,
    placement: str | None,
    prompt: str,
    tokenizer: str,
    task_args: dict[str, Any] | None,
) -> Task:
    """A task with its samples. Raises inspect's own error for a wrong call, which it prints as one line."""
    from ..generators.generate import generate as make_samples

    wanted = [length] if isinstance(length, str | int) else length
    try:
        plan = make_samples(
            [name], [str(one) for one in wanted], samples=int(samples), seed=int(seed), background=background,
            placement=placement, tokenizer=tokenizer, task_args=task_args,
        )  # fmt: skip
        assert isinstance(plan, Plan)
        made = list(_samples(plan, prompt))
    except UserError as error:
        raise PrerequisiteError(str(error)) from error
    several = len(plan.lengths) > 1
    return Task(
        dataset=MemoryDataset(made, name=name),
        solver=generate(),
        scorer=strict(),
        metrics=[grouped(accuracy(), "length"), stderr()] if several else None,
    )


def _samples(plan: Plan, prompt: str) -> Iterator[Sample]:
    for sample in plan:
        yield Sample(
            input=filled(prompt, sample.text, sample.question, sample.choices),
            target=sample.answer,
            id=sample_name(sample.length, sample.index, sample.id),
            metadata={
                "id": sample.id,
                "task": sample.task,
                "length": sample.length,
                "index": sample.index,
                "n_tokens": sample.n_tokens,
                "question": sample.question,
                "choices": list(sample.choices),
                "supporting": [fact.text for fact in sample.facts if fact.supporting],
                "depths": [round(fact.depth, 4) for fact in sample.facts if fact.supporting],
                "haystack_id": sample.haystack_id,
            },
        )


def _register(name: str) -> None:
    """Make one of our tasks known to inspect."""

    def made(
        length: str | int | list[str | int] = "4k",
        samples: int = 100,
        seed: int = 0,
        background: str = "prose",
        placement: str | None = None,
        prompt: str = "babilong",
        tokenizer: str = "embedded",
        task_args: dict[str, Any] | None = None,
    ) -> Task:
        return _make(name, length, samples, seed, background, placement, prompt, tokenizer, task_args)

    made.__name__ = made.__qualname__ = inspect_name(name)
    made.__doc__ = summary(TASKS.get(name))
    known = task(name=made.__name__)(made)
    if not registry_info(known).name.startswith(f"{PACKAGE}/"):
        # inspect asks how the package was installed, and is misled where the source itself is on the path.
        known = task(name=f"{PACKAGE}/{made.__name__}")(made)
    globals()[made.__name__] = known


for _name in TASKS.names():
    _register(_name)
