"""Recordings as packets: everything follows from the settings, and goes on anywhere."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import Stream, UTCDateTime
from packets import stream_of
from pydantic import ValidationError
from recordings import UNTERHACHING, trace, write

from quakeline.core.clock import EVEN
from quakeline.core.timeline import SECOND
from quakeline.live.feeds.protocol import Packet
from quakeline.live.feeds.replay import Replay

START = UTCDateTime("2020-05-01T00:10:00")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes of two stations over the limit of two blocks, with a gap, and a text."""
    made = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for code in ("XX.AAA..HHZ", "XX.AAA..HHN", "XX.BBB.10.EHZ"):
        samples = rng.normal(0, 100, 120_000).astype("i4")
        cut = Stream([trace(code, START.ns, samples)]).cutout(START + 100, START + 130)
        write(cut, made / f"{code}.mseed")
    (made / "notes.txt").write_text("of the user")
    return made


def all_of(**settings) -> list[Packet]:
    feed = Replay(**settings).open()
    found = [one for one in feed.packets() if one is not None]
    feed.close()
    return found


def samples_of(packets: list[Packet]) -> dict[str, np.ndarray]:
    stream = stream_of(packets).merge(method=1)
    return {one.id: np.ma.filled(np.ma.asanyarray(one.data), 10**6) for one in stream}


@pytest.mark.parametrize("random_sizes", [False, True])
@pytest.mark.parametrize("packet_s", [0.7, 5.0, 3600.0])
def test_packets_hold_every_sample_once(folder, packet_s, random_sizes):
    packets = all_of(paths=[str(folder)], packet_s=packet_s, random_sizes=random_sizes)
    original = Stream([one for p in folder.glob("*.mseed") for one in obspy.read(str(p))])
    expected = samples_of([_whole(one) for one in original])
    found = samples_of(packets)
    assert found.keys() == expected.keys()
    for codes in expected:
        assert np.array_equal(found[codes], expected[codes])
    assert sum(len(one.samples) for one in packets) == sum(len(one.data) for one in original)
    arrivals = [one.arrived_ns for one in packets]
    assert arrivals == sorted(arrivals)
    assert all(one.arrived_ns == one.end_ns for one in packets)
    longest = max(len(one.samples) / one.rate_hz for one in packets)
    assert longest <= packet_s * (2 if random_sizes else 1) + 0.01


def _whole(one: obspy.Trace) -> Packet:
    return Packet(one.id, one.stats.starttime.ns, one.stats.sampling_rate, one.data, 0)


def test_other_formats_and_compressed_files_are_read():
    packets = all_of(paths=[str(path) for path in UNTERHACHING])
    assert len({one.codes for one in packets}) == 6


def test_what_happens_follows_from_the_settings(folder):
    settings = {
        "paths": [str(folder)],
        "shuffle_s": 30.0,
        "loss": 0.2,
        "duplicate": 0.3,
        "outage": 0.5,
        "random_sizes": True,
    }
    one, same, other = all_of(**settings), all_of(**settings), all_of(**settings, seed=1)
    keys = [(p.codes, p.start_ns, p.arrived_ns, len(p.samples)) for p in one]
    assert keys == [(p.codes, p.start_ns, p.arrived_ns, len(p.samples)) for p in same]
    assert keys != [(p.codes, p.start_ns, p.arrived_ns, len(p.samples)) for p in other]
    late = [(p.arrived_ns - p.end_ns) / SECOND for p in one]
    assert 0 <= min(late) < 3
    assert 27 < max(late) <= 30
    assert late != sorted(late)


def test_shares_are_those_that_were_asked_for(folder):
    usual = all_of(paths=[str(folder)], packet_s=1.0)
    lost = all_of(paths=[str(folder)], packet_s=1.0, loss=0.3)
    assert 0.25 < 1 - len(lost) / len(usual) < 0.35
    twice = all_of(paths=[str(folder)], packet_s=1.0, duplicate=0.4)
    assert 0.35 < len(twice) / len(usual) - 1 < 0.45
    out = all_of(paths=[str(folder)], packet_s=1.0, outage=1.0, outage_s=60.0)
    gone = {(p.codes[:6], p.start_ns) for p in usual} - {(p.codes[:6], p.start_ns) for p in out}
    # a cut of at most a minute for each station in each of two blocks
    assert 10 < len(gone) <= 4 * 62
    only = all_of(paths=[str(folder)], stations=["*.BBB.*"])
    assert {p.codes for p in only} == {"XX.BBB.10.EHZ"}


@pytest.mark.parametrize("n", [0, 1, 57, 300, 10_000])
def test_it_goes_on_after_any_packet(folder, n):
    settings = Replay(paths=[str(folder)], shuffle_s=20, loss=0.1, duplicate=0.3, random_sizes=True)
    feed = settings.open()
    first = list(islice(feed.packets(), n))
    rest = list(settings.open(feed.state()).packets())
    whole = list(settings.open().packets())
    assert [_key(p) for p in [*first, *rest]] == [_key(p) for p in whole]


def _key(packet: Packet) -> tuple:
    return packet.codes, packet.start_ns, packet.arrived_ns, packet.samples.tobytes()


def test_records_of_a_clock_that_drifts_stay_whole(tmp_path):
    """Their starts are all that is known of the clock."""
    rng = np.random.default_rng(0)
    traces = []
    for n in range(60):
        begin = START.ns + round(n * 2.001 * SECOND)
        traces.append(trace("XX.AAA..HHZ", begin, rng.integers(-99, 99, 200).astype("i4")))
    for n, one in enumerate(traces):
        write([one], tmp_path / f"{n:02d}.mseed")
    with (tmp_path / "all.mseed").open("wb") as file:
        for n in range(60):
            file.write((tmp_path / f"{n:02d}.mseed").read_bytes())
            (tmp_path / f"{n:02d}.mseed").unlink()
    packets = all_of(paths=[str(tmp_path)], packet_s=7.0)
    starts = [one.start_ns for one in packets]
    assert len(packets) == 60
    for found, one in zip(starts, traces, strict=True):
        assert abs(found - one.stats.starttime.ns) < EVEN * SECOND / 100


def test_files_that_cannot_be_used_are_told_once(folder):
    feed = Replay(paths=[str(folder)]).open()
    assert [str(one) for one in feed.remarks() if "notes.txt" in str(one)]
    assert not feed.remarks()


def test_it_waits_as_long_as_real_time_says(folder, monkeypatch):
    now = [100.0]
    from quakeline.live.feeds import replaying

    monkeypatch.setattr(replaying.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(replaying.time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    feed = Replay(paths=[str(folder)], speed=10, packet_s=20).open()
    pauses = 0
    for packet in feed.packets():
        if packet is None:
            pauses += 1
            continue
        due = 100 + (packet.arrived_ns - START.ns - 20 * SECOND) / SECOND / 10
        assert abs(now[0] - due) < 1e-6
    assert pauses > 100
    assert now[0] == pytest.approx(100 + 118)


@pytest.mark.parametrize(
    "wrong",
    [{"speed": 0}, {"speed": "fast"}, {"loss": 1.0}, {"packet_s": 0}, {"paths": []}, {"rush": 1}],
)
def test_settings_that_are_not_allowed(folder, wrong):
    with pytest.raises(ValidationError):
        Replay(**{"paths": [str(folder)], **wrong})
