"""What is derived from the book and kept in the repository: nbval's notebooks.

Run as a script to write all of it again (``make references``).

The notebooks under ``reference/`` are each chapter's code at quick scale, with checked outputs. They are normalised
so that writing them again changes nothing unless a checked number changed: code cells only, stable ids, outputs of
checked cells only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from papermill.parameterize import parameterize_notebook

from catapult.companion import registry

FOLDER = Path(__file__).parent / "reference"
CHECKED = "nbval-check-output"


def is_checked(cell) -> bool:
    """Return whether nbval compares this cell's output."""
    return CHECKED in cell.metadata.get("tags", [])


def unexecuted(chapter: registry.Chapter) -> nbformat.NotebookNode:
    """Return the chapter's code at quick scale, normalised, without outputs."""
    values = chapter.parameters.checked(scale="quick").as_dict()
    source = registry.notebook(chapter)
    source.metadata["papermill"] = {}  # where papermill notes what it injected
    source = parameterize_notebook(source, values)
    cells = []
    for number, cell in enumerate(cell for cell in source.cells if cell.cell_type == "code"):
        metadata = {"tags": [CHECKED]} if is_checked(cell) else {}
        cells.append(nbformat.v4.new_code_cell(cell.source, id=f"cell-{number:02d}", metadata=metadata))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def executed(chapter: registry.Chapter) -> nbformat.NotebookNode:
    """Return the same notebook after a run: execution counts, and the text that checked cells print."""
    from nbclient import NotebookClient

    notebook = unexecuted(chapter)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        # One stream: how a kernel cuts what is printed depends on timing.
        cell.outputs = [nbformat.v4.new_output("stream", text=printed)] if is_checked(cell) and printed else []
    notebook.metadata.pop("language_info", None)
    return notebook


def path(chapter: registry.Chapter) -> Path:
    """Return where the chapter's reference is kept."""
    return FOLDER / f"{chapter.id}.ipynb"


def main() -> None:
    """Write the references again: of the chapters named on the command line, or of all."""
    wanted = [registry.get(name) for name in sys.argv[1:]] or registry.every()
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    FOLDER.mkdir(exist_ok=True)
    for chapter in wanted:
        nbformat.write(executed(chapter), path(chapter))
        print(f"catapult: wrote {path(chapter).name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
