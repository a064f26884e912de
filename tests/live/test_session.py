"""Live and archive are one computation: the same picks, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from obspy import Stream, UTCDateTime
from packets import cut, live_picks, loaded, session_of, stream_of
from recordings import UNTERHACHING, picker_weights, trace

import quakeline
from quakeline.core.errors import ConfigError
from quakeline.core.reasons import Code
from quakeline.core.timeline import SECOND
from quakeline.inference.annotator import Annotator
from quakeline.live.feeds.protocol import Packet
from quakeline.picking.settings import Settings

__all__ = ["picker_weights"]

START = "2020-05-01T00:00:00"
PATIENCE_S = 10.0
#: Each example is a whole session: failing ones are not made smaller, which would take minutes.
SLOWLY = settings(
    deadline=None, max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.fixture(scope="module")
def annotator(picker_weights: Path) -> Annotator:
    return loaded(picker_weights)


@pytest.fixture(scope="module")
def demo() -> list[obspy.Trace]:
    """Four real stations: one component at 50 and at 100 Hz, and three components."""
    return [one for path in UNTERHACHING for one in obspy.read(str(path))]


@pytest.fixture(scope="module")
def archived(demo: list[obspy.Trace], picker_weights: Path) -> pd.DataFrame:
    return quakeline.pick(Stream(demo), weights=picker_weights, threads=1, batch=8)


def event(seed: int = 0, seconds: int = 240, late_ns: int = 0, codes: str = "XX.AAA..HH") -> Stream:
    """A station with a real event every 47 s."""
    stream = Stream()
    for component in "ZNE":
        rng = np.random.default_rng([seed, ord(component)])
        counts = rng.normal(0, 6, seconds * 100)
        shape = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
        for at in np.arange(10.0, seconds - 40, 47.3):
            counts[round(at * 100) :][: len(shape)] += shape * 0.3
        start = UTCDateTime(START).ns + late_ns
        stream += trace(f"{codes}{component}", start, counts.round().astype("i4"))
    return stream


@given(
    seed=st.integers(0, 2**32),
    mean_s=st.sampled_from([0.3, 2.0, 5.0, 40.0]),
    late_s=st.sampled_from([0.0, 3.0, PATIENCE_S]),
    twice=st.sampled_from([0.0, 0.3]),
    due=st.sampled_from([1, 3, 8, 1000]),
)
@SLOWLY
def test_cuts_and_order_change_no_bit(annotator, demo, archived, seed, mean_s, late_s, twice, due):
    session = session_of(annotator, late_s + 2 * mean_s)
    packets = cut(demo, seed, mean_s, late_s, twice=twice)
    same(live_picks(session, packets, due), archived)
    assert len(archived) > 15
    assert session.counts.late == 0
    assert session.counts.samples == sum(len(one.data) for one in demo)


@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.02, 0.2, 0.6]),
    late_s=st.sampled_from([0.0, PATIENCE_S]),
    late_ns=st.sampled_from([0, 4_321_000]),
)
@SLOWLY
def test_lost_packets_are_gaps_as_in_archives(
    annotator, picker_weights, seed, loss, late_s, late_ns
):
    packets = cut(event(seed % 7, late_ns=late_ns), seed, 2.0, late_s, loss, 0.1)
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    session = session_of(annotator, late_s + 90.0)
    same(live_picks(session, packets, 2), expected)
    assert session.counts.late == 0


def test_pairs_of_instruments_gaps_and_long_holes(annotator, picker_weights):
    stream = event() + event(1, codes="XX.AAA..HN") + event(2, codes="XX.BBB.10.EH")
    hole = UTCDateTime(START) + 60
    stream = stream.cutout(hole, hole + 9.3)
    later = event(3, 120, codes="XX.BBB.10.EH")
    for one in later:
        one.stats.starttime += 3 * 3600
    packets = cut(stream + later, 5, 5.0, 2.0)
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    session = session_of(annotator, PATIENCE_S)
    same(live_picks(session, packets), expected)
    assert {"HH", "HN", "EH"} == set(expected["instrument"])


def test_the_m43_of_port_townsend_with_losses(annotator, picker_weights, shared):
    whole = obspy.read(str(shared / "data/pnsn/uw61965081_PortTownsend_M4.3.mseed"))
    stations = sorted({one.stats.station for one in whole if one.stats.channel[1] in "HN"})[:4]
    stream = Stream([one for one in whole if one.stats.station in stations])
    packets = cut(stream, 3, 5.0, 4.0, loss=0.05)
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    found = live_picks(session_of(annotator, PATIENCE_S), packets, 4)
    same(found, expected)
    assert len(found) > 5


def test_picks_leave_when_nothing_can_change_them(annotator, archived, demo):
    """All picks wait for less than two windows and the hop, the patience not among them."""
    session, waited = session_of(annotator, 100.0), []
    packets = cut(event(seconds=420), 1, 1.0)
    for packet in packets:
        session.add(packet)
        for picks in session.work() if session.due else ():
            times = picks.frame["time"].astype("datetime64[ns, UTC]").astype("int64")
            waited += ((picks.data_ns - times) / SECOND).tolist()
            assert (picks.computing_s >= 0).all()
    assert len(waited) > 5
    # the initial wait of 100 s holds back the first ones
    assert 31 <= np.median(waited[5:]) < 36
    assert max(waited[5:]) < 50


def test_what_came_at_once_waits_for_nothing_once_nothing_comes(annotator, archived, demo):
    """A folder that holds files already: all of them arrive at the same time, and nothing after."""
    session = session_of(annotator, PATIENCE_S)
    packets = cut(obspy.Stream(demo), 1, 5.0)
    last_ns = max(packet.arrived_ns for packet in packets)
    for packet in packets:
        session.add(replace(packet, arrived_ns=last_ns))
    session.idle(PATIENCE_S / 2)
    assert not session.due
    session.idle(PATIENCE_S)
    found = [picks.frame for _ in range(50) for picks in session.work()]
    ids = [name for frame in found for name in frame["pick_id"]]
    assert len(ids) == len(set(ids)) > 5
    assert set(ids) <= set(archived["pick_id"])


def test_memory_does_not_grow(annotator):
    session, held = session_of(annotator), []
    for packet in cut(event(seconds=1200), 1, 5.0):
        session.add(packet)
        for _ in session.work() if session.due else ():
            pass
        one = session._by_label["XX.AAA..HH"]
        if one.motion is not None:
            raw = sum(len(p.samples) for c in one.preparing.channels.values() for p in c.pieces)
            held.append(one.motion.data.size + raw + one._picking._curves.size)
    assert max(held[len(held) // 2 :]) <= max(held[: len(held) // 2]) * 1.1
    assert max(held) < 200_000


def test_late_samples_are_left_out_and_counted(annotator, picker_weights):
    stream = event()
    packets = cut(stream, 1, 5.0)
    where = next(
        n for n, one in enumerate(packets) if one.arrived_ns > packets[0].arrived_ns + 90e9
    )
    lost = packets.pop(where)
    session = session_of(annotator, PATIENCE_S)
    late = replace(lost, arrived_ns=lost.arrived_ns + 60 * SECOND)
    order = sorted([*packets, late], key=lambda one: one.arrived_ns)
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    same(live_picks(session, order), expected)
    assert session.counts.late == len(lost.samples)


def silent_station(session) -> tuple[list[Packet], pd.DataFrame]:
    """Let one of two stations fall silent; its packets that are still to come, and the picks."""
    first = cut(event(seconds=420), 1, 5.0)
    other = cut(event(4, 600, codes="XX.BBB..HH").select(component="Z"), 2, 5.0)
    last_ns = first[0].arrived_ns + 200 * SECOND
    there = [one for one in first if one.arrived_ns < last_ns]
    packets = sorted([*there, *other], key=lambda one: one.arrived_ns)
    frames = []
    for packet in packets:
        session.add(packet)
        frames += [picks.frame for picks in session.work()]
    assert Code.FELL_SILENT in [one.code for _, one in session.remarks.all()]
    return first[len(there) :], pd.concat(frames)


def test_a_station_that_is_back_after_a_stop_loses_no_pick(annotator, picker_weights):
    """It fell silent, the session was stopped, and the station comes back with its backlog."""
    session = session_of(annotator, PATIENCE_S, silence_s=60.0)
    backlog, before = silent_station(session)
    first_ns = min(one.start_ns for one in backlog)
    again = session_of(annotator, PATIENCE_S, silent_until=session.progress.all_done())
    after = live_picks(again, backlog)
    expected = quakeline.pick(stream_of(backlog), weights=picker_weights, threads=1, batch=8)
    assert set(expected["pick_id"]) == set(after["pick_id"])
    assert len(after) > 5
    own = before[before["station"] == "AAA"]["time"].astype("datetime64[ns, UTC]").astype("int64")
    assert (own < first_ns).all()


def test_a_clock_that_went_ahead_silences_no_later_session(annotator):
    packets = cut(event(seconds=300), 1, 2.0)
    first, last = len(packets) // 4, len(packets) // 3
    session = session_of(annotator, 5.0)
    live_picks(session, shifted(packets, first, last, 3600.0))
    end_ns = max(one.end_ns for one in packets)
    assert session.time_of(session.progress.all_done()["XX.AAA..HH"]) <= end_ns


def test_a_cut_of_the_whole_feed_is_no_silence_of_a_station(annotator, picker_weights):
    """After 400 s without any packet all of one station comes, then all of the other."""
    stream = event(seconds=600) + event(4, 600, codes="XX.BBB..HH")
    packets = cut(stream, 1, 5.0)
    begin_ns = packets[0].arrived_ns
    cut_ns, back_ns = begin_ns + 100 * SECOND, begin_ns + 500 * SECOND
    backlog = [
        replace(one, arrived_ns=back_ns)
        for one in sorted(packets, key=lambda one: (one.codes[:6], one.arrived_ns))
        if cut_ns < one.arrived_ns < back_ns
    ]
    before = [one for one in packets if one.arrived_ns <= cut_ns]
    after = [one for one in packets if one.arrived_ns >= back_ns]
    session = session_of(annotator, PATIENCE_S, silence_s=300.0)
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    same(live_picks(session, [*before, *backlog, *after]), expected)
    assert session.counts.late == 0
    assert session.remarks.all() == []


ODD = {
    "1970": ({"start_ns": 5 * SECOND}, Code.PACKET_TIME),
    "2100": ({"start_ns": UTCDateTime(2100, 1, 1).ns}, Code.PACKET_TIME),
    "before all times": ({"start_ns": -(2**62)}, Code.PACKET_TIME),
    "empty": ({"samples": np.zeros(0, "i4")}, Code.PACKET_EMPTY),
    "text": ({"samples": np.array(["a", "b"])}, Code.PACKET_NO_NUMBERS),
    "complex": ({"samples": np.zeros(5, complex)}, Code.PACKET_NO_NUMBERS),
    "square": ({"samples": np.zeros((5, 5))}, Code.PACKET_NO_NUMBERS),
    "no rate": ({"rate_hz": 0.0}, Code.PACKET_RATE),
    "negative rate": ({"rate_hz": -100.0}, Code.PACKET_RATE),
    "rate is no number": ({"rate_hz": float("nan")}, Code.PACKET_RATE),
    "slow": ({"rate_hz": 1.0}, Code.RATE_TOO_LOW),
    "three codes": ({"codes": "XX.AAA.HHZ"}, Code.PACKET_CODES),
    "blank inside": ({"codes": "XX.A A..HHZ"}, Code.PACKET_CODES),
    "control": ({"codes": "XX.A\0A..HHZ"}, Code.PACKET_CODES),
    "no station": ({"codes": "XX...HHZ"}, Code.NO_CODE),
    "log": ({"codes": "XX.AAA..LOG"}, Code.LETTER_UNKNOWN),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_packets_are_said_once_and_counted(annotator, name):
    change, code = ODD[name]
    start = UTCDateTime(START).ns
    usual = Packet("XX.AAA..HHZ", start, 100.0, np.arange(500, dtype="i4"), start + 5 * SECOND)
    session, said = session_of(annotator), []
    session.remarks.say = said.append
    for _ in range(3):
        session.add(replace(usual, **change))
    assert len(said) == 1
    assert [one.code for _, one in session.remarks.all()] == [code]
    assert session.counts.unused == 3
    assert list(session.finish()) == []


def test_codes_of_other_spelling_are_one_channel(annotator):
    start = UTCDateTime(START).ns
    one = Packet("xx.aaa .--.hhz", start, 100.0, np.arange(500, dtype="i4"), start + 5 * SECOND)
    session = session_of(annotator)
    session.add(one)
    session.add(replace(one, codes="XX.AAA..HHZ"))
    assert session.progress.ends().keys() == {"XX.AAA..HH"}
    assert session.counts.repeated == 500


def shifted(packets: list[Packet], first: int, last: int, by_s: float) -> list[Packet]:
    """Some of the packets with times that are wrong by some seconds."""
    return [
        replace(one, start_ns=one.start_ns + round(by_s * SECOND)) if first <= n < last else one
        for n, one in enumerate(packets)
    ]


@pytest.mark.parametrize("by_s", [3600.0, 1e8])
def test_a_packet_of_a_wrong_time_ends_nothing(annotator, picker_weights, by_s):
    packets = cut(event(seconds=300).select(component="Z"), 1, 5.0)
    middle = len(packets) // 3
    wrong = shifted(packets, middle, middle + 1, by_s)
    missing = packets[:middle] + packets[middle + 1 :]
    expected = quakeline.pick(stream_of(missing), weights=picker_weights, threads=1, batch=8)
    found = live_picks(session_of(annotator, 5.0), wrong)
    pd.testing.assert_series_equal(found["pick_id"], expected["pick_id"])


def test_a_clock_that_goes_back_for_good_begins_anew(annotator, picker_weights):
    """A clock that was an hour ahead for a minute: what follows is picked all the same."""
    packets = cut(event(seconds=400), 1, 2.0)
    first, last = len(packets) // 4, len(packets) // 3
    session = session_of(annotator, 5.0)
    found = live_picks(session, shifted(packets, first, last, 3600.0))
    codes = [one.code for _, one in session.remarks.all()]
    assert Code.TIME_WENT_BACK in codes
    assert Code.CAME_LATE in codes
    expected = quakeline.pick(stream_of(packets), weights=picker_weights, threads=1, batch=8)
    back = pd.Timestamp(packets[last].start_ns, tz="UTC") + pd.Timedelta("60s")
    late = expected[(expected["time"] > back)]["pick_id"]
    assert len(late) > 5
    assert set(late) <= set(found["pick_id"])


def test_what_needs_more_than_seconds_is_refused(annotator):
    with pytest.raises(ConfigError, match=r"pick.rule: .archive-scan. given"):
        replace(session_of(annotator), rules=Settings(rule="archive-scan", thresholds={"P": 0.3}))
