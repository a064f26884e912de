"""SeedLink against a real server on loopback, in both versions of the protocol."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from threading import Thread
from typing import Any

import pytest
import seedlink_server
from archives import recordings
from live_records import assert_same, collected, distinct, interleaved, records_of, shifted
from obspy.clients.seedlink import easyseedlink

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code
from quakeline.live.feeds.seedlink import SeedLink
from quakeline.live.feeds.servers import ServersFeed

ALL = ("UH1.SHZ", "UH2.SHZ", "UH3.SHZ")


@pytest.fixture(params=[3, 4], ids=["v3", "v4"])
def server(request: pytest.FixtureRequest) -> Iterator[seedlink_server.SeedLinkServer]:
    with seedlink_server.running(request.param) as one:
        yield one


def opened(server: Any, state: Any = None, **settings: Any) -> ServersFeed:
    given = {"servers": [server.address], "streams": ["BW.UH?..SHZ"], "retry_s": 0.05} | settings
    feed = SeedLink(answer_s=1.0, **given).open(state)
    assert isinstance(feed, ServersFeed)
    return feed


def until(count: int) -> Callable[[list[Any]], bool]:
    return lambda packets: distinct(packets) >= count


def sent(server: Any, records: list[bytes]) -> None:
    for one in records:
        server.add(one)


def test_packets_are_the_recordings(server: Any) -> None:
    records = interleaved(*ALL)
    sent(server, records[:3])
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records[3:])
    packets = collected(feed, until(len(records)))
    feed.close()
    assert_same(packets, *ALL)
    assert all(one.quality == "D" and one.arrived_ns > one.start_ns for one in packets)


def test_nothing_is_lost_over_cuts(server: Any) -> None:
    records = interleaved(*ALL)
    sent(server, records[:3])
    server.faults.cut_after = [0, 5, 17, 1]
    server.faults.garbage_after = [9, 40, 3]
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records[3:])
    packets = collected(feed, until(len(records)))
    assert_same(packets, *ALL)
    lost = [one for one in feed.remarks() if one.code is Code.SERVER_LOST]
    assert sum(one.count or 0 for one in lost) >= 3
    assert {one.detail("where") for one in lost} == {server.address}
    feed.close()


def test_a_state_goes_on_after_the_packets_handed_out(server: Any) -> None:
    records = interleaved(*ALL)
    sent(server, records[:3])
    feed = opened(server)
    time.sleep(0.3)
    sent(server, records[3:60])
    before = collected(feed, until(30))
    state = feed.state()
    feed.close()
    sent(server, records[60:])
    again = opened(server, state)
    after = collected(again, until(len(records) - 30))
    again.close()
    assert_same(before + after, *ALL)
    assert not {(one.codes, one.start_ns) for one in before} & {
        (one.codes, one.start_ns) for one in after
    }


@pytest.mark.parametrize("version", [3, 4])
def test_a_ringserver_goes_on_with_all_stations(version: int) -> None:
    """Also where a station appears only during the cut, behind packets of the others."""
    records = interleaved("UH1.SHZ", "UH2.SHZ")
    late = records_of(recordings("UH3.SHZ")[0])
    with seedlink_server.running(version, ring=True) as server:
        server.faults.cut_after = [20, 7]
        feed = opened(server)
        time.sleep(0.2)
        sent(server, records[:30])
        before = collected(feed, until(30))
        state = feed.state()
        feed.close()
        sent(server, records[30:50] + late + records[50:])
        again = opened(server, state)
        after = collected(again, until(len(records) + len(late) - 30))
        again.close()
    assert state == {server.address: {"*": 30}}
    assert_same(before + after, *ALL)


@pytest.mark.parametrize("version", [3, 4])
def test_a_ringserver_that_lost_the_last_packet_gives_what_it_has(version: int) -> None:
    records = interleaved("UH1.SHZ", "UH2.SHZ")
    with seedlink_server.running(version, ring=True) as server:
        sent(server, records[:10])
        state = {server.address: {"*": 10}}
        sent(server, records[10:])
        server.forget(20)
        feed = opened(server, state)
        packets = collected(feed, until(len(records) - 21))
        told = feed.remarks()
        feed.close()
    assert len(packets) == len(records) - 21
    assert [one.code for one in told] == [Code.SERVER_FORGOT]


def test_a_station_silent_until_a_cut_loses_nothing(server: Any) -> None:
    records = records_of(recordings("UH1.SHZ")[0])
    other = records_of(recordings("UH2.SHZ")[0])
    sent(server, [records[0], other[0]])
    feed = opened(server)
    collected(feed, until(2))
    server.add(other[1])
    server.drop()
    sent(server, records[1:] + other[2:])  # all of UH1 comes while nobody is connected
    packets = collected(feed, until(len(records) + len(other) - 2))
    feed.close()
    assert {one.codes for one in packets} == {"BW.UH1..SHZ", "BW.UH2..SHZ"}
    assert distinct(packets) >= len(records) + len(other) - 2


def test_back_s_asks_for_what_was_there(server: Any) -> None:
    now = time.time_ns()
    for number, one in enumerate(records_of(recordings("UH1.SHZ")[0])):
        server.add(shifted(one, now - (3000 - 100 * number) * 1_000_000_000))
    feed = opened(server, back_s=1050.0)
    packets = collected(feed, until(11))
    feed.close()
    assert len(packets) == 11  # those that end within 1050 s


def test_only_what_was_asked_for_comes(server: Any) -> None:
    codes = ("UH1.SHZ", "UH3.SHE", "UH3.SHN", "UH3.SHZ", "UH4.EHZ", "UH2.SHZ")
    records = [one for code in codes for one in records_of(recordings(code)[0])[:3]]
    sent(server, records)
    feed = opened(server, streams=["BW.UH3..SH?", "*.UH4.*.*Z", "BW.UH1..SHN"])
    time.sleep(0.3)
    sent(server, records)
    packets = collected(feed, until(12))
    feed.close()
    assert {one.codes for one in packets} == {
        *(f"BW.UH3..SH{letter}" for letter in "ENZ"),
        "BW.UH4..EHZ",
    }


def test_a_new_station_of_a_pattern_is_followed_after_a_cut(server: Any) -> None:
    first, second = (records_of(recordings(f"{one}.SHZ")[0]) for one in ("UH1", "UH2"))
    server.add(first[0])
    feed = opened(server)
    collected(feed, until(1))
    sent(server, second)
    server.drop()
    packets = collected(feed, until(len(second)))
    feed.close()
    assert_same(packets, "UH2.SHZ")


def test_a_refused_station_is_told_and_others_go_on(server: Any) -> None:
    server.add(records_of(recordings("UH1.SHZ")[0])[0])
    server.faults.refuses = {"XX_NONE"}
    feed = opened(server, streams=["XX.NONE..HHZ", "BW.UH1..SHZ", "YY.*..HHZ"])
    collected(feed, until(1))
    told = {one.code: str(one) for one in feed.remarks()}
    feed.close()
    assert "refuses XX_NONE (STATION" in told[Code.SERVER_REFUSES]
    assert "no channel of YY_*" in told[Code.SERVER_NO_STREAM]


def test_a_damaged_record_is_told_and_left_out(server: Any) -> None:
    records = records_of(recordings("UH1.SHZ")[0])
    server.add(records[0])
    feed = opened(server)
    collected(feed, until(1))
    server.add_damaged("BW_UH1", b"\xff" * 512)
    server.add(records[1][:64] + b"\xff" * 448)
    sent(server, records[2:])
    packets = collected(feed, until(len(records) - 2))
    remarks = feed.remarks()
    feed.close()
    assert len(packets) == len(records) - 2
    told = [one for one in remarks if one.code is Code.FEED_RECORDS_DAMAGED]
    assert sum(one.count or 0 for one in told) == 2
    assert server.connections == 1


@pytest.mark.parametrize("seed", range(3))
def test_packets_with_wrong_bytes_never_end_a_feed(server: Any, seed: int) -> None:
    """Wherever bytes are wrong: the feed goes on, and whole packets come through."""
    records = interleaved(*ALL)
    sent(server, records[:3])
    server.faults.damage = Random(seed)
    feed = opened(server, silence_s=0.5)
    time.sleep(0.2)
    sent(server, records[3:])
    began, packets = time.monotonic(), []
    for packet in feed.packets():
        packets += [packet] if packet is not None else []
        took_s = time.monotonic() - began
        if (took_s > 1.5 and distinct(packets) > 10) or took_s > 30:
            break
    told = feed.remarks()
    feed.close()
    assert distinct(packets) > 10
    assert {one.code for one in told} & {Code.FEED_RECORDS_DAMAGED, Code.SERVER_LOST}


def test_a_server_that_falls_silent_is_connected_anew(server: Any) -> None:
    records = interleaved("UH1.SHZ")
    server.add(records[0])
    server.faults.mute_after = [4]
    feed = opened(server, silence_s=1.0)
    time.sleep(0.3)
    sent(server, records[1:])
    packets = collected(feed, until(len(records)))
    remarks = feed.remarks()
    feed.close()
    assert_same(packets, "UH1.SHZ")
    assert any("No data for over 1s" in str(one) for one in remarks)


def test_numbers_go_round_after_the_last(tmp_path: Any) -> None:
    records = interleaved("UH1.SHZ")
    with seedlink_server.running(3, first_number=0xFFFFFF - 5) as server:
        server.add(records[0])
        server.faults.cut_after = [5, 1, 1, 1]
        feed = opened(server)
        time.sleep(0.3)
        sent(server, records[1:])
        packets = collected(feed, until(len(records)))
        feed.close()
    assert_same(packets, "UH1.SHZ")


def test_several_servers_are_followed_at_once() -> None:
    with seedlink_server.running(3) as one, seedlink_server.running(4) as other:
        sent(one, interleaved("UH1.SHZ")[:1])
        sent(other, interleaved("UH1.SHZ", "UH2.SHZ")[:2])
        servers = [one.address, other.address, f"127.0.0.1:{closed_port()}"]
        feed = opened(one, servers=servers)
        time.sleep(0.3)
        sent(one, interleaved("UH1.SHZ")[1:])
        sent(other, interleaved("UH1.SHZ", "UH2.SHZ")[2:])
        packets = collected(feed, until(len(interleaved("UH1.SHZ", "UH2.SHZ"))))
        told = [str(reason) for reason in feed.remarks()]
        feed.close()
    assert_same(packets, "UH1.SHZ", "UH2.SHZ")
    assert any(line.startswith(f"{servers[2]}: lost: Could not connect") for line in told)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"greeting": b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"}, "not speak SeedLink"),
        ({"greeting": b"\x00\xff" * 9000}, "exceeds"),
        ({"closes": True}, "onnection"),
        ({"silent": True}, "Timed out"),
        ({"refuses": {"BW_UH1"}}, "No stations accepted"),
    ],
)
def test_what_can_never_work_is_one_line(server: Any, faults: Any, words: str) -> None:
    server.add(interleaved("UH1.SHZ")[0])
    for name, value in faults.items():
        setattr(server.faults, name, value)
    feed = opened(server, streams=["BW.UH1..SHZ"])
    began = time.monotonic()
    with pytest.raises(DataError, match=words) as caught:
        collected(feed, until(1))
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    assert server.address in str(caught.value)
    assert list(feed.packets()) == []
    feed.close()


def test_an_address_without_a_server_is_one_line() -> None:
    server = f"127.0.0.1:{closed_port()}"
    feed = SeedLink(servers=[server, "no-such-host.invalid"], streams=["A.B..HHZ"]).open()
    with pytest.raises(DataError, match=r"Could not connect.*Could not resolve"):
        collected(feed, until(1))


def test_one_that_worked_before_is_waited_for(server: Any) -> None:
    records = interleaved("UH1.SHZ")
    server.add(records[0])
    server.faults.closes = True
    feed = opened(server, {server.address: {"BW_UH1": 0}})
    time.sleep(0.3)
    server.faults.closes = False
    assert len(collected(feed, until(1))) == 1
    feed.close()


def test_info_that_is_refused_is_done_without(server: Any) -> None:
    records = interleaved("UH1.SHZ")
    server.add(records[0])
    server.faults.no_info = True
    feed = opened(server, streams=["BW.UH1..SHZ"])
    time.sleep(0.3)
    sent(server, records[1:])
    packets = collected(feed, until(len(records) - 1))
    server.drop()
    feed.close()
    assert len(packets) >= len(records) - 1


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Enough(Exception):
    pass


class ObspyReader(easyseedlink.EasySeedLinkClient):
    """An independent client; it ends when it has so many packets."""

    def __init__(self, address: str, wanted: int) -> None:
        super().__init__(address, autoconnect=False)
        self.wanted, self.got = wanted, []
        self.conn.timeout = 5
        self.connect()

    def on_data(self, trace: Any) -> None:
        self.got.append(trace)
        if len(self.got) == self.wanted:
            raise Enough

    def run_all(self) -> None:
        with suppress(Enough):
            self.run()


def test_the_server_of_these_tests_serves_obspy_too() -> None:
    """The tests test no private dialect."""
    with seedlink_server.running(3) as server:
        records = interleaved(*ALL)
        sent(server, records[:3])
        reader = ObspyReader(server.address, len(records) - 3)
        assert "multistation" in reader.capabilities
        for station in ("UH1", "UH2", "UH3"):
            reader.select_stream("BW", station, "SHZ")
        thread = Thread(target=reader.run_all, daemon=True)
        thread.start()
        time.sleep(0.3)
        sent(server, records[3:])
        thread.join(5)
    assert len(reader.got) == len(records) - 3
    wanted = {one.id: one for one in recordings(*ALL)}
    for trace in reader.got:
        whole = wanted[trace.id].slice(trace.stats.starttime, trace.stats.endtime)
        assert (trace.data == whole.data).all()
