"""The evaluations that docs/report.md is made of: each section's, in the order of its rows."""

from __future__ import annotations

from functools import partial

from experiments import Job
from report_parts import NEAR, all_there, best, evaluated, validation
from trainings import (
    ARCHITECTURES,
    MANY_FACTS,
    SEEDS,
    TASKS,
    TO,
    noisy,
    over_a_novel,
    reasoning,
    strict,
    trained,
    up_to,
)

#: In segments of 64 tokens. Gradients reach 7; 31,936 are 2,043,904 tokens.
FAR = "--lengths 7seg,64seg,512seg,4096seg,31936seg --samples 128 --min-samples 100 --token-budget 34M --batch-size 64"
FEWER = FAR.replace("--min-samples 100", "--min-samples 16")
SHORT = f"--lengths {','.join(f'{segments}seg' for segments in range(1, 16))} --samples 256 --batch-size 64"


def seeds() -> list[Job]:
    """Does every seed hold a fact for two million tokens?"""
    tasks = {"detect": "", "memorize": " --one-pass"}
    found = [
        evaluated(f"{task}-{seed}", trained("rmt", seed), f"--tasks {task} {FAR}{how}")
        for seed in SEEDS
        for task, how in tasks.items()
    ]
    return [*found, evaluated("reasoning-far-0", reasoning(0), f"--tasks reasoning {FEWER}")]


def strictly() -> list[Job]:
    """What the report's own training does here, without noise and with it, with the deadband and without."""
    kinds = {"strict": strict, "noise": noisy}
    bands = {"": "", "-deadband": " --model-arg memory_deadband=0.45"}
    return [
        evaluated(f"{kind}-{seed}{band}", made(seed), f"--tasks detect {NEAR}{how}")
        for seed in SEEDS
        for kind, made in kinds.items()
        for band, how in bands.items()
    ]


def five(count: int = 3) -> list[Job]:
    """The five architectures side by side."""
    return [
        evaluated(f"{name}-{seed}-near", trained(name, seed), f"--tasks detect {NEAR}")
        for seed in list(SEEDS)[:count]
        for name in ARCHITECTURES
    ]


def over_books() -> list[Job]:
    """The same over novels, which training never saw: it reads `prose` only."""
    what = f"--tasks detect,memorize {FEWER} --background {{books}}"
    return [evaluated(f"books-{seed}", trained("rmt", seed), what) for seed in list(SEEDS)[:1]]


def over_a_novel_only() -> list[Job]:
    """Trained over one novel, asked over another; and those that were trained over `prose`, asked there too."""
    where = f"--tasks detect {NEAR} --background {{books}}/pride-and-prejudice.txt"
    kinds = {"novel": over_a_novel, "prose": partial(trained, "rmt")}
    return [
        evaluated(f"{kind}-{seed}-over-another", made(seed), where)
        for seed in list(SEEDS)[:3]
        for kind, made in kinds.items()
    ]


def farther() -> list[Job]:
    """One reading each of ten and of fifty million tokens."""
    what = "--tasks detect --lengths 10M,50M --samples 1 --batch-size 1"
    return [evaluated("rmt-0-farther", trained("rmt", 0), what)]


def reasons() -> list[Job]:
    """Two facts, and what they come to: with the deadband that it was trained with, and with it taken off."""
    bands = {"": "", "-bare": " --model-arg memory_deadband=0"}
    near = NEAR.replace("--min-samples 32", "--min-samples 100")
    return [
        evaluated(f"reasoning-{seed}{name}", reasoning(seed), f"--tasks reasoning {near}{how}")
        for seed in list(SEEDS)[:1]
        for name, how in bands.items()
    ]


#: Thresholds of the deadband that are tried: the GRU was trained with 0.3, the RMT with none.
BANDS = {"GRU": (0.15, 0.2, 0.25, 0.3), "RMT": (0.2, 0.3, 0.45, 0.6, 0.9)}


def many_bands(reader: str) -> dict[float, Job]:
    """What is asked to choose a threshold for qa1."""
    return validation(MANY_FACTS[reader](0), "qa1", BANDS[reader])


def many() -> list[Job]:
    """qa1, with up to ten facts about four people: first, which threshold; then all that is asked with it."""
    return [job for reader in BANDS for job in (*many_bands(reader).values(), *many_readers(reader).values())]


def many_readers(reader: str) -> dict[str, Job]:
    """What was asked of whom in qa1, once there is a threshold."""
    bands, made = many_bands(reader), MANY_FACTS[reader]
    if not all_there(bands.values()):
        return {}
    how = f"--model-arg memory_deadband={best(bands)}"
    off = f"{NEAR} --model-arg memory_deadband=0"
    asked = {
        "seed 1": (1, "", f"{NEAR} {how}"),
        "seed 2": (2, "", f"{NEAR} {how}"),
        "seed 0, deadband off": (0, "-bare", off),
    }
    if reader == "GRU":
        first = {"seed 0": (0, "", f"{FAR.replace('--min-samples 100', '--min-samples 64')} {how}")}
        farther = {"seed 0, farther": (0, "-farther", f"--lengths 10M,50M --samples 8 --batch-size 8 {how}")}
    else:
        longest = f"--lengths 31936seg --samples 16 --batch-size 16 {how}"
        first = {"seed 0": (0, "", f"{NEAR} {how}"), "seed 0, far": (0, "-far", longest)}
        farther = {"seed 0, farther": (0, "-farther", f"--lengths 10M,50M --samples 1 --batch-size 1 {how}")}
    return {
        f"{reader}, {label}": evaluated(
            f"{made(seed).name.removeprefix('trained/')}{ending}", made(seed), f"--tasks qa1 {what}"
        )
        for label, (seed, ending, what) in (first | asked | farther).items()
    }


def trained_on() -> list[Job]:
    """Models trained on 1 to 7 segments, asked at 1 to 15."""
    return [
        evaluated(f"{task}-to-{segments}", up_to(segments, task), f"--tasks {task} {SHORT}")
        for task in TASKS
        for segments in TO
    ]


SECTIONS = {
    "seeds": seeds,
    "farther": farther,
    "books": over_books,
    "novel": over_a_novel_only,
    "reasoning": reasons,
    "qa1": many,
    "strict": strictly,
    "five": five,
    "trained": trained_on,
}
