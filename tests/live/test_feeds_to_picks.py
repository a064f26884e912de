"""Records over a real SeedLink or DataLink connection, with cuts: the picks of the archive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import archives
import datalink_server
import pandas as pd
import pytest
import seedlink_server
from live_records import distinct, interleaved
from packets import session_of

from quakeline.api.direct.api import pick
from quakeline.api.direct.weights import load
from quakeline.live.feeds.datalink import DataLink
from quakeline.live.feeds.protocol import BaseFeed
from quakeline.live.feeds.seedlink import SeedLink

COLUMNS = ["network", "station", "location", "instrument", "phase", "time", "probability"]
ALL = tuple(f"{one.stats.station}.{one.stats.channel}" for one in archives.recordings())


@pytest.fixture(scope="module")
def archive() -> pd.DataFrame:
    """Picks of the recordings as a whole."""
    picks = pick(archives.recordings())
    assert len(picks) > 4
    return in_order(picks)


def in_order(picks: pd.DataFrame) -> pd.DataFrame:
    return picks[COLUMNS].sort_values(COLUMNS, ignore_index=True)


@pytest.fixture(params=["seedlink 3", "seedlink 4", "datalink"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Any, BaseFeed]]:
    """A server that cuts its connections, and the feed that reads from it."""
    seedlink = request.param.startswith("seedlink")
    running = seedlink_server.running if seedlink else datalink_server.running
    with running(*([int(request.param[-1])] if seedlink else [])) as server:
        server.faults.cut_after, server.faults.garbage_after = [13, 40], [25, 3]
        kind = SeedLink if seedlink else DataLink
        settings = {"servers": [server.address], "streams": ["BW.*.*.*"], "retry_s": 0.05}
        yield server, kind(**settings)


def test_picks_are_those_of_the_archive(served: Any, archive: pd.DataFrame) -> None:
    server, settings = served
    records = interleaved(*ALL)
    known = [0, 1, 2, 5] if settings.kind == "seedlink" else []  # one record of each station
    for number in known:
        server.add(records[number])
    if settings.kind == "datalink":  # the position in a ring that is empty is none
        server.put("FDSN:BW_UH1/JSON", 0, 0, b"{}")
    feed = settings.open()
    for number in sorted(set(range(len(records))) - set(known)):
        server.add(records[number])
    annotator = load(None, None, threads=1, device="cpu")
    session = session_of(annotator, patience_s=3600.0)
    frames, packets, end = [], [], time.monotonic() + 20
    for packet in feed.packets():
        assert time.monotonic() < end, (distinct(packets), feed.remarks())
        if packet is not None:
            packets.append(packet)
            session.add(packet)
        if distinct(packets) == len(records):
            break
        frames += [one.frame for one in session.work()]
    feed.close()
    frames += [one.frame for one in session.finish()]
    assert server.connections >= 3
    pd.testing.assert_frame_equal(in_order(pd.concat(frames)), archive, check_exact=True)
