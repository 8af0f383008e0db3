"""Completion in a shell, by click's own means: the command that prints the script, and what the words may be.

`names` and `folders_with` are what `shell_complete=` of an argument or an option takes. Knows nothing of what is named:
names come from a function, which is called when a shell asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import escape
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

#: What click asks for the words that may stand where the third argument stands unfinished.
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_SHELLS = ("bash", "zsh", "fish")
#: Folders are looked for so many levels below what is typed: runs/mine.
_LEVELS = 2


def names(listed: Callable[[], Iterable[str]], *, several: bool = False, files: bool = False) -> Completer:
    """Names that begin as what is typed; with `several`, as the last of those that are separated by commas.

    With `files`, where no name begins so, the shell completes files and folders.
    """

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        head, comma, last = typed.rpartition(",") if several else ("", "", typed)
        found = [CompletionItem(f"{head}{comma}{name}") for name in listed() if name.startswith(last)]
        return found or ([CompletionItem(typed, type="file")] if files else [])

    return complete


def folders_with(marker: str) -> Completer:
    """Folders that hold the file `marker`; where there are none, whatever folder the shell finds."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        above, _, begun = typed.rpartition("/")
        within = Path(f"{above}/" if "/" in typed else ".")
        patterns = ("/".join([f"{escape(begun)}*", *["*"] * level, marker]) for level in range(_LEVELS))
        folders = sorted(str(file.parent) for pattern in patterns for file in within.glob(pattern))
        found = [CompletionItem(folder) for folder in folders]
        return found or [CompletionItem(typed, type="dir")]

    return complete


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str) -> None:
    """Print the script by which SHELL completes commands, options, and names of tasks, models and runs.

    Put it where the shell looks for such scripts; it is there in the next shell that is opened.

    \b
    rmt-bench completion bash > ~/.local/share/bash-completion/completions/rmt-bench
    rmt-bench completion zsh > ~/.zfunc/_rmt-bench      (and in .zshrc, above compinit: fpath+=~/.zfunc)
    rmt-bench completion fish > ~/.config/fish/completions/rmt-bench.fish
    """
    root = click.get_current_context().find_root().command
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(root, {}, "rmt-bench", "_RMT_BENCH_COMPLETE").source(), nl=False)
