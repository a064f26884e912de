"""Live sessions: CPU time per station-hour, memory, and how late picks are at real time.

Stations with an event every 47 s at times of their own, three components at 100 Hz, noise between,
in packets of 1 s, through PhaseNet on one core. `fast` cases hand packets over as quickly as they
are taken: CPU seconds for an hour of a station, how many stations a core sustains by that, and
memory after a quarter of the time and at the end. `real time` cases wait for the clock: how long
after the last packet that it needs a pick is there. There is no peer: each row stands for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.live"
_RATE = 100
_START_NS = 1_700_000_000 * 10**9
_PERIOD_S = 47


def _shapes() -> np.ndarray:
    """A real event and the noise after it, again and again: (components, samples), counts."""
    import obspy

    rng = np.random.default_rng(0)
    made = rng.normal(0, 6, (3, _PERIOD_S * _RATE))
    for row, component in enumerate("ZNE"):
        event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
        made[row, 500 : 500 + len(event)] += event * 0.3
    return made.round().astype(np.int32)


def _packets(stations: int, seconds: int) -> Iterator[list[Any]]:
    """The packets of each second."""
    from quakeline.live.feeds.protocol import Packet

    shapes = _shapes()
    n = shapes.shape[1]
    for second in range(seconds):
        start = _START_NS + second * 10**9
        packets = []
        for station in range(stations):
            at = (second * _RATE + station * 997) % n
            samples = np.take(shapes, np.arange(at, at + _RATE), axis=1, mode="wrap")
            for row, component in enumerate("ZNE"):
                codes = f"XX.S{station:04d}..HH{component}"
                packets.append(Packet(codes, start, _RATE, samples[row], start + 10**9))
        yield packets


def _session(threads: int, weights: str) -> Any:
    from quakeline.inference.annotator import Annotator
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of
    from quakeline.workflow.stages import prepare

    annotator = Annotator.load(Path(weights), "cpu", threads)
    usual = prepare.Config()
    preparation = Preparation(usual.bridge_gap_s, usual.mend_spikes, usual.response)
    return Session(annotator, settings_of(annotator.card), preparation, 10.0)


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


def real(stations: int, seconds: int, threads: int, weights: str) -> dict[str, Any]:
    """At real time: seconds from the last packet that a pick needs to the pick."""
    session = _session(threads, weights)
    late, data = [], []
    begun = time.monotonic()
    for second, packets in enumerate(_packets(stations, seconds)):
        time.sleep(max(begun + second - time.monotonic(), 0))
        for packet in packets:
            session.add(packet)
        for some in session.work() if session.due else ():
            late += some.computing_s.tolist()
            times = some.frame["time"].astype("datetime64[ns, UTC]").astype("int64")
            data += ((some.data_ns - times) / 1e9).tolist()
    return {
        "picks": len(late),
        "computing_median_s": float(np.median(late)),
        "computing_p99_s": float(np.percentile(late, 99)),
        "data_median_s": float(np.median(data)),
        "data_p99_s": float(np.percentile(data, 99)),
        "behind_s": time.monotonic() - begun - seconds,
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
}


def main() -> None:
    """Run the cases; --quick takes fewer stations and minutes."""
    given = measure.arguments(__doc__)
    if measure.answered(given, fast=fast, real=real, prepare=prepare):
        return
    weights = measure.child(MODULE, 1, side="prepare")["path"]
    cases = {"fast": [(10, 900), (50, 900)], "real": [(10, 120), (50, 120)]}
    if given.quick:
        cases = {"fast": [(2, 120)], "real": [(2, 60)]}
    rows = []
    for side, some in cases.items():
        for stations, seconds in some:
            asked = {"side": side, "stations": stations, "seconds": seconds, "weights": weights}
            run = measure.child(MODULE, 1, **asked)
            name = f"{'real time' if side == 'real' else side}, {stations} stations, {seconds} s"
            for key, value in run.items():
                rows.append({"case": name, "unit": UNITS[key], "ours": round(value, 4)})
            measure.finish("live", rows, given.quick)


if __name__ == "__main__":
    main()
