"""What README shows is run here: its commands and its Python, block by block, in one empty folder."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from rmt_bench.cli import main

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_readme_begins_with_the_two_commands():
    first = re.search(r"```\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == ["make demo", "make test"]


@pytest.mark.slow
def test_every_block_of_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for language, text in BLOCKS:
        if language == "bash":
            for line in text.strip().splitlines():
                monkeypatch.setattr(sys, "argv", shlex.split(line))
                with pytest.raises(SystemExit) as ended:
                    main()
                assert not ended.value.code, (line, capsys.readouterr().err)
        elif "class GRU" in text:
            Path("gru.py").write_text(text)
        else:
            exec(compile(text, "README.md", "exec"), {})
    assert Path("board/leaderboard.csv").is_file()
