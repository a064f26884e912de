"""What mkdocs calls while it builds the site: adds the pages that are generated, turns links."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import gallery
import generated
import jupytext
import notebooks
import repository
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

#: `mkdocs build --strict` counts warnings of this logger.
logger = logging.getLogger("mkdocs.plugins.quakeline")


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of each page that has no file in docs/."""
    for file, site in repository.PAGES.items():
        yield site, repository.content(file)
    yield "reference/schemas.md", generated.schemas()
    yield "reference/commands.md", generated.commands()
    yield "reference/api.md", generated.api()
    yield "gallery.md", gallery.page(drawn())


def drawn() -> dict[str, tuple[str, list[str]]]:
    """Title and pictures of each tutorial that was run as it is now and drew something."""
    ran = {page.stem: _tutorial(page) for page in sorted(notebooks.PAGES.glob("*.md"))}
    return {
        name: (shown[0].splitlines()[0].lstrip("# "), sorted(shown[1]))
        for name, shown in ran.items()
        if shown and shown[1]
    }


def of_tutorials() -> Iterator[tuple[str, str | bytes]]:
    """Name and content of each notebook without output, and of the pictures of those that ran."""
    for page in sorted(notebooks.PAGES.glob("*.md")):
        yield f"tutorials/{page.stem}.ipynb", jupytext.writes(notebooks.notebook(page), "ipynb")
        for name, picture in (_tutorial(page) or ("", {}))[1].items():
            yield f"tutorials/{name}", picture


def _tutorial(page: Path) -> tuple[str, dict[str, bytes]] | None:
    made = notebooks.kept(page)
    return None if made is None else notebooks.rendered(made, page.stem)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file in docs/, notebooks to download, and their pictures."""
    for name, content in (*pages(), *of_tutorials()):
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show what a tutorial put out; turn links of the repository into links between pages."""
    uri = page.file.src_uri
    if uri.startswith("tutorials/"):
        name = Path(uri).stem
        shown = _tutorial(notebooks.PAGES / f"{name}.md")
        markdown = (
            shown[0] if shown else markdown
        ) + f"\n[This page as a notebook]({name}.ipynb)\n"
    text, lost = repository.site_links(markdown, uri)
    for link in lost:
        logger.warning("%s links to %s, which is no page of the site", uri, link)
    return text
