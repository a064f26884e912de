"""Tutorials: Markdown pages whose blocks of Python are the cells of a notebook.

`python docs/site/notebooks.py` runs all of them (or those that are named) and keeps the notebooks
with their output in build/notebooks, where the site takes them from.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/tutorials"
MADE = ROOT / "build/notebooks"


def notebook(page: Path) -> NotebookNode:
    """The cells of a page."""
    return jupytext.read(page)


def executed(page: Path) -> NotebookNode:
    """A page whose cells were run in an empty folder; a cell that fails is an error."""
    cells = notebook(page)
    with tempfile.TemporaryDirectory() as folder:
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        run = NotebookClient(
            cells,
            timeout=900,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        run.execute(env={**os.environ, "PATH": programs})
    return cells


def kept(page: Path) -> NotebookNode | None:
    """The notebook with output that was made of a page as it is now, if there is one."""
    file = MADE / f"{page.stem}.ipynb"
    if not file.is_file():
        return None
    made = nbformat.read(file, as_version=4)
    same = [c.source for c in made.cells] == [c.source for c in notebook(page).cells]
    return made if same else None


def rendered(cells: NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook with output as Markdown, and its pictures by the names that it uses."""
    names = {"unique_key": name, "output_files_dir": f"{name}_files"}
    text, resources = MarkdownExporter().from_notebook_node(cells, resources=names)
    return text, resources["outputs"]


def main(names: list[str]) -> None:
    """Run tutorials and keep what they print and draw."""
    MADE.mkdir(parents=True, exist_ok=True)
    for page in sorted(PAGES.glob("*.md")):
        if not names or page.stem in names:
            nbformat.write(executed(page), MADE / f"{page.stem}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])
