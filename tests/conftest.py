"""What all tests share: a folder for the real commands, the demo run, outside material."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from pages import FLAGS
from servers import made_venv
from workfolder import REPOSITORY, WorkFolder

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def required(name: str, found: Path | None, hint: str) -> Path:
    """Give outside material, or skip; fail where QUAKELINE_REQUIRE (a,b,...) names it."""
    if found is not None:
        return found
    if name in os.environ.get("QUAKELINE_REQUIRE", "").split(","):
        pytest.fail(f"{hint}, but QUAKELINE_REQUIRE names {name}")
    pytest.skip(hint)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The source tree."""
    return REPOSITORY


@pytest.fixture
def workdir(tmp_path: Path) -> WorkFolder:
    """A fresh folder in which the real commands run."""
    return WorkFolder.furnished(tmp_path)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> WorkFolder:
    """The embedded demo, run once for all tests by `quakeline run`. Do not change it: copy it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demo"
    outcome = folder / "outcome.log"
    with FileLock(f"{folder}.lock"):
        if not outcome.exists():
            done = WorkFolder.furnished(folder).quakeline("run", "--cores", "2")
            outcome.write_text(f"{done.stdout}{done.stderr}\nexit code {done.returncode}\n")
    said = outcome.read_text()
    if not said.endswith("exit code 0\n"):
        pytest.fail("the demo failed:\n" + "\n".join(said.splitlines()[-25:]), pytrace=False)
    return WorkFolder(folder)


@pytest.fixture
def demo_copy(demo_run: WorkFolder, tmp_path: Path) -> WorkFolder:
    """A copy of the finished demo that a test may change."""
    return demo_run.copied(tmp_path)


@pytest.fixture
def demo_tree(demo_run: WorkFolder, tmp_path: Path) -> WorkFolder:
    """A copy of the finished demo together with a copy of the program, for tests that change it."""
    place = demo_run.copied(tmp_path)
    shutil.copytree(REPOSITORY / "quakeline", tmp_path / "quakeline")
    shutil.copy2(REPOSITORY / "Snakefile", tmp_path)
    return WorkFolder(place.folder, tmp_path / "Snakefile", {"PYTHONPATH": str(tmp_path)})


@pytest.fixture(scope="session")
def shared() -> Path:
    """The project's shared material: real recordings, reference outputs of other programs."""
    named = os.environ.get("QUAKELINE_SHARED", "")
    found = Path(named) if named and Path(named).is_dir() else None
    return required("shared", found, "QUAKELINE_SHARED does not name the shared folder")


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """A Chromium that can show the report."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    return required("browser", Path(found) if found else None, "no chromium is installed")


@pytest.fixture(scope="module")
def browser(browser_path: Path) -> Iterator[Any]:
    """A running Chromium; closed with the module, as it holds the thread's only event loop."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(browser_path), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def fdsn_programs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The programs of a dataselect server: of QUAKELINE_FDSN_SERVER, else in a venv made here."""
    given = os.environ.get("QUAKELINE_FDSN_SERVER")
    if given:
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "fdsn-venv"
    why = made_venv(place)
    return required("servers", None if why else place / "bin", why)
