"""The commands of README.md and docs/ run as they stand there, each page from top to bottom.

A block that cannot run says so in the page, by a comment before it: `<!-- not run: WHY -->`, or
`<!-- slow: WHY -->` for `make test-slow`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import archives
import obspy
import pytest
from docblocks import Block, blocks, write_overlay
from filelock import FileLock
from obspy.core.event import Catalog, Event, Origin
from obspy.core.inventory import Channel, Inventory, Network, Response, Station
from workfolder import REPOSITORY, WorkFolder

#: Tutorials are run whole, as notebooks, by tests/test_tutorials.py.
PAGES = [
    "README.md",
    *(
        str(path.relative_to(REPOSITORY))
        for path in sorted(REPOSITORY.glob("docs/**/*.md"))
        if path.parent.name != "tutorials"
    ),
]
#: Recordings of 2010 as if they were of the day that the pages speak of.
LATER = obspy.UTCDateTime("2024-01-01T16:24:00") - archives.FIRST
#: What the page README.md leaves for the other pages; they make what they need beside it.
KEPT = ("config", "my", "day", "ds", "results", ".snakemake")
FILES = ("picks.csv", "stations.csv", "velocity.csv", "reference.xml")


def of_page(page: str) -> list[Block]:
    return blocks((REPOSITORY / page).read_text(encoding="utf-8"), page)


def with_files(folder: Path) -> None:
    """The files that the pages name: real recordings, their stations, a model, a reference."""
    WorkFolder.furnished(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    recordings = archives.recordings()
    for trace in recordings:
        trace.stats.starttime += LATER
        code = trace.stats
        name = f"{trace.id}.D.2024.001"
        target = folder / f"my/archive/2024/{code.network}/{code.station}/{code.channel}.D/{name}"
        target.parent.mkdir(parents=True)
        trace.write(str(target), format="MSEED")
        archives.write(trace, folder / "day")
    for name in ("stations.csv", "velocity.csv"):
        for place in (folder, folder / "my"):
            shutil.copy(folder / "config/unterhaching" / name, place / name)
    responses(folder / "my/responses/BW.xml", recordings)
    origins = [("2024-01-01T16:24:31.7", 4600.0), ("2024-01-01T16:27:29.0", 4600.0)]
    events = []
    for time, depth in origins:
        at = {"latitude": 48.047, "longitude": 11.646, "depth": depth}
        events.append(Event(origins=[Origin(time=obspy.UTCDateTime(time), **at)]))
    Catalog(events).write(str(folder / "reference.xml"), format="QUAKEML")


def responses(path: Path, recordings: obspy.Stream) -> None:
    """A flat response of each channel, in StationXML."""
    stations: dict[str, list[Channel]] = {}
    place = 48.05, 11.65, 500.0
    for trace in recordings:
        response = Response.from_paz([], [], 4e8, input_units="M/S", output_units="COUNTS")
        rate = trace.stats.sampling_rate
        channel = Channel(trace.stats.channel, "", *place, 0.0, sample_rate=rate, response=response)
        stations.setdefault(trace.stats.station, []).append(channel)
    made = [Station(name, *place, channels=channels) for name, channels in stations.items()]
    path.parent.mkdir(parents=True)
    Inventory(networks=[Network("BW", stations=made)]).write(str(path), format="STATIONXML")


def run(page: Iterable[Block], folder: Path, *, slow: bool = False) -> list[str]:
    """Run the blocks of a page in a folder, in order; gives the places of those that were run."""
    ran = []
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for block in page:
        if block.kind == "overlay":
            write_overlay(block, folder)
            continue
        if block.mark != ("slow" if slow else ""):
            continue
        done = subprocess.run(
            ["bash", "-euc", block.text],
            cwd=folder,
            env={**os.environ, "PATH": path, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{block.place}\n{block.text}\n{done.stdout}{done.stderr}"
        ran.append(block.place)
    return ran


@pytest.fixture(scope="session")
def readme(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder in which the commands of README.md were run, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "readme"
    said = folder / "ran"
    with FileLock(f"{folder}.lock"):
        if not said.exists():
            folder.mkdir()
            with_files(folder)
            try:
                said.write_text("\n".join(run(of_page("README.md"), folder)))
            except AssertionError as error:
                said.write_text(f"failed: {error}")
    if said.read_text().startswith("failed: "):
        pytest.fail(said.read_text(), pytrace=False)
    return folder


@pytest.fixture
def place(readme: Path, tmp_path: Path) -> Path:
    """A copy of the files that the pages name and of README.md's run, which a test may change."""
    for name in KEPT:
        shutil.copytree(readme / name, tmp_path / name)
    for name in FILES:
        shutil.copy2(readme / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def test_readme(readme: Path) -> None:
    """Its own chains: the run, and picks.csv of `quakeline pick` through `quakeline catalog`."""
    assert len((readme / "ran").read_text().splitlines()) >= 6
    for made in (
        "coverage.svg",
        "picks.csv",
        "catalog/catalog.qml",
        "waves/dt.cc",
        "hypodd/phase.dat",
    ):
        assert (readme / made).is_file(), made
    assert len(obspy.read_events(str(readme / "relative/catalog.qml"))) == 2
    assert len(obspy.read_events(str(readme / "catalog/catalog.qml"))) == 2


@pytest.mark.parametrize("page", [page for page in PAGES[1:] if of_page(page)])
def test_pages(page: str, place: Path) -> None:
    found = of_page(page)
    ran = run(found, place)
    unmarked = [block.place for block in found if block.kind == "shell" and not block.mark]
    assert ran == unmarked


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(b.mark == "slow" for b in of_page(p))])
def test_slow_blocks(page: str, place: Path) -> None:
    assert run(of_page(page), place, slow=True)


def test_every_page_is_looked_at() -> None:
    """What the parser finds, so that it cannot come to find nothing."""
    shell = [block for page in PAGES for block in of_page(page) if block.kind == "shell"]
    lines = [line for block in shell for line in block.text.splitlines()]
    typed = [line for line in lines if line.split(maxsplit=1)[0].endswith("quakeline")]
    everywhere = [
        line.strip()
        for page in PAGES
        for line in (REPOSITORY / page).read_text(encoding="utf-8").splitlines()
        if line.startswith(("    .venv/bin/quakeline ", "    quakeline "))
    ]
    assert len(typed) == len(everywhere) >= 20
    assert all(block.why for block in shell if block.mark)


PAGE = """
<!-- not run: no server -->

    quakeline fetch mine

text

    quakeline nonsense

```
$EDITOR file
```

    run: other
    time: {}
"""


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_tests_and_benchmarks_that_a_page_names_exist(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:tests|benchmarks)/[\w./]*\w", text))
    named |= {f"benchmarks/{one}.py" for one in re.findall(r"(?<![\w./])benchmarks\.(\w+)", text)}
    assert not [one for one in sorted(named) if not (REPOSITORY / one).exists()]


def test_an_unmarked_block_that_fails_is_a_failure(tmp_path: Path) -> None:
    marked, unmarked, editor, overlay = blocks(PAGE, "page.md")
    assert (marked.mark, marked.why) == ("not run", "no server")
    assert (unmarked.mark, editor.mark, overlay.kind) == ("", "", "overlay")
    assert run([marked], tmp_path) == []
    with pytest.raises(AssertionError, match=r"page\.md:8"):
        run([marked, unmarked], tmp_path)
