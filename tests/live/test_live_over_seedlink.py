"""The real command on a real SeedLink server, killed and started again, with a web receiver."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import seedlink_server
from archives import recordings
from live_records import interleaved
from receivers import web_receiver
from workfolder import QUAKELINE, WorkFolder

from quakeline.api.direct.api import pick

ALL = tuple(f"{one.stats.station}.{one.stats.channel}" for one in recordings())
OVERLAY = """
live:
  patience_s: 1.0
  feed: {{kind: seedlink, servers: [{address}], streams: ["BW.*.*.*"], retry_s: 0.2}}
  output: live
  publish:
    - {{kind: webhook, url: "{url}"}}
    - {{kind: earthworm, module: 6, file: picks.ew}}
"""


def waited(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_kills_and_cuts_lose_no_pick(tmp_path: Path) -> None:
    """What is picked until the end of the data, over a cut, two kills and a stop."""
    place = WorkFolder.furnished(tmp_path)
    records = interleaved(*ALL)
    whole = pick(recordings())
    with seedlink_server.running(4, ring=True) as server, web_receiver() as receiver:
        server.add(records[0])
        overlay = place.demo_overlay(OVERLAY.format(address=server.address, url=receiver.url))
        sent = 0
        for turn, share in enumerate((0.45, 0.75, 1.0)):
            log = (tmp_path / f"{turn}.log").open("w")
            process = subprocess.Popen(
                [QUAKELINE, "live", overlay], cwd=tmp_path, stdout=log, stderr=log
            )
            connections = server.connections
            waited(lambda seen=connections: server.connections > seen)
            time.sleep(0.5)
            until = round(share * len(records))
            for number, one in enumerate(records[sent:until]):
                server.add(one)
                time.sleep(0.03)  # time passes by arrivals
                if number == 100:
                    server.drop()
            sent = until
            time.sleep(1.0)
            process.kill() if turn < 2 else process.terminate()
            process.wait(60)
            log.close()
    said = (tmp_path / "2.log").read_text()
    days = sorted((tmp_path / "live").glob("*/picks.parquet"))
    live = pd.concat(map(pd.read_parquet, days), ignore_index=True)
    assert not live["pick_id"].duplicated().any(), said
    assert set(live["pick_id"]) <= set(whole["pick_id"]), said
    last = live["time"].max()
    assert set(live["pick_id"]) >= set(whole.loc[whole["time"] <= last, "pick_id"]), said
    assert len(live) > 3, said
    posted = [one["pick_id"] for one in receiver.messages if one["kind"] == "pick"]
    assert set(posted) == set(live["pick_id"]), said
    first_arrivals = live[live["phase"] == "P"]
    assert len((tmp_path / "picks.ew").read_text().splitlines()) >= len(first_arrivals)
