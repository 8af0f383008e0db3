"""The trainings that docs and package are made of: each one command, with a seed."""

from __future__ import annotations

from experiments import Job

SEEDS = range(5)
#: The tasks of the report, and the numbers of segments that the models of its figure 5 were trained on.
TASKS, TO = ("memorize", "detect", "reasoning"), range(1, 8)
#: What every architecture is trained with: the same samples, the same number of steps.
BUDGET = "--tasks detect --total-steps 1200"
ARCHITECTURES = {
    "rmt": "rmt",
    "armt": "armt --model-arg mode=classify",
    "gru": "gru",
    "mamba2": "mamba2",
    "window": "window-transformer",
}
#: A pre-norm encoder with rotary positions, which learns to reason where a small BERT does not, and holds what it
#: found by a deadband; see bench/recipes/reasoning.toml.
REASONER = (
    "rmt --model-arg family=eurobert --model-arg layers=3 --model-arg memory_noise=0 --model-arg memory_deadband=0.45"
)


def trained(name: str, seed: int) -> Job:
    """One architecture's training with the budget that all share."""
    return Job(f"trained/{name}-{seed}", f"train {ARCHITECTURES[name]} {BUDGET} --seed {seed}")


def strict(seed: int) -> Job:
    """An RMT that saw no more than 7 segments, neither by gradient nor by memory, and no noise: as in the report."""
    return Job(
        f"trained/strict-{seed}", f"train rmt --model-arg memory_noise=0 --tasks detect --roll none --seed {seed}"
    )


def noisy(seed: int) -> Job:
    """The same with noise on its memory as it trains, which is this project's default."""
    return Job(f"trained/noise-{seed}", f"train rmt --tasks detect --roll none --seed {seed}")


def reasoning(seed: int) -> Job:
    """An RMT with a deadband that reasons: one difficulty at a time, then carried streams."""
    return Job(
        f"trained/reasoning-{seed}",
        f"train {REASONER} --tasks reasoning --stages reasoning --batch-size 64 --streams 128 --average "
        f"--decay-steps 1200 --seed {seed}",
    )


def many_facts(seed: int) -> Job:
    """A GRU with a deadband that keeps track of four people: two facts first, then more, then carried streams."""
    return Job(
        f"trained/qa1-{seed}",
        "train gru --model-arg memory_deadband=0.3 --tasks qa1 --stages qa1 --batch-size 64 --streams 128 "
        f"--stream-length 120 --hold 10 --average --decay-steps 2000 --seed {seed}",
    )


def many_facts_in_an_rmt(seed: int) -> Job:
    """An RMT that keeps track of four people, trained on 7 segments at the most, without noise, deadband or rolling."""
    return Job(
        f"trained/rmt-qa1-{seed}",
        "train rmt --model-arg family=eurobert --model-arg layers=3 --model-arg memory_noise=0 --tasks qa1 "
        f"--stages qa1-rmt --batch-size 64 --patience 2500 --seed {seed}",
    )


def over_a_novel(seed: int) -> Job:
    """An RMT that was trained over War and Peace, and never over `prose`."""
    return Job(f"trained/novel-{seed}", f"train rmt {BUDGET} --background {{books}}/war-and-peace.txt --seed {seed}")


#: What an ablation leaves out or puts in: longer documents without gradient, streams that are carried on.
ROLLS = {"": "--roll none", "roll": ""}
STREAMS = {"": "--decay-steps 200", "streams": "--streams 64 --decay-steps 600"}


def ablated(roll: str, streams: str, seed: int) -> Job:
    """An RMT without noise, trained with one budget, with or without rolling and carried streams."""
    name = "-".join(part for part in (roll, streams) if part) or "plain"
    how = f"{ROLLS[roll]} {STREAMS[streams]}".strip()
    return Job(
        f"trained/{name}-{seed}",
        f"train rmt --model-arg memory_noise=0 --tasks detect --total-steps 1200 {how} --seed {seed}",
    )


def up_to(segments: int, task: str) -> Job:
    """An RMT that was trained on documents of up to so many segments, as in the report's figure 5: no noise, no roll.

    One that reasons is trained on from the one that was trained on one segment less.
    """
    name = f"trained/{task}-to-{segments}"
    if task != "reasoning":
        curriculum = f"--curriculum 1..{segments}seg --roll none"
        return Job(name, f"train rmt --model-arg memory_noise=0 --tasks {task} {curriculum} --seed 0")
    how = "--tasks reasoning --batch-size 64 --promote 0.95 --seed 0"
    if segments == 1:
        return Job(name, f"train {REASONER} --stages reasoning --until '1 segment' {how}")
    shorter = f"trained/{task}-to-{segments - 1}"
    stage = f"--curriculum {segments}seg --roll none --rate 5e-4 --decay-steps 100"
    return Job(name, f"train runs/{shorter} {stage} {how}", needs=(shorter,))


#: Who keeps track of many people.
MANY_FACTS = {"GRU": many_facts, "RMT": many_facts_in_an_rmt}
#: What ships in the package, and which training it comes from.
SHIPPED = {
    **{f"{name}-tiny": trained(name, 0) for name in ARCHITECTURES},
    "rmt-tiny-reasoning": reasoning(0),
}
_ALL = [
    *(trained(name, seed) for seed in SEEDS for name in ARCHITECTURES),
    *(made(seed) for seed in SEEDS for made in (strict, noisy, reasoning, over_a_novel, *MANY_FACTS.values())),
    *(up_to(segments, task) for task in TASKS for segments in TO),
    *(ablated(roll, streams, seed) for roll in ROLLS for streams in STREAMS for seed in SEEDS),
]
EVERY = {job.name: job for job in _ALL}
