"""The commands of this room: what is handed to other harnesses, and theirs with our models."""

from __future__ import annotations

import sys

import click

from ..base.errors import UserError
from ..generators.commands import split_names


@click.group("export")
def export_group() -> None:
    """Hand data sets and runs to other people's harnesses.

    The way back, results of theirs as runs here: rmt-bench leaderboard import.
    """


@export_group.command("lm-eval")
@click.argument("folder", type=click.Path())
@click.option("--output", required=True, type=click.Path(), help="A new or empty folder, or one of an earlier export.")
@click.option("--tasks", callback=split_names, help="Tasks of the data set, separated by commas. [default: all]")
@click.option("--lengths", callback=split_names, help="Lengths of the data set, separated by commas. [default: all]")
@click.option(
    "--form", default="auto", show_default=True,
    help="`choice`: the likeliest of the choices is the answer; `generate`: an answer in words, which our scorer "
    "judges; `auto`: choice where right answers are among the choices.",
)  # fmt: skip
@click.option(
    "--prompt", default="plain", show_default=True,
    help="`plain`: the text, then the question. Or, for answers in words: bare, babilong, or a Jinja template's path.",
)  # fmt: skip
@click.option("--prefix", default="rmt_bench", show_default=True, help="How the names of tasks and groups begin.")
def export_lm_eval_command(
    folder: str, output: str, tasks: list[str] | None, lengths: list[str] | None, form: str, prompt: str, prefix: str
) -> None:
    """Write the data set in FOLDER as tasks of lm-evaluation-harness.

    One task for each of ours at each length (rmt_bench_detect_4k), a group for all lengths of one (rmt_bench_detect),
    and one for everything (rmt_bench). The tasks name the data's files, which stay where they are; with `--form choice`
    they need nothing but lm-eval. No network is needed.

    \b
    rmt-bench generate --tasks detect,qa1 --lengths 1k,4k --samples 50 --output data
    rmt-bench export lm-eval data --output tasks
    lm_eval --model hf --model_args pretrained=MODEL --include_path tasks --tasks rmt_bench
    lm_eval --model rmt_bench --model_args model=rmt-tiny --tasks tasks        (ours; see: rmt-bench lm-eval --help)
    rmt-bench export lm-eval data --prompt babilong --output asked             (for models that follow instructions)
    """
    from ..generators.dataset import Dataset
    from .lm_eval_tasks import export_tasks

    names = export_tasks(Dataset(folder, tasks, lengths), output, form=form, prompt=prompt, prefix=prefix)
    click.echo(f"{output}: {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}")
    click.echo(f"lm_eval --model hf --model_args pretrained=MODEL --include_path {output} --tasks {names[0]}")


@export_group.command("inspect")
@click.argument("run", type=click.Path())
@click.option(
    "--output", required=True, type=click.Path(),
    help="A file that ends with .eval or .json, for a run of one task; else a folder, for one log of each task.",
)  # fmt: skip
@click.option("--tasks", callback=split_names, help="Tasks of the run, separated by commas. [default: all]")
@click.option("--data", type=click.Path(), help="The data set that was asked, to show its texts, too.")
def export_inspect_command(run: str, output: str, tasks: list[str] | None, data: str | None) -> None:
    """Write the answers in RUN as logs of inspect_ai.

    `inspect view` shows them question by question; `inspect log dump` prints them. A log holds one task at all its
    lengths. The way back, `rmt-bench leaderboard import inspect`, comes to the same counts.

    The tasks themselves are known to inspect where both are installed: inspect eval rmt_bench/babilong_qa1.

    \b
    rmt-bench eval rmt-tiny --tasks detect,memorize --lengths 1k..4k --output runs/tiny
    rmt-bench export inspect runs/tiny --output logs
    inspect view --log-dir logs
    rmt-bench export inspect runs/tiny --tasks detect --output detect.eval
    inspect eval rmt_bench/babilong_qa1 -T length=32k -T samples=50 --model openai/gpt-5
    """
    try:
        from .inspect_export import export_run
    except ImportError as error:
        raise UserError(f"inspect_ai is not here ({error}): pip install 'rmt-bench[inspect]'") from error
    written = export_run(run, output, tasks, data)
    for file in written:
        click.echo(str(file))
    click.echo(f"inspect view --log-dir {written[0].parent}")


@click.command("lm-eval", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lm_eval_command(arguments: tuple[str, ...]) -> None:
    """Run lm-evaluation-harness with our models.

    ARGUMENTS are those of `lm_eval run` (see: lm_eval run --help). `model=` names the model as `rmt-bench eval` does,
    the other --model_args are the model's own options. lm-eval has no plug-ins, so its own command knows our models
    only where it is given a folder that `rmt-bench export lm-eval` wrote as its tasks (lm_eval --tasks FOLDER).

    A model that ranks choices (rmt-tiny) takes multiple-choice tasks whose choices are its labels; a language model
    (cached:NAME, window:NAME, full:NAME, rmt:NAME) takes any task. Texts are read segment by segment, as by eval.

    \b
    rmt-bench lm-eval --model rmt_bench --model_args model=rmt-tiny --include_path tasks --tasks rmt_bench_detect
    rmt-bench lm-eval --model rmt_bench --model_args model=cached:MODEL,segment_length=256 --tasks lambada_openai
    rmt-bench lm-eval --model rmt_bench --model_args model=gru.py:GRU,width=64 --include_path tasks --tasks rmt_bench
    """
    try:
        from lm_eval.__main__ import cli_evaluate

        from . import lm_eval_model  # noqa: F401 - makes the model known
    except ImportError as error:
        raise UserError(f"lm-evaluation-harness is not here ({error}): pip install 'rmt-bench[lm-eval]'") from error
    sys.argv = ["lm_eval", *arguments]
    cli_evaluate()
