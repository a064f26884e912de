"""Live sessions: CPU time per station-hour, memory, how late picks are, and SeisBench beside it.

Stations with an event every 47 s at times of their own, three components at 100 Hz, noise between,
in packets of 1 s, through PhaseNet. `fast` cases hand packets over as quickly as they are taken, on
one core: CPU seconds for an hour of a station, how many stations a core sustains by that, and
memory after a quarter of the time and at the end. `real time` cases wait for the clock, on two
cores: how long after the last packet that it needs a pick is there, and with `hurry` how long after
its onset it is said first. `cut` hands over an hour of all stations at once, as after a cut of the
feed, while the next packets go on at real time: seconds until all of it is picked. `soak` runs a
session with events and all its files at 20 times real time: memory and open files after a tenth of
the time and at the end, picks that are missing between the first and the last of a station and
phase, and events likewise.

`SeisBench` is what is done with it today: a buffer of the last seconds of a station goes through
`classify` every few seconds, on one core. Of the picks that `classify` makes of the whole record
those are lost of which no buffer has one within 0.2 s; those of buffers are doubled that stand
there again within 0.5 s. Our own picks are compared with those of `quakeline.pick` of the record.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.live"
_RATE = 100
_START_NS = 1_700_000_000 * 10**9
_PERIOD_S = 47
#: Distance of stations from the events of the soak, in km: S is there 1 s after P.
_RADIUS_KM = 7.0


def _shapes() -> np.ndarray:
    """A real event and the noise after it, again and again: (components, samples), counts."""
    import obspy

    rng = np.random.default_rng(0)
    made = rng.normal(0, 6, (3, _PERIOD_S * _RATE))
    for row, component in enumerate("ZNE"):
        event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
        made[row, 500 : 500 + len(event)] += event * 0.3
    return made.round().astype(np.int32)


def _packets(stations: int, seconds: int, apart: int = 997) -> Iterator[list[Any]]:
    """The packets of each second; stations are `apart` by so many samples."""
    from quakeline.live.feeds.protocol import Packet

    shapes = _shapes()
    n = shapes.shape[1]
    for second in range(seconds):
        start = _START_NS + second * 10**9
        packets = []
        for station in range(stations):
            at = (second * _RATE + station * apart) % n
            samples = np.take(shapes, np.arange(at, at + _RATE), axis=1, mode="wrap")
            for row, component in enumerate("ZNE"):
                codes = f"XX.S{station:04d}..HH{component}"
                packets.append(Packet(codes, start, _RATE, samples[row], start + 10**9))
        yield packets


def _session(threads: int, weights: str, hurry: bool = False) -> Any:
    from quakeline.inference.annotator import Annotator
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of
    from quakeline.workflow.stages import prepare

    annotator = Annotator.load(Path(weights), "cpu", threads)
    usual = prepare.Config()
    preparation = Preparation(usual.bridge_gap_s, usual.mend_spikes, usual.response)
    return Session(annotator, settings_of(annotator.card), preparation, 10.0, hurry=hurry)


def fast(stations: int, seconds: int, threads: int, weights: str) -> dict[str, Any]:
    """As quickly as packets are taken; a second is worked off at once, as at real time."""
    session = _session(threads, weights)
    marks: list[float] = []
    picks = 0

    def work() -> None:
        nonlocal picks
        for second, packets in enumerate(_packets(stations, seconds)):
            if second in (seconds // 4, seconds - 1):
                marks.append(measure.peak_mb())
            for packet in packets:
                session.add(packet)
            if session.due:
                picks += sum(len(some.frame) for some in session.work())

    done = measure.timed(work)
    hours = stations * seconds / 3600
    return {
        "cpu_per_station_hour_s": done["cpu_s"] / hours,
        "stations_per_core": 3600 * hours / done["cpu_s"],
        "early_mb": marks[0],
        "peak_mb": marks[-1],
        "picks": picks,
    }


def real(
    stations: int, seconds: int, threads: int, weights: str, hurry: bool = False
) -> dict[str, Any]:
    """At real time: seconds from the last packet that a pick needs to the pick."""
    from quakeline.live.hurry import Announcements

    session = _session(threads, weights, hurry)
    announced = Announcements()
    late: list[float] = []
    data: list[float] = []
    first: list[float] = []
    begun, cpu = time.monotonic(), time.process_time()
    for second, packets in enumerate(_packets(stations, seconds)):
        time.sleep(max(begun + second - time.monotonic(), 0))
        for packet in packets:
            session.add(packet)
        while session.due:
            for some in session.work():
                times = _times(some.frame)
                if some.preliminary:
                    rows = some.frame.assign(time_ns=times).to_dict("records")
                    said = announced.preliminary(some.label, rows, some.until_ns)
                    new = [row for row in said if row["version"] == 1]
                    now_ns = _START_NS + (time.monotonic() - begun + 1) * 1e9
                    first += [(now_ns - row["time_ns"]) / 1e9 for row in new]
                else:
                    announced.final(some.frame.assign(time_ns=times).to_dict("records"))
                    late += some.computing_s.tolist()
                    data += ((some.data_ns - times) / 1e9).tolist()
    wall = time.monotonic() - begun
    figures = {
        "picks": len(late),
        "computing_median_s": float(np.median(late)),
        "computing_p99_s": float(np.percentile(late, 99)),
        "data_median_s": float(np.median(data)),
        "data_p99_s": float(np.percentile(data, 99)),
        "cpu_per_station_hour_s": (time.process_time() - cpu) * 3600 / (stations * seconds),
        "peak_mb": measure.peak_mb(),
        "behind_s": max(wall - seconds, 0.0),
    }
    if hurry:
        figures["first_median_s"] = float(np.median(first))
        figures["first_p95_s"] = float(np.percentile(first, 95))
    return figures


def _times(frame: Any) -> np.ndarray:
    return np.asarray(frame["time"].astype("datetime64[ns, UTC]").astype("int64"))


def cut(stations: int, seconds: int, threads: int, weights: str) -> dict[str, Any]:
    """An hour comes at once, then real time goes on: seconds until nothing is due any more."""
    session = _session(threads, weights)
    picks, begun, missed_s = 0, time.monotonic(), 3600
    source = _packets(stations, missed_s + seconds)
    caught_s = float("nan")
    for second, packets in enumerate(source):
        if second >= missed_s and time.monotonic() - begun < second - missed_s + 1:
            caught_s = time.monotonic() - begun
            break
        for packet in packets:
            session.add(packet)
        while session.due >= session.batch or (session.due and second >= missed_s):
            picks += sum(len(some.frame) for some in session.work())
    return {"caught_up_s": caught_s, "picks": picks, "peak_mb": measure.peak_mb()}


@dataclass(frozen=True)
class _Steady:
    """Packets of all stations at `speed` times real time, as a feed; `note` is told each second.

    It is its own settings, as of a feed without an end.
    """

    stations: int
    seconds: int
    speed: float
    note: Callable[[int], None]
    IS_FINITE: ClassVar[bool] = False

    def open(self, state: Any) -> _Steady:
        return self

    def packets(self) -> Iterator[Any]:
        begun = time.monotonic()
        for second, packets in enumerate(_packets(self.stations, self.seconds, 0)):
            time.sleep(max(begun + second / self.speed - time.monotonic(), 0))
            now_ns = time.time_ns()
            yield from (replace(packet, arrived_ns=now_ns) for packet in packets)
            self.note(second)

    def state(self) -> dict[str, Any]:
        return {}

    def remarks(self) -> list[Any]:
        return []

    def close(self) -> None:
        pass


def _circle(count: int) -> Any:
    """STATIONS as far from one place as S comes behind P in the records."""
    import pandas as pd

    from quakeline.io.formats.inventory import read_any

    angles = np.arange(count) * 2 * np.pi / count
    km_per_deg = 111.2
    table = pd.DataFrame(
        {
            "network": "XX",
            "station": [f"S{n:04d}" for n in range(count)],
            "latitude": 46 + _RADIUS_KM * np.sin(angles) / km_per_deg,
            "longitude": 10 + _RADIUS_KM * np.cos(angles) / km_per_deg / np.cos(np.radians(46)),
            "elevation_m": 0.0,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stations.csv"
        table.to_csv(path, index=False)
        return read_any(path)


def soak(
    stations: int, seconds: int, threads: int, weights: str, speed: float = 20
) -> dict[str, Any]:
    """A session that runs for long, with events and all files, faster than real time."""
    from quakeline.core.schemas import EVENTS, PICKS
    from quakeline.earth.velocity import load
    from quakeline.events.measurement.settings import Settings as Measure
    from quakeline.io.products import provenance, tables
    from quakeline.live.events import files
    from quakeline.live.events.setup import Setup
    from quakeline.live.output import TABLE, Output
    from quakeline.live.running import Running

    session = _session(threads, weights)
    session.measure = Measure()
    marks: list[tuple[float, int]] = []

    def note(second: int) -> None:
        if second % (seconds // 20) == seconds // 20 - 1:
            marks.append((_resident_mb(), sum(1 for _ in Path("/proc/self/fd").iterdir())))
            told = f"{second / 3600:.2f} h: {marks[-1][0]:.1f} MB, {marks[-1][1]} files"
            print(f"{told}, {running.pace.behind_s:.1f} s behind", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "out"
        model = Path(folder) / "velocity.csv"
        model.write_text("depth_km,vp,vs\n0,6.0,3.46\n")
        record = provenance.Record("live", 1, {})
        output = Output(place, "live", record, names=files.NAMES, by_day=True)
        working = Setup(_circle(stations), load(model)).working(
            output.place, session.remarks, lambda update: None
        )
        feed: Any = _Steady(stations, seconds, speed, note)
        running = Running(feed, session, output, events=working)
        begun = time.monotonic()
        running.run()
        took_s = time.monotonic() - begun
        picks = tables.read_many(sorted(place.glob(f"*/{TABLE}")), PICKS)
        events = tables.read_many(sorted(place.glob(f"*/{files.EVENTS_TABLE}")), EVENTS)
    missing = 0
    for _, own in picks[picks["probability"] > 0.6].groupby(["station", "phase"]):
        missing += _missing(own)
    return {
        "hours": seconds / 3600,
        "early_mb": marks[1][0],
        "end_mb": marks[-1][0],
        "early_files": marks[1][1],
        "end_files": marks[-1][1],
        "picks": len(picks),
        "doubled": len(picks) - picks["pick_id"].nunique(),
        "missing": missing,
        "events": len(events),
        "missing_events": _missing(events),
        "behind_s": max(took_s - seconds / speed, 0.0),
    }


def _missing(frame: Any) -> int:
    """Periods without a row between the first and the last one."""
    steps = np.diff(np.sort(_times(frame))) / 1e9 / _PERIOD_S
    return int((np.round(steps) - 1).clip(min=0).sum())


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _record(seconds: int) -> Any:
    """One station as a stream."""
    import obspy

    shapes = _shapes()
    samples = np.take(shapes, np.arange(seconds * _RATE), axis=1, mode="wrap")
    stream = obspy.Stream()
    for row, component in enumerate("ZNE"):
        header = {"network": "XX", "station": "S0000", "channel": f"HH{component}"}
        start = obspy.UTCDateTime(ns=_START_NS)
        more = {"starttime": start, "sampling_rate": _RATE}
        stream += obspy.Trace(samples[row].copy(), {**header, **more})
    return stream


def sliding(seconds: int, buffer_s: int, step_s: int, threads: int) -> dict[str, Any]:
    """SeisBench's `classify` of a buffer every few seconds, and of the whole record."""
    import seisbench.models
    import torch

    from benchmarks import peer_networks

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/original"
        peer_networks.save("PhaseNet", place)
        model = seisbench.models.PhaseNet.load(place)
    stream = _record(seconds)
    start = stream[0].stats.starttime
    levels = {"P_threshold": 0.3, "S_threshold": 0.3}
    whole = model.classify(stream, **levels).picks
    found: list[Any] = []

    def work() -> None:
        for end in range(buffer_s, seconds + 1, step_s):
            part = stream.slice(start + end - buffer_s, start + end)
            found.extend(model.classify(part, **levels).picks)

    done = measure.timed(work)
    times = {
        phase: sorted(p.peak_time.timestamp for p in found if p.phase == phase) for phase in "PS"
    }
    lost = sum(
        not any(abs(at - p.peak_time.timestamp) <= 0.2 for at in times[p.phase]) for p in whole
    )
    doubled = sum(int((np.diff(times[phase]) <= 0.5).sum()) for phase in "PS")
    hours = seconds / 3600
    return {
        "cpu_per_station_hour_s": done["cpu_s"] / hours,
        "picks": len(whole),
        "lost": lost,
        "doubled": doubled,
    }


