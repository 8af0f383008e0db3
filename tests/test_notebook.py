"""docs/quickstart.ipynb: its cells run, and what stands below them is what they gave."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install 'rmt-bench[notebook]'")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "quickstart.ipynb"
#: Bytes of a picture, at the most.
_PICTURE = 150_000


def _cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _pictures(notebook: Any) -> list[bytes]:
    data = (output.get("data", {}) for cell in _cells(notebook) for output in cell.outputs)
    return [base64.b64decode(shown["image/png"]) for shown in data if "image/png" in shown]


def _told(notebook: Any) -> list[str]:
    """What is shown as text, cell by cell; where nothing is, the bar that was there."""
    outputs = [output for cell in _cells(notebook) for output in cell.outputs]
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


def test_it_is_committed_as_it_was_executed_from_top_to_bottom():
    notebook = nbformat.read(NOTEBOOK, 4)
    assert [cell.execution_count for cell in _cells(notebook)] == list(range(1, len(_cells(notebook)) + 1))
    outputs = [output for cell in _cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert not [told for told in _told(notebook) if "site-packages" in told or "/home/" in told or "/work/" in told]


def test_its_curves_are_visible_and_small():
    pictures = _pictures(nbformat.read(NOTEBOOK, 4))
    assert len(pictures) == 2
    assert all(picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) < _PICTURE for picture in pictures)


@pytest.mark.slow
def test_every_cell_runs_and_gives_what_stands_below_it(tmp_path):
    client = pytest.importorskip("nbclient").NotebookClient
    before, notebook = nbformat.read(NOTEBOOK, 4), nbformat.read(NOTEBOOK, 4)
    for cell in _cells(notebook):
        cell.outputs, cell.execution_count = [], None
    client(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(_pictures(notebook)) == 2
    assert _told(notebook)[:4] == _told(before)[:4]  # the text, the window's curve: no arithmetic of a machine in it
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_notebook_sees_a_bar_while_a_model_reads_and_nothing_of_it_afterwards(tmp_path):
    """Each change of an output is a message of the kernel; the last one empties the bar."""
    client = pytest.importorskip("nbclient").NotebookClient
    code = (
        "import time\nfrom rmt_bench.base.console import advance, progress_bar\n"
        "with progress_bar(4, 'tokens') as bar:\n"
        "    for number in range(4):\n        time.sleep(0.3)\n        advance(bar, 1, f'text {number}')\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    runner = client(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    seen: list[str] = []
    shown = runner.process_message
    runner.process_message = lambda message, *more: (
        seen.append(message["content"].get("data", {}).get("text/plain", "")) or shown(message, *more)
    )
    runner.execute()
    assert any("text 1" in text and "50%" in text for text in seen)
    assert [output["data"]["text/plain"] for output in notebook.cells[0].outputs] == [""]
