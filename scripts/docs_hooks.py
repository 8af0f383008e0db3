"""Pages of the documentation site that are made when it is built: from --help, the notebook, and files at the root.

    commands.md       every command, as `rmt-bench COMMAND --help` says it
    quickstart.md     quickstart.ipynb, with its plots
    architecture.md   ARCHITECTURE.md; and so CONTRIBUTING.md and CHANGELOG.md

MkDocs calls `on_files`; see mkdocs.yml.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

from rmt_bench.cli import cli

ROOT = Path(__file__).parents[1]
AT_THE_ROOT = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
#: Columns of a help text, as wide as a page.
_WIDTH = 96


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made; the notebook stays as a file to be fetched."""
    made: dict[str, str | bytes] = {name.lower(): (ROOT / name).read_text(encoding="utf-8") for name in AT_THE_ROOT}
    made["commands.md"] = "\n".join(_commands())
    made |= _notebook(Path(config.docs_dir) / "quickstart.ipynb")
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def _commands() -> Iterator[str]:
    yield "# Command line\n"
    yield "Every command, as `rmt-bench COMMAND --help` says it. `rmt-bench completion` has the shell complete them.\n"
    yield from _help(cli, "rmt-bench", None)


def _help(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield f"## `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            if (found := command.get_command(context, each)) and not found.hidden:
                yield from _help(found, each, context)


def _notebook(path: Path) -> dict[str, str | bytes]:
    """The notebook as a page, and its pictures."""
    body, resources = MarkdownExporter().from_filename(str(path))
    return {f"{path.stem}.md": body, **resources["outputs"]}
