"""The documentation site builds without a warning, has no broken link and misses no name."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html
from typer.main import get_command

import quakeline
from quakeline import cli
from quakeline.core import schemas

pytest.importorskip("mkdocstrings", reason="extra docs is not installed")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def links(page: Path) -> Iterator[str]:
    for element, attribute, link, _ in html.parse(page).getroot().iterlinks():
        if element.tag != "base" and attribute in ("href", "src"):
            yield link


def is_there(page: Path, link: str, names: dict[Path, set[str]]) -> bool:
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not parts.fragment or target.suffix != ".html":
        return target.exists()
    if target not in names:
        names[target] = set(html.parse(target).xpath("//@id | //a/@name"))
    return unquote(parts.fragment) in names[target]


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    names: dict[Path, set[str]] = {}
    inside = [(page, link) for page in pages for link in links(page) if not urlsplit(link).scheme]
    assert [(str(page), link) for page, link in inside if not is_there(page, link, names)] == []
    assert len(pages) >= 20
    assert len(inside) > 500


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        tree = html.parse(page)
        loaded = tree.xpath("//script/@src | //img/@src | //link[@rel='stylesheet']/@href")
        assert [link for link in loaded if urlsplit(link).netloc] == [], page


def test_reference_has_all_that_the_program_has(site: Path) -> None:
    def ids(page: str) -> set[str]:
        return set(html.parse(site / "reference" / page).xpath("//@id"))

    assert {table.name for table in (*schemas.TABLES, *schemas.STORES)} <= ids("schemas.html")
    places = {f"{module}.{name}" for name, module in quakeline._PLACES.items()}
    assert places <= ids("api.html")
    names = {f"quakeline-{name}" for name in get_command(cli.app).commands}
    assert names <= ids("commands.html")
    text = html.parse(site / "reference/configuration.html").getroot().text_content()
    assert "associate.min_picks" in text


def test_python_names_are_described(site: Path) -> None:
    """A name without a docstring has a heading and nothing below it."""
    assert [name for name in quakeline._PLACES if not getattr(quakeline, name).__doc__] == []


@pytest.fixture
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "site_repository", REPOSITORY / "docs/site/repository.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_somewhere_in_the_repository_too(pages: ModuleType) -> None:
    """Who reads the pages where they stand in the repository follows the same links."""
    written = [*REPOSITORY.glob("docs/**/*.md"), *(REPOSITORY / file for file in pages.PAGES)]
    links = [
        (page, match[2])
        for page in written
        for match in pages.LINK.finditer(page.read_text(encoding="utf-8"))
    ]
    assert [(str(page), link) for page, link in links if not (page.parent / link).exists()] == []
    assert len(links) > 50


def test_links_of_the_repository_become_links_of_the_site(pages: ModuleType) -> None:
    text, lost = pages.site_links("[a](docs/das.md#models) [b](LICENSE) [c](#here)", "index.md")
    assert text == "[a](das.md#models) [b](license.txt) [c](#here)"
    assert lost == []
    text, lost = pages.site_links(
        "[a](../../config/README.md) [b](https://x.org/a.md)", "howto/a.md"
    )
    assert text == "[a](../reference/configuration.md) [b](https://x.org/a.md)"
    assert pages.site_links("[a](../quakeline/cli.py)", "das.md")[1] == ["../quakeline/cli.py"]
