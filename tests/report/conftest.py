"""Runs for the tests of the report, and its page in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import Visit
from report_run import RunFiles


@pytest.fixture
def run_files(tmp_path: Path) -> RunFiles:
    """A whole run; change its rows, then call `make`."""
    return RunFiles(tmp_path)


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an unchanged run, made once."""
    folder = tmp_path_factory.mktemp("report")
    RunFiles(folder).make(title="Unterhaching swarm")
    return folder / "report.html"


@pytest.fixture
def another_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], RunFiles]:
    """Further runs in folders of their own."""
    return lambda: RunFiles(tmp_path_factory.mktemp("another"))


@pytest.fixture
def visit(browser: Any, full_page: Path) -> Iterator[Any]:
    opened: list[Visit] = []

    def open_page(size: dict[str, int], scheme: str = "light", file: Path = full_page) -> Visit:
        opened.append(Visit(browser, file, size, scheme))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()


@pytest.fixture(scope="session")
def files_in() -> Callable[[Path], RunFiles]:
    """A whole run in a folder, for pages that several tests share."""
    return RunFiles
