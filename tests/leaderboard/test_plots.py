"""A picture of curves can be read: nothing that is written in it stands on anything else that is."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from matplotlib.figure import Figure

from rmt_bench.leaderboard.plots import SIZE, draw_curves


def table(models=("one",), tasks=("detect",), trained=((7, 48),), n=(256, 32)) -> pd.DataFrame:
    rows = []
    for number, (model, task) in enumerate(itertools.product(models, tasks)):
        gradient, memory = trained[number % len(trained)]
        for segments, asked in zip((1, 4, 64, 4096), (n[0],) * 3 + (n[number % len(n)],), strict=True):
            rows.append({
                "model": model, "task": task, "run": "a run", "length": f"{segments}seg", "segments": segments,
                "n_tokens": 64 * segments, "n": asked, "accuracy": 0.5, "ci_low": 0.4, "ci_high": 0.6, "chance": 1 / 6,
                "trained_segments": gradient, "trained_memory_segments": memory,
            })  # fmt: skip
    return pd.DataFrame(rows)


def drawn(curves: pd.DataFrame):
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    draw_curves(curves, axes, "a title")
    figure.draw_without_rendering()
    return axes


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_every_line_looks_different():
    axes = drawn(table(models=[f"model {number}" for number in range(12)]))
    looks = {(line[0].get_color(), line[0].get_linestyle()) for line in axes.containers}
    assert len(looks) == 12


def test_a_line_that_others_run_along_is_seen_beneath_them():
    axes = drawn(table(models=("one", "other", "third")))  # all at one height
    widths = [line[0].get_linewidth() for line in axes.containers]
    assert widths == sorted(set(widths), reverse=True)


def test_runs_of_one_model_are_lines_of_one_colour_with_one_name():
    one = table(models=("one", "other"))
    axes = drawn(pd.concat([one, one.assign(run="another"), one.assign(run=None)]))
    assert legend(axes) == ["one", "other"]
    colours = [line[0].get_color() for line in axes.containers]
    assert len(colours) == 6
    assert len(set(colours[:3])) == len(set(colours[3:])) == 1
    assert [len(line[0].get_xdata()) for line in axes.containers] == [4] * 6


@pytest.mark.parametrize(
    ("models", "tasks", "said"),
    [
        (("one",), ("detect", "qa1"), ["detect", "qa1"]),
        (("one", "other"), ("detect",), ["one", "other"]),
        (("one", "other"), ("detect", "qa1"), ["one, detect", "one, qa1", "other, detect", "other, qa1"]),
    ],
)
def test_the_legend_says_what_differs(models, tasks, said):
    axes = drawn(table(models, tasks))
    assert legend(axes) == said
    assert axes.get_legend().get_title().get_text() == ("detect" if tasks == ("detect",) else "")


def test_a_long_name_leaves_room_for_the_lines():
    axes = drawn(table(models=("server:" + "a-name-without-end" * 20, "other")))
    assert max(map(len, legend(axes))) == 40
    assert axes.get_window_extent().width > axes.figure.bbox.width / 2


def test_how_many_were_asked_stands_once_at_each_length():
    axes = drawn(table(models=("one", "other"), n=(256, 32)))
    said = [text.get_text() for text in axes.texts if text.get_text().startswith("n=")]
    assert said == ["n=256", "n=256", "n=256", "n=32-256"]


@pytest.mark.parametrize("models", [("one",), ("one", "an evaluation with a long name", "another of the kind")])
def test_numbers_of_questions_stand_beside_each_other(models):
    close = table(models=models, n=(256, 32))
    close["n_tokens"] = close["segments"].map({1: 64, 4: 100, 64: 150, 4096: 300_000})
    close.loc[1::2, "n"] = 128
    axes = drawn(close)
    said = [text.get_window_extent() for text in axes.texts if text.get_text().startswith("n=")]
    assert len(said) == 4
    top = axes.get_window_extent().y1
    assert all(box.y1 <= top for box in said)
    for one, other in itertools.combinations(said, 2):
        assert not one.overlaps(other)


def test_marks_of_training_stand_beside_each_other_and_within_the_picture():
    axes = drawn(table(models=("a", "b", "c"), trained=((3, 3), (7, 48), (2000, 4000))))
    marks = [text for text in axes.texts if "training" in text.get_text()]
    assert [mark.get_text() for mark in marks] == [
        "longest gradient and memory in training: 3 segments",
        "longest gradient in training: 7 segments",
        "longest memory in training: 48 segments",
        "longest gradient in training: 2000 segments",
        "longest memory in training: 4000 segments",
    ]
    written = [text.get_window_extent() for text in (*marks, axes._left_title)]
    for one, other in itertools.combinations([*written, axes.get_window_extent()], 2):
        assert not one.overlaps(other)
    whole = axes.figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and box.y1 <= whole.y1 for box in written)
