"""What a row of the board says: every column of leaderboard.csv, curve.csv and summary.csv, once. Knows no data.

The version counts up when a column changes its name or its meaning, or goes; a new column at the end does not.
docs/leaderboard.md and the `datapackage.json` beside the files are made from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION = 1

Kind = Literal["string", "integer", "number"]


@dataclass(frozen=True)
class Column:
    """A column: its name, its type (as the Table Schema standard calls it), and what a cell says.

    `required`: a submitted file has it, and no cell of it is empty.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False


#: What tells one row from another.
KEY = ("model", "task", "length", "prompt", "scorer", "source", "dataset")

_IDENTITY = (
    Column("model", "string", "what was asked", required=True),
    Column("task", "string", "what was asked of it: `detect`, `qa1`", required=True),
)
_SETTING = (
    Column("prompt", "string", "the prompt's settings; each prompt is a row of its own, never the best of several"),
    Column("scorer", "string", "what counted as correct: `strict`, `babilong`, `lm-eval`"),
    Column("source", "string", "`rmt-bench` for runs made here; else what the numbers were imported from: `babilong`"),
    Column("dataset", "string", "a fingerprint of the samples that were asked; rows with the same one are comparable"),
)
_RUN = Column("run", "string", "the folder of the run that the row was made from")

#: leaderboard.csv: one row per model, task and length (and prompt, scorer, source, data set).
LONG = (
    *_IDENTITY,
    Column("length", "string", "nominal length of the context, as it was asked for: `0`, `4k`, `7seg`", required=True),
    *_SETTING,
    _RUN,
    Column("n_tokens", "integer", "mean length of the context with its question under the model's tokenizer"
           " (imported rows: nominal tokens)"),
    Column("segments", "integer", "segments that were read, the one with the question too"),
    Column("n", "integer", "questions that were answered, invalid answers (they are wrong) included"),
    Column("correct", "integer", "how many of them are right"),
    Column("accuracy", "number", "`correct / n`"),
    Column("ci_low", "number", "lower end of the 95% interval of the accuracy"),
    Column("ci_high", "number", "its upper end"),
    Column("chance", "number", "accuracy of guessing among the answers that each question allows"),
    Column("rank_low", "integer", "best rank that the noise allows, among the rows of this task, length and scorer"),
    Column("rank_high", "integer", "worst rank that it allows"),
    Column("n_haystacks", "integer", "documents that the questions were asked about; fewer than `n` where they share"),
    Column("n_error", "integer", "questions that failed; neither right nor wrong"),
    Column("n_skipped", "integer", "questions that the model could not be asked; neither right nor wrong"),
    Column("tokens_per_second", "number", "tokens read a second, for each document"),
    Column("answer_seconds", "number", "mean seconds from the end of the text to the answer"),
    Column("state_bytes", "integer", "bytes of one document's state at the end of the text"),
    Column("peak_memory_bytes", "integer", "highest resident memory of the process"),
    Column("peak_device_bytes", "integer", "highest memory on the accelerator; 0 where there is none"),
    Column("flops_per_token", "number", "floating-point operations for each token read"),
    Column("trained_segments", "integer", "segments that gradients reached in training, at most"),
    Column("trained_memory_segments", "integer", "segments of the longest document in training"),
)  # fmt: skip

#: summary.csv: one row per model and task (and prompt, scorer, source, data set): what its curve comes to.
SUMMARY = (
    *_IDENTITY,
    *_SETTING,
    _RUN,
    Column("n", "integer", "questions answered, over all lengths"),
    Column("curve_score", "number", "mean accuracy over log-length, from the shortest to the longest length"),
    Column("curve_score_low", "number", "lower end of its 95% interval"),
    Column("curve_score_high", "number", "its upper end"),
    Column("shortest_tokens", "integer", "where the curve begins"),
    Column("longest_tokens", "integer", "where it ends"),
    Column("rank_low", "integer", "best rank that the noise allows, by curve score, among rows over the same lengths"),
    Column("rank_high", "integer", "worst rank that it allows"),
    Column("effective_length", "string", "longest length up to which `ci_low` is at the threshold or above throughout"),
    Column("effective_tokens", "integer", "the same in tokens; empty where the shortest length already fails"),
    Column("threshold", "number", "the accuracy that an effective length asks for"),
    Column("retention", "number", "r in accuracy = chance + (first - chance) r^(segments - 1), by maximum likelihood"),
    Column("retention_low", "number", "lower end of its 95% profile-likelihood interval"),
    Column("retention_high", "number", "its upper end"),
    Column("half_life_tokens", "number", "tokens after which half of what was above chance is lost; `inf` if r is 1"),
    Column("half_life_low", "number", "lower end of its 95% interval"),
    Column("half_life_high", "number", "its upper end"),
)  # fmt: skip

COLUMNS = tuple(column.name for column in LONG)
SUMMARY_COLUMNS = tuple(column.name for column in SUMMARY)


def as_markdown(columns: tuple[Column, ...]) -> str:
    """The columns as a Markdown table."""
    rows = [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in columns]
    return "\n".join(["| column | type | what it says |", "|---|---|---|", *rows])
