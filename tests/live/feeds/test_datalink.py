"""DataLink against a real server on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import datalink_server
import pytest
import simpledali
from archives import recordings
from live_records import assert_same, collected, distinct, interleaved, records_of, shifted
from pymseed import MS3Record

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code
from quakeline.live.feeds.datalink import DataLink
from quakeline.live.feeds.servers import ServersFeed

ALL = ("UH1.SHZ", "UH2.SHZ", "UH3.SHZ")


@pytest.fixture
def server() -> Iterator[datalink_server.DataLinkServer]:
    with datalink_server.running() as one:
        yield one


def opened(server: Any, state: Any = None, **settings: Any) -> ServersFeed:
    given = {"servers": [server.address], "streams": ["BW.UH?..SHZ"], "retry_s": 0.05} | settings
    feed = DataLink(answer_s=1.0, **given).open(state)
    assert isinstance(feed, ServersFeed)
    return feed


def until(count: int) -> Callable[[list[Any]], bool]:
    return lambda packets: distinct(packets) >= count


def sent(server: Any, records: list[bytes]) -> None:
    for one in records:
        server.add(one)


def test_packets_are_the_recordings_over_cuts(server: Any) -> None:
    records = interleaved(*ALL)
    server.faults.cut_after = [0, 7, 20]
    server.faults.garbage_after = [5, 40]
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records)
    packets = collected(feed, until(len(records)))
    lost = [one for one in feed.remarks() if one.code is Code.SERVER_LOST]
    feed.close()
    assert_same(packets, *ALL)
    assert len(packets) == len(records)  # DataLink repeats nothing
    assert server.connections >= 4
    assert sum(one.count or 0 for one in lost) == server.connections - 1


def test_a_state_goes_on_after_the_packets_handed_out(server: Any) -> None:
    records = interleaved(*ALL)
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records[:60])
    before = collected(feed, until(30))
    state = feed.state()
    feed.close()
    sent(server, records[60:])
    again = opened(server, state)
    after = collected(again, until(len(records) - 30))
    again.close()
    assert_same(before + after, *ALL)
    assert len(before) + len(after) == len(records)


def test_nothing_of_a_first_packet_during_a_cut_is_lost(server: Any) -> None:
    records = interleaved(*ALL)
    feed = opened(server)  # the ring is empty
    collected(feed, lambda _: bool(feed.state()[server.address]))
    state = feed.state()
    feed.close()
    sent(server, records)
    again = opened(server, state)
    packets = collected(again, until(len(records)))
    again.close()
    assert_same(packets, *ALL)


def test_a_ring_that_was_emptied_goes_on_from_the_data(server: Any) -> None:
    records = interleaved(*ALL)
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records[:50])
    before = collected(feed, until(50))
    state = feed.state()
    feed.close()
    server.forget()
    time.sleep(1.1)  # numbers are compared together with their second
    sent(server, records[40:])  # packets of other numbers, ten of them known
    again = opened(server, state)
    after = collected(again, until(len(records) - 40))
    told = again.remarks()
    again.close()
    assert_same(before + after, *ALL)
    assert [one.code for one in told] == [Code.SERVER_FORGOT]


def test_back_s_asks_for_what_was_there(server: Any) -> None:
    now = time.time_ns()
    for number, one in enumerate(records_of(recordings("UH1.SHZ")[0])):
        server.add(shifted(one, now - (3000 - 100 * number) * 1_000_000_000))
    feed = opened(server, back_s=1050.0)
    packets = collected(feed, until(11))
    feed.close()
    assert len(packets) == 11


def test_only_what_was_asked_for_comes(server: Any) -> None:
    for refused in (False, True):
        server.faults.no_match = refused
        codes = ("UH1.SHZ", "UH3.SHE", "UH3.SHN", "UH4.EHZ")
        records = [one for code in codes for one in records_of(recordings(code)[0])[:3]]
        feed = opened(server, streams=["BW.UH3..*", "*.UH4.*.?HZ"])
        time.sleep(0.3)
        server.put("FDSN:BW_UH3/JSON", 0, 0, b"{}")
        sent(server, records)
        packets = collected(feed, until(9))
        told = {one.code for one in feed.remarks()}
        feed.close()
        assert {one.codes for one in packets} == {"BW.UH3..SHE", "BW.UH3..SHN", "BW.UH4..EHZ"}
        assert (Code.SERVER_REFUSES in told) == refused


def test_names_of_streams_of_older_servers_and_miniseed_3(server: Any) -> None:
    record = MS3Record.parse(records_of(recordings("UH1.SHZ")[0])[0], unpack_data=True)
    feed = opened(server, streams=["BW.UH1..SHZ"])
    time.sleep(0.3)
    server.put("BW_UH1__SHZ/MSEED", 0, 1, records_of(recordings("UH1.SHZ")[0])[0])
    record.formatversion = 3
    third = next(iter(record.generate()))
    server.add(bytes(third))
    old, new = collected(feed, lambda got: len(got) == 2)
    server.put("FDSN:BW_UH1__S_H_Z/MSEED3", 0, 1, bytes(third)[:-1] + b"\xff")
    told: list[Any] = []
    collected(feed, lambda _: bool(told.extend(feed.remarks())) or len(told) > 1)
    feed.close()
    assert old.codes == new.codes == "BW.UH1..SHZ"
    assert old.start_ns == new.start_ns
    assert (old.samples[: len(new.samples)] == new.samples).all()
    assert "CRC" in str(told[1])


def test_a_server_that_falls_silent_is_connected_anew(server: Any) -> None:
    records = interleaved("UH1.SHZ")
    server.faults.mute_after = [4]
    feed = opened(server, silence_s=1.0)
    time.sleep(0.3)
    sent(server, records)
    packets = collected(feed, until(len(records)))
    remarks = feed.remarks()
    feed.close()
    assert_same(packets, "UH1.SHZ")
    assert any("no data for over 1 s" in str(one) for one in remarks)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, "Invalid preheader magic"),
        ({"closes": True}, "onnection"),
        ({"silent": True}, "Timed out"),
        ({"refuses": True}, "Authentication required"),
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


def test_the_server_of_these_tests_serves_simpledali_too(server: Any) -> None:
    """An independent client reads the same: the tests test no private dialect."""
    records = interleaved("UH1.SHZ")

    async def read() -> list[Any]:
        async with simpledali.SocketDataLink("127.0.0.1", server.port) as dali:
            answer = await dali.id("test", "user", 1, "python")
            assert answer.type == "ID"
            assert (await dali.match("BW_UH1")).type == "OK"
            sent(server, records[:1])
            assert (await dali.positionEarliest()).type == "OK"
            sent(server, records[1:])
            got: list[Any] = []
            async for packet in dali.stream():
                got.append(packet)
                if len(got) == len(records) - 1:
                    return got
        return []

    got = asyncio.run(read())
    assert [one.data for one in got] == records[1:]
    assert [one.streamIdType() for one in got] == ["MSEED"] * len(got)
