"""What mkdocs calls while it builds the site: adds the pages that are generated, turns links."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import generated
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


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file in docs/."""
    for name, text in pages():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    text, lost = repository.site_links(markdown, page.file.src_uri)
    for link in lost:
        logger.warning("%s links to %s, which is no page of the site", page.file.src_uri, link)
    return text
