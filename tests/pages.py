"""Pages whose code is run: the fenced blocks of a Markdown file, and a reader who does what they say, in one folder.

```python title="gru.py"      is written to that file; so is any other language with a title
```python                     is run, with the names that earlier blocks of the page left behind
```bash                       is run: plain calls of rmt-bench in this process, anything else by bash
```text                       must have been printed by the block before it, but for numbers, blanks and `...`
<!-- not run: WHY -->         before a block: it is skipped
<!-- goes on from PAGE -->    anywhere: the page is read in the folder that PAGE left behind
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rmt_bench.cli import main

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>\n]+) -->\n)?"
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"\n]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"\d[\d,.]*(?:e[+-]\d+)?")
_OF_THE_SHELL = set("|&;<>$`*?(){}'\"\\#~")


@dataclass(frozen=True)
class Block:
    """A fenced block, the line that it begins at, and why it is not run (none: it is)."""

    page: str
    line: int
    language: str
    title: str | None
    text: str
    reason: str | None

    @property
    def where(self) -> str:
        """File and line, as a terminal links them."""
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """Every fenced block of a page, whose path is from the root."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("text")), *found.group("language", "title", "text", "reason"))
        for found in _FENCE.finditer(text)
    ]


def goes_on_from(page: str) -> str | None:
    """The page whose folder this one needs, if any."""
    found = re.search(r"^<!-- goes on from (\S+) -->$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


class Reader:
    """Someone who does what a page says, block by block, in the current folder."""

    def __init__(self, told: Callable[[], str]):
        self._told = told  # what was printed since it was last called
        self._names: dict[str, object] = {"__name__": "page"}
        self._printed = ""

    def do(self, block: Block) -> None:
        """Do what one block says. Fails, with its place, when it fails."""
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "text":
            missing = [line for line in block.text.splitlines() if not printed(line, self._printed)]
            assert not missing, f"{block.where}: {missing} was not printed; what was:\n{self._printed}"
        elif block.language == "python":
            self._told()
            exec(compile(block.text, block.where, "exec"), self._names)
            self._printed = self._told()
        elif block.language == "bash":
            self._told()
            self._printed = self._commands(block)
        else:
            raise AssertionError(f"{block.where}: a block in {block.language or 'no language'} is not marked `not run`")

    def _commands(self, block: Block) -> str:
        lines = block.text.strip().splitlines()
        if all(line.startswith("rmt-bench ") and not _OF_THE_SHELL & set(line) for line in lines):
            for line in lines:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(sys, "argv", shlex.split(line))
                    with pytest.raises(SystemExit) as ended:
                        main()
                assert not ended.value.code, f"{block.where}: {line}: {self._told()}"
            return self._told()
        here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], capture_output=True, text=True, env=here)
        assert not done.returncode, f"{block.where}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def printed(line: str, text: str) -> bool:
    """Whether `line` stands in `text`, whatever the numbers; `...` stands for anything in a line."""
    parts = [_plain(part) for part in line.split("...")]
    return re.search(".*".join(map(re.escape, parts)), "\n".join(map(_plain, text.splitlines()))) is not None


def _plain(line: str) -> str:
    return " ".join(_NUMBER.sub("#", line).split())
