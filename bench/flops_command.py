"""`rmt-bench flops`: figure 3 of the RMT report for any Transformer. Parses, calls, prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..base.errors import UserError

if TYPE_CHECKING:
    from .flops import Cost

#: The models of the report's figure 3.
_REPORT = ("opt-125m", "opt-1.3b", "opt-6.7b", "opt-30b", "opt-175b")
_COLUMNS = ("model", "tokens", "segments", "FLOPs, full attention", "FLOPs, in segments", "times fewer")


@click.command("flops")
@click.argument("models", nargs=-1)
@click.option(
    "--tokens", default="2048k", show_default=True, help="Lengths of the text: 4k, 2048k, 512..2048k (doubling)."
)
@click.option("--segment", type=click.IntRange(min=1), default=512, show_default=True, help="Positions in a segment.")
@click.option(
    "--memory",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="How many of those hold memory and separators, and no text.",
)
@click.option(
    "--reading",
    type=click.Choice(["hoffmann", "products", "report"]),
    default="hoffmann",
    show_default=True,
    help="What is counted: the formula as printed; products of matrices only, as PyTorch's counter does; or what gives "
    "the two figures of the RMT report.",
)
@click.option("--csv", "csv_path", type=click.Path(), help="Write the table to this file, too.")
@click.option(
    "--plot", "plot_path", type=click.Path(), help="Draw FLOPs against length, as a PNG; takes several lengths."
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON, for machines.")
def flops_command(
    models: tuple[str, ...],
    tokens: str,
    segment: int,
    memory: int,
    reading: str,
    csv_path: str | None,
    plot_path: str | None,
    as_json: bool,
) -> None:
    """Count operations of reading a text at once and in segments.

    Counts the floating-point operations of the forward pass of MODELS by the formula of Hoffmann et al. 2022: with
    full attention over the whole text, and in segments. MODELS are names (opt-125m, opt-1.3b, opt-2.7b, opt-6.7b,
    opt-13b, opt-30b, opt-66b, opt-175b), folders with a config.json, or names on the hub; without any, the five of the
    RMT report. No weights are loaded.

    \b
    rmt-bench flops --tokens 2048k --reading report
    rmt-bench flops opt-125m path/to/model --tokens 512..2048k --memory 10 --plot flops.png --csv flops.csv
    """  # fmt: skip
    from ..base.console import print_json, print_table
    from ..base.files import write_text
    from ..generators.lengths import parse_lengths
    from .flops import READINGS, cost, load_shape

    lengths = [length.context_tokens(0, segment - memory) for length in parse_lengths(tokens)]
    if 0 in lengths:
        raise UserError("--tokens 0: there is nothing to read; give lengths of 1 token or more")
    if plot_path and len(lengths) < 2:
        raise UserError(f"--plot draws a curve: give it several lengths, such as --tokens 512..{tokens}")
    shapes = [load_shape(model) for model in models or _REPORT]
    costs = [cost(shape, count, READINGS[reading], segment, memory) for shape in shapes for count in lengths]
    if plot_path:
        from .flops_plot import plot_costs

        plot_costs(costs, plot_path, f"segments of {segment}, {memory} of them memory; counted as `{reading}`")
    if csv_path:
        write_text(csv_path, _csv(costs))
    if as_json:
        print_json([{**asdict(one), "ratio": one.ratio} for one in costs])
    else:
        print_table(_COLUMNS, [_cells(one) for one in costs])


def _cells(one: Cost) -> list[str]:
    sizes = (f"{one.tokens:,}", f"{one.segments:,}", f"{one.full:.3e}", f"{one.segmented:.3e}", f"{one.ratio:.2f}")
    return [one.model, *sizes]


def _csv(costs: list[Cost]) -> str:
    rows = (f"{one.model},{one.tokens},{one.segments},{one.full},{one.segmented},{one.ratio:.4f}" for one in costs)
    return "\n".join(["model,tokens,segments,full_flops,segment_flops,ratio", *rows]) + "\n"
