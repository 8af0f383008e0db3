"""The command line: a click group that composes each room's own commands, and turns errors into one line each.

Exit codes: 0 all done; 1 some of the work failed and the rest is kept; 2 the call is wrong.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from .base.allocator import keep_freed_memory
from .base.errors import IncompleteError, UserError, did_you_mean, one_line
from .base.plugins import add_plugins

_GENERATORS = "rmt_bench.generators.commands"
_BENCH = "rmt_bench.bench.commands"
_COMMANDS = {
    "tasks": f"{_GENERATORS}:tasks_command",
    "backgrounds": f"{_GENERATORS}:backgrounds_command",
    "models": f"{_BENCH}:models_command",
    "generate": f"{_GENERATORS}:generate_command",
    "materialize": f"{_GENERATORS}:materialize_command",
    "verify": f"{_GENERATORS}:verify_command",
    "audit": f"{_GENERATORS}:audit_command",
    "eval": "rmt_bench.bench.eval_command:eval_command",
    "check": f"{_BENCH}:check_command",
    "train": "rmt_bench.bench.train_command:train_command",
    "attention": "rmt_bench.bench.attention_command:attention_command",
    "flops": "rmt_bench.bench.flops_command:flops_command",
    "show": "rmt_bench.leaderboard.show_command:show_command",
    "leaderboard": "rmt_bench.leaderboard.commands:leaderboard_group",
    "push": "rmt_bench.interop.hub_commands:push_group",
    "export": "rmt_bench.interop.commands:export_group",
    "lm-eval": "rmt_bench.interop.commands:lm_eval_command",
    "doctor": "rmt_bench.bench.doctor_command:doctor_command",
    "completion": "rmt_bench.base.completion:completion_command",
}


class _Rooms(click.Group):
    """Commands by name, each imported from its room when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise UserError(f"unknown command {args[0]!r}{did_you_mean(args[0], _COMMANDS)}; see: rmt-bench --help")
        return super().resolve_command(ctx, args)


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="rmt-bench", prog_name="rmt-bench")
@click.option(
    "--plugin", "plugins", type=click.Path(exists=True, dir_okay=False), multiple=True,
    help="A Python file whose tasks, models and backgrounds are to be known by their names. May be given again.",
)  # fmt: skip
def cli(plugins: tuple[str, ...]) -> None:
    """How far does a model that reads in segments really remember?

    Facts are hidden in filler text of any length, a model reads it segment by segment, and is asked. The outcome is a
    curve: accuracy against length, with intervals.

    \b
    Start here:
      rmt-bench eval rmt-tiny --tasks detect --lengths 1k..32k     a curve in under a minute
      rmt-bench eval path/to/mine.py:factory --tasks detect        your own model
      rmt-bench check path/to/mine.py:factory                      is it sound?
      rmt-bench train rmt --tasks detect --output my-rmt           train one
      rmt-bench generate --tasks detect --lengths 4k --output DIR  a data set as Parquet
    """
    if plugins:
        add_plugins(plugins)


def main() -> NoReturn:
    """Run the command line; never returns."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    keep_freed_memory()
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (UserError, click.ClickException) as error:
        sys.exit(_say(_call_error(error), 2))
    except IncompleteError as error:
        sys.exit(_say(str(error), 1))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(_say("interrupted; what was finished is kept, the same command goes on with the rest", 130))
    except BrokenPipeError:
        sys.stdout = None  # type: ignore[assignment]
        sys.exit(1)
    except OSError as error:
        sys.exit(_say(f"{one_line(error)}; what was finished is kept", 1))
    sys.exit(0)


def _call_error(error: Exception) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f"; see: {context.command_path} --help" if context else ""
    return " ".join(error.format_message().split()).rstrip(".") + where


def _say(message: str, code: int) -> int:
    click.echo(f"Error: {message}", err=True)
    return code


@cli.result_callback()
def _conclude(finished: Any, plugins: tuple[str, ...]) -> None:
    """A command that finished a run returns it; the leaderboard room draws its curve."""
    if finished is not None:
        from .leaderboard.commands import conclude

        conclude(finished)
