"""Data that arrive day after day: only new days are worked on, and events keep their ids."""

from __future__ import annotations

from pathlib import Path

import obspy
import pandas as pd
import pytest
from recordings import UNTERHACHING
from workfolder import WorkFolder

from quakeline.core.schemas import ARRIVALS, EVENT_IDS, EVENTS, PICKS
from quakeline.io.products import tables
from quakeline.workflow import config
from quakeline.workflow.stages import table as stages

pytestmark = pytest.mark.slow  # three whole runs

RUN = "results/daily"
FIRST, LAST = 27, 29


def arrive(place: WorkFolder, day: int) -> None:
    """The recordings of the demo as those of a day of May 2010, in an SDS archive."""
    for path in UNTERHACHING:
        stream = obspy.read(str(path))
        for trace in stream:
            trace.stats.starttime += (day - FIRST) * 86_400
        codes, date = stream[0].id, obspy.UTCDateTime(2010, 5, day)
        network, station, _, channel = codes.split(".")
        folder = place.folder / f"archive/2010/{network}/{station}/{channel}.D"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{codes}.D.2010.{date.julday:03d}"
        stream.write(str(folder / name), format="MSEED")


def until(place: WorkFolder, day: int) -> str:
    """The overlay of a run that ends with a day."""
    return place.demo_overlay(
        "run: daily\n"
        f"time: {{start: 2010-05-{FIRST}, end: 2010-05-{day + 1}, chunk_h: 24}}\n"
        "fetch: {source: {kind: sds, roots: [archive]}}\n"
        "keep: []\n"
    )


def worked(place: WorkFolder, overlay: str) -> None:
    done = place.quakeline("run", overlay, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def one_go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a run over both days at once."""
    place = WorkFolder.furnished(tmp_path_factory.mktemp("one_go"))
    for day in (FIRST, FIRST + 1):
        arrive(place, day)
    worked(place, until(place, FIRST + 1))
    return place.folder / RUN


def test_a_day_that_arrives_extends_the_catalog(workdir: WorkFolder, one_go: Path) -> None:
    results = workdir.folder / RUN
    arrive(workdir, FIRST)
    worked(workdir, until(workdir, FIRST))
    first = tables.read(results / "catalog/events.parquet", EVENTS)
    assert len(first) == 2
    # An id that no rule would give: it can only come from the ledger.
    ledger = tables.read(results / "ids.parquet", EVENT_IDS)
    old, new = first["event_id"][0], "kept"
    tables.write(ledger.replace({"event_id": {old: new}}), EVENT_IDS, results / "ids.parquet")

    arrive(workdir, FIRST + 1)
    longer = until(workdir, FIRST + 1)
    worked(workdir, longer)
    second = tables.read(results / "catalog/events.parquet", EVENTS)
    assert len(second) == 4
    assert second["event_id"][:2].tolist() == [new, first["event_id"][1]]

    # But for that id the catalog is the one of a single run over both days.
    for name, table in (("events", EVENTS), ("arrivals", ARRIVALS), ("picks", PICKS)):
        ours, theirs = (
            tables.read(folder / f"catalog/{name}.parquet", table) for folder in (results, one_go)
        )
        pd.testing.assert_frame_equal(ours.replace({"event_id": {new: old}}), theirs)


def test_only_new_days_and_their_neighbour_are_worked_on(one_go: Path) -> None:
    """Yesterday's last minute is read again with what follows it; older days are not."""
    place = WorkFolder(one_go.parents[1])
    assert place.planned("--configfile", until(place, FIRST + 1)) == {}
    arrive(place, LAST)
    overlay = until(place, LAST)
    run = config.read(config.read_yaml(Path(overlay)), place.folder / config.DEFAULT)
    expected = {stage.name: 2 if stage.scope == "chunk" else 1 for stage in stages.of(run)}
    del expected["stations"], expected["weights"]
    assert place.planned("--configfile", overlay) == expected
