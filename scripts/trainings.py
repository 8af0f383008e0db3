"""The trainings that docs and package are made of: each one command, with a seed."""

from __future__ import annotations

from experiments import Job

SEEDS = range(5)
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


#: What ships in the package, and which training it comes from.
SHIPPED = {
    "rmt-tiny": Job("trained/rmt-tiny", "train rmt --tasks detect --seed 0"),
    "rmt-tiny-reasoning": reasoning(0),
}
EVERY = {
    job.name: job
    for seed in SEEDS
    for job in (*(trained(name, seed) for name in ARCHITECTURES), strict(seed), noisy(seed), reasoning(seed))
}
