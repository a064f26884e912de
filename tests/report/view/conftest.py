"""A server on the run of the report's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from report_run import RunFiles

from quakeline.report.view.content import Content, opened
from quakeline.report.view.server import Server


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run. Do not change it."""
    files = RunFiles(tmp_path_factory.mktemp("view"))
    text = files.inputs()["settings"]
    folder = files.folder / "results" / files.run_name
    (folder / "catalog/config.yaml").write_text(text)
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "revised.csv"


@pytest.fixture
def content(run_folder: Path, table: Path) -> Content:
    return opened(run_folder, table, "Ada")


@pytest.fixture
def serve() -> Iterator[Callable[[Content], Server]]:
    started: list[Server] = []

    def begin(content: Content) -> Server:
        started.append(Server(content, "unterhaching"))
        Thread(target=started[-1].serve_forever, daemon=True).start()
        return started[-1]

    yield begin
    for one in started:
        one.shutdown()
        one.server_close()