def ours(seconds: int, threads: int, weights: str) -> dict[str, Any]:
    """The same record as packets: CPU time, and picks lost or doubled against the archive."""
    import quakeline
    from quakeline.live.feeds.protocol import Packet

    stream = _record(seconds)
    whole = quakeline.pick(stream, weights=weights, threads=threads)
    session = _session(threads, weights)
    frames: list[Any] = []

    def work() -> None:
        for second in range(seconds):
            start = _START_NS + second * 10**9
            for trace in stream:
                samples = trace.data[second * _RATE : (second + 1) * _RATE]
                session.add(Packet(trace.id, start, _RATE, samples, start + 10**9))
            if session.due:
                frames.extend(some.frame for some in session.work())
        frames.extend(some.frame for some in session.finish())

    done = measure.timed(work)
    names = [name for frame in frames for name in frame["pick_id"]]
    return {
        "cpu_per_station_hour_s": done["cpu_s"] * 3600 / seconds,
        "picks": len(whole),
        "lost": len(set(whole["pick_id"]) - set(names)),
        "doubled": len(names) - len(set(names)),
    }


def prepare(threads: int) -> dict[str, Any]:
    """The weights file, so that no case has to make it."""
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import weights_file

    path = weights_file("phasenet")
    graph_of(path)
    return {"path": str(path)}


