"""Run docs/quickstart.ipynb from top to bottom and keep what its cells show: `python scripts/execute_notebook.py`.

It runs in an empty folder, with `pip install 'rmt-bench[notebook]'`; a minute on two cores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs/quickstart.ipynb"


def main() -> None:
    """Execute, and leave out when and for how long."""
    notebook = nbformat.read(NOTEBOOK, 4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
