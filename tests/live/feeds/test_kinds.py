"""What holds for every kind of feed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datalink_server
import pytest
import seedlink_server
import wave_server
from archives import recordings
from live_records import collected, records_of
from pydantic import TypeAdapter, ValidationError

from quakeline.core.registry import kind_of
from quakeline.live.feeds import KINDS, AnyFeed
from quakeline.live.feeds.protocol import Packet

STREAMS = ["BW.UH1..SHZ"]


@pytest.fixture(params=["seedlink", "datalink", "earthworm", "miniseed"])
def section(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of a feed of each kind whose source has data."""
    record = records_of(recordings("UH1.SHZ")[0])[0]
    servers = {"seedlink": seedlink_server.running(4), "datalink": datalink_server.running()}
    if request.param == "miniseed":
        (tmp_path / "a.mseed").write_bytes(record)
        yield {"kind": "miniseed", "paths": [str(tmp_path)]}
    elif request.param == "earthworm":
        with wave_server.running() as waves:
            waves.add(recordings("UH1.SHZ")[0])
            yield {"kind": "earthworm", "servers": [waves.address], "back_s": 3600}
    else:
        with servers[request.param] as server:
            server.add(record)
            yield {"kind": request.param, "servers": [server.address], "back_s": 600_000}


def test_there_is_an_example_of_each_kind() -> None:
    assert {kind_of(one) for one in KINDS} >= {"seedlink", "datalink", "earthworm", "miniseed"}


def test_a_feed_keeps_the_contract(section: dict[str, Any]) -> None:
    if section["kind"] != "miniseed":
        section["streams"] = STREAMS
    if section["kind"] in ("seedlink", "datalink"):
        del section["back_s"]  # the record is of 2010
    feed = TypeAdapter(AnyFeed).validate_python(section).open()
    if section["kind"] != "datalink":
        packets = collected(feed, lambda got: bool(got))
        assert isinstance(packets[0], Packet)
        assert packets[0].codes == STREAMS[0]
        assert packets[0].samples.ndim == 1
    state = feed.state()
    assert json.loads(json.dumps(state)) == state
    assert isinstance(feed.remarks(), list)
    feed.close()
    feed.close()
    assert list(feed.packets()) == []
    end = time.monotonic() + 10
    while any(one.name.startswith("feed ") for one in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"servers": ["a b"]}, "no address of a server"),
        ({"servers": ["host:99999"]}, "no address of a server"),
        ({"servers": []}, "at least 1 item"),
        ({"streams": ["BW.UH1.EHZ"]}, "no pattern of channels"),
        ({"streams": ["BW.UH1..LONG"]}, "three characters"),
        ({"silence_s": 0}, "greater than 0"),
        ({"kind": "telepathy"}, "does not match any of the expected tags"),
    ],
)
def test_settings_that_cannot_work_are_told(given: dict[str, Any], words: str) -> None:
    whole = {"kind": "seedlink", "servers": ["localhost"], "streams": STREAMS} | given
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(AnyFeed).validate_python(whole)


def test_sections_load_no_library_of_theirs() -> None:
    code = "import sys, quakeline.live.feeds; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"obspy", "pymseed", "seedlink_client", "datalink_client", "pandas", "torch", "scipy"}
    assert not heavy & set(done.stdout.split())