UNITS = {
    "cpu_per_station_hour_s": "CPU s per station-hour",
    "stations_per_core": "stations per core",
    "early_mb": "MB after a quarter",
    "peak_mb": "MB at the end",
    "picks": "picks",
    "computing_median_s": "computing s, median",
    "computing_p99_s": "computing s, 99 %",
    "data_median_s": "data s, median",
    "data_p99_s": "data s, 99 %",
    "behind_s": "s behind at the end",
    "first_median_s": "s from onset to first word, median",
    "first_p95_s": "s from onset to first word, 95 %",
    "caught_up_s": "s until all is picked",
    "hours": "hours of data",
    "end_mb": "MB at the end",
    "early_files": "open files after a tenth",
    "end_files": "open files at the end",
    "missing": "picks missing",
    "events": "events",
    "missing_events": "events missing",
    "lost": "picks lost",
    "doubled": "picks doubled",
}

#: Name, side, threads and arguments of each case.
_CASES: list[tuple[str, str, int, dict[str, Any]]] = [
    *((f"fast, {n} stations, 900 s", "fast", 1, {"stations": n, "seconds": 900}) for n in (10, 50)),
    *(
        (f"real time, {n} stations, {s} s", "real", 2, {"stations": n, "seconds": s})
        for n, s in ((10, 120), (100, 120), (500, 90))
    ),
    (
        "real time, hurry, 100 stations, 120 s",
        "real",
        2,
        {"stations": 100, "seconds": 120, "hurry": True},
    ),
    ("cut of an hour, 20 stations", "cut", 2, {"stations": 20, "seconds": 600}),
    (
        "soak of 24 h, 4 stations, 20 times real time",
        "soak",
        1,
        {"stations": 4, "seconds": 86_400},
    ),
    ("packets of 1 s, one station, 1800 s", "ours", 1, {"seconds": 1800}),
    *(
        (
            f"SeisBench, buffer of {b} s every {s} s, one station, 1800 s",
            "sliding",
            1,
            {"seconds": 1800, "buffer_s": b, "step_s": s},
        )
        for b, s in ((60, 30), (60, 5))
    ),
]
_QUICK: list[tuple[str, str, int, dict[str, Any]]] = [
    ("fast, 2 stations, 120 s", "fast", 1, {"stations": 2, "seconds": 120}),
    (
        "real time, hurry, 2 stations, 60 s",
        "real",
        1,
        {"stations": 2, "seconds": 60, "hurry": True},
    ),
]


def main() -> None:
    """Run the cases; --quick takes fewer stations and minutes."""
    given = measure.arguments(__doc__)
    sides = {"fast": fast, "real": real, "cut": cut, "soak": soak}
    if measure.answered(given, **sides, ours=ours, sliding=sliding, prepare=prepare):
        return
    weights = measure.child(MODULE, 1, side="prepare")["path"]
    rows = []
    for name, side, threads, asked in _QUICK if given.quick else _CASES:
        if given.only not in name:
            continue
        more = {} if side == "sliding" else {"weights": weights}
        run = measure.child(MODULE, threads, side=side, **asked, **more)
        for key, value in run.items():
            rows.append({"case": name, "unit": UNITS[key], "ours": round(value, 4)})
        measure.finish("live", rows, given.quick, given.only)


if __name__ == "__main__":
    main()
