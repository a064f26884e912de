"""Wave servers of Earthworm against a real server on loopback."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import obspy
import pytest
import wave_server
from archives import recordings
from live_records import assert_same, collected, distinct
from obspy.clients.earthworm import Client

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code
from quakeline.live.feeds.earthworm import Earthworm
from quakeline.live.feeds.servers import ServersFeed

ALL = ("UH1.SHZ", "UH2.SHZ", "UH3.SHZ")


@pytest.fixture
def server() -> Iterator[wave_server.WaveServer]:
    with wave_server.running() as one:
        yield one


@pytest.fixture(scope="module")
def messages() -> list[obspy.Trace]:
    lists = [wave_server.pieces(one, 500) for one in recordings(*ALL)]
    return [one for turn in zip(*lists, strict=False) for one in turn]


def opened(server: Any, state: Any = None, **settings: Any) -> ServersFeed:
    given = {"servers": [server.address], "streams": ["BW.UH?..SHZ"], "retry_s": 0.05} | settings
    feed = Earthworm(answer_s=1.0, poll_s=0.05, **given).open(state)
    assert isinstance(feed, ServersFeed)
    return feed


def until(count: int) -> Callable[[list[Any]], bool]:
    return lambda packets: distinct(packets) >= count


def test_messages_are_handed_out_once_as_they_come(server: Any, messages: Any) -> None:
    for one in messages[:3]:
        server.add(one)
    server.faults.cut_answers = 2
    feed = opened(server)
    collected(feed, lambda _: len(feed.state()[server.address]) == 3)
    for one in messages[3:40]:
        server.add(one)
    first = collected(feed, until(37))
    state = feed.state()
    feed.close()
    for one in messages[40:]:
        server.add(one)
    again = opened(server, state)
    second = collected(again, until(len(messages) - 40))
    again.close()
    assert len(first) + len(second) == len(messages) - 3
    assert {one.codes for one in first} == {one.id for one in messages}
    whole = {one.id: one for one in recordings(*ALL)}
    for packet in first + second:
        start = obspy.UTCDateTime(ns=packet.start_ns)
        piece = whole[packet.codes].slice(start - 0.001)
        assert (piece.data[: len(packet.samples)] == packet.samples).all()


def test_back_s_and_long_spans_in_pieces(server: Any) -> None:
    traces = recordings(*ALL)
    for trace in traces:
        for one in wave_server.pieces(trace, 500):
            server.add(one)
    feed = opened(server, back_s=3600.0)
    packets = collected(feed, lambda got: sum(len(p.samples) for p in got) >= sum(map(len, traces)))
    feed.close()
    assert_same(packets, *ALL)


def test_a_gap_longer_than_a_request_is_passed(server: Any) -> None:
    one = recordings("UH1.SHZ")[0]
    late = one.copy()
    late.stats.starttime += 3000
    server.add(one)
    server.add(late)
    feed = opened(server, back_s=7200.0)
    packets = collected(feed, until(2))
    feed.close()
    assert [p.start_ns for p in packets] == [
        one.stats.starttime.ns // 1000 * 1000,
        late.stats.starttime.ns // 1000 * 1000,
    ]


DAMAGES = {
    "type": lambda content: content[:57] + b"x9" + content[59:],
    "names": lambda content: content[:32] + b"\xff" + content[33:],
    "samples": lambda content: content[:4] + (1 << 30).to_bytes(4, "little") + content[8:],
    "fewer than none": lambda content: content[:4] + b"\xf0\xff\xff\xff" + content[8:],
    "a later time": lambda content: content[:8] + struct.pack("<d", 4e9) + content[16:],
    "no time": lambda content: content[:8] + b"\xff" * 8 + content[16:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_message_that_cannot_be_decoded_costs_itself_alone(
    server: Any, messages: Any, damage: str
) -> None:
    """Channels behind it in the menu, and what follows in its own, are read all the same."""
    for one in messages[:3]:
        server.add(one)
    feed = opened(server)
    collected(feed, lambda _: len(feed.state()[server.address]) == 3)
    for one in messages[3:6]:
        server.add(one)
    first = server.messages[3]
    first.content = DAMAGES[damage](first.content)
    packets = collected(feed, until(2))
    for one in messages[6:9]:
        server.add(one)
    packets += collected(feed, until(3))
    told = feed.remarks()
    feed.close()
    assert [(one.code, one.count) for one in told] == [(Code.FEED_RECORDS_DAMAGED, 1)]
    assert {one.codes for one in packets} == {one.id for one in messages}
    assert distinct(packets) == 5


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"closes": True}, "lists no channels|Connection"),
        ({"silent": True}, "lists no channels|timed out"),
        ({"garbage": True}, "Error"),
    ],
)
def test_what_can_never_work_is_one_line(server: Any, faults: Any, words: str) -> None:
    for name, value in faults.items():
        setattr(server.faults, name, value)
    feed = opened(server)
    began = time.monotonic()
    with pytest.raises(DataError, match=words) as caught:
        collected(feed, until(1))
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    feed.close()


def test_silence_and_streams_that_it_lacks_are_told(server: Any, messages: Any) -> None:
    server.add(messages[0])
    feed = opened(server, silence_s=0.3, streams=["BW.UH?..SHZ", "XX.*.*.*"])
    told: list[Any] = []
    collected(feed, lambda _: bool(told.extend(feed.remarks())) or len(told) > 3)
    feed.close()
    codes = {one.code for one in told}
    assert codes == {Code.SERVER_SILENT, Code.SERVER_NO_STREAM}
    assert any("XX.*.*.*" in str(one) for one in told)


def test_the_server_of_these_tests_serves_the_whole_client_of_obspy(server: Any) -> None:
    trace = recordings("UH1.SHZ")[0]
    for one in wave_server.pieces(trace, 500):
        server.add(one)
    client = Client("127.0.0.1", server.port, timeout=2)
    listed = client.get_availability()
    assert [row[:4] for row in listed] == [("BW", "UH1", "--", "SHZ")]
    got = client.get_waveforms("BW", "UH1", "", "SHZ", trace.stats.starttime, trace.stats.endtime)
    assert (got[0].data == trace.data).all()
