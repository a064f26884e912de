"""Events of a live session: seconds from the last pick to the update, and CPU time of an update.

Networks of 10 and 50 stations in 100 km, an event every 47 s whose picks are handed over at the
times at which waves arrive, and false picks between. What makes events works as in a session, in a
thread of its own, at real time. `associations` hand a quarter of an hour over at once and associate
it: the CPU time of one association of a full window. There is no peer: each row stands for itself.

`--archive FOLDER` compares final events with the catalog that an archive makes of the same picks.
FOLDER has a folder for each set with picks.csv, stations.csv and velocity.csv; picks are handed
over in steps, events are the same that share half of their picks.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import measure

MODULE = "benchmarks.live_events"
_START_NS = 1_700_000_000 * 10**9
_PERIOD_S, _VP, _VP_VS = 47.0, 6.0, 1.75
_FALSE_PER_HOUR = 20
_KM_PER_DEG = 111.2


def _stations(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(count)
    return pd.DataFrame(
        {
            "network": "XX",
            "station": [f"S{n:03d}" for n in range(count)],
            "latitude": 46.0 + rng.uniform(-50, 50, count) / _KM_PER_DEG,
            "longitude": 10.0 + rng.uniform(-50, 50, count) / _KM_PER_DEG / np.cos(np.radians(46)),
            "elevation_m": 0.0,
        }
    )


def _picks(stations: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """PICKS of events inside the network, with errors of 0.05 s, and false ones."""
    rng = np.random.default_rng(1)
    north = (stations["latitude"].to_numpy() - 46.0) * _KM_PER_DEG
    east = (stations["longitude"].to_numpy() - 10.0) * _KM_PER_DEG * np.cos(np.radians(46))
    rows: list[tuple[int, str, float]] = []
    for origin in np.arange(5.0, seconds, _PERIOD_S):
        x, y, z = rng.uniform(-30, 30), rng.uniform(-30, 30), rng.uniform(3, 15)
        for at, km in enumerate(np.sqrt((east - x) ** 2 + (north - y) ** 2 + z**2)):
            for phase, speed in (("P", _VP), ("S", _VP / _VP_VS)):
                rows.append((at, phase, origin + km / speed + rng.normal(0, 0.05)))
    for _ in range(round(len(stations) * _FALSE_PER_HOUR * seconds / 3600)):
        at, phase = int(rng.integers(len(stations))), str(rng.choice(["P", "S"]))
        rows.append((at, phase, rng.uniform(0, seconds)))
    rows = sorted((row for row in rows if row[2] < seconds), key=lambda row: row[2])
    codes = stations["station"].to_numpy()
    times = [_START_NS + round(second * 1e9) for _, _, second in rows]
    return pd.DataFrame(
        {
            "pick_id": [
                f"XX.{codes[row[0]]}/{row[1]}/{ns}" for row, ns in zip(rows, times, strict=True)
            ],
            "source": "waveform",
            "network": "XX",
            "station": [codes[row[0]] for row in rows],
            "location": "",
            "instrument": "HH",
            "phase": [row[1] for row in rows],
            "time": pd.to_datetime(times, utc=True),
            "probability": np.float32(0.8),
            "model": "none",
            "weights_id": "none",
        }
    )


def _setup(stations: pd.DataFrame) -> Any:
    from quakeline.earth.velocity import load
    from quakeline.io.formats.inventory import read_any
    from quakeline.live.events.setup import Setup

    with tempfile.TemporaryDirectory() as folder:
        table, model = Path(folder) / "stations.csv", Path(folder) / "velocity.csv"
        stations.to_csv(table, index=False)
        model.write_text(f"depth_km,vp,vs\n0,{_VP},{_VP / _VP_VS}\n")
        return Setup(read_any(table), load(model))


def real(stations: int, seconds: int, threads: int) -> dict[str, Any]:
    """At real time: how long after the last pick of an event its update is there."""
    from quakeline.io.products import provenance
    from quakeline.live.events.files import NAMES
    from quakeline.live.output import Output
    from quakeline.live.remarks import Remarks
    from quakeline.live.results import Picks

    table = _stations(stations)
    picks, setup = _picks(table, seconds), _setup(table)
    updates: list[Any] = []
    times = picks["time"].astype("int64").to_numpy() - _START_NS
    with tempfile.TemporaryDirectory() as folder:
        output = Output(Path(folder), "live", provenance.Record("live", 1, {}), names=NAMES)
        working = setup.working(output.place, Remarks(), updates.append, threads)
        output.begin()
        working.begin(output)
        begun, cpu_s, done = time.monotonic(), time.process_time(), 0
        while (now := time.monotonic() - begun) < seconds:
            until = int(np.searchsorted(times, now * 1e9))
            if until > done:
                some = picks.iloc[done:until]
                came = some["time"].astype("int64").to_numpy()
                working.add(Picks(some, came, np.zeros(len(some))))
                done = until
            working.work(_START_NS + round(now * 1e9))
            time.sleep(0.1)
        cpu_s = time.process_time() - cpu_s
        working.close()
        output.close()
    news = [one.computing_s for one in updates if one.status == "preliminary"]
    return {
        "updates": len(updates),
        "events": len({one.event_id for one in updates}),
        "late_median_s": float(np.median(news)),
        "late_p99_s": float(np.percentile(news, 99)),
        "cpu_per_update_s": cpu_s / max(len(updates), 1),
        "cpu_share": cpu_s / seconds,
    }


def window(stations: int, seconds: int, threads: int) -> dict[str, Any]:
    """CPU time of an association of a window, when travel times are known."""
    from quakeline.core.schemas import PICKS
    from quakeline.io.products import tables
    from quakeline.live.events.chain import Chain
    from quakeline.live.events.window import Window

    table = _stations(stations)
    setup = _setup(table)
    chain = Chain(setup.stations, setup.model, setup.sections, threads=threads)
    slid = Window(chain, setup.rules)
    picks = tables.typed(_picks(table, seconds), PICKS)
    took = []
    for _ in range(3):
        slid.add(picks, picks["time"].astype("int64").tolist(), time.perf_counter())
        ask, begun = slid.ask(0), time.process_time()
        slid.take(ask, *slid.chain.made(ask.job))
        took.append(time.process_time() - begun)
    return {"picks": len(picks), "association_cpu_s": float(np.median(took[1:]))}


def archive(folder: str, start: str, seconds: float, step_s: float, threads: int) -> dict[str, Any]:
    """Final events of real picks in steps, against the catalog of all these picks."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/helpers"))
    from live_events import compared, fed, part_of

    from quakeline.events.chain import whole
    from quakeline.events.chain.sections import Sections
    from quakeline.live.events.chain import Chain
    from quakeline.live.events.section import Events
    from quakeline.live.events.window import Window

    material, sections = part_of(Path(folder), start, seconds), Sections()
    expected = whole.made(material, sections, threads).catalog
    chain = Chain(material.stations, material.model, sections, threads=threads)
    found = compared(fed(Window(chain, Events()), material.picks, step_s), expected)
    half = len(found.apart_km) // 2
    return {
        "archive": found.all,
        "both": found.both,
        "same_picks": found.same_picks,
        "more": found.more,
        "km_median": float(np.median(found.apart_km)),
        "km_90": float(np.percentile(found.apart_km, 90)),
        "km_median_later": float(np.median(found.apart_km[half:])),
        "km_90_later": float(np.percentile(found.apart_km[half:], 90)),
        "s_median": float(np.median(found.apart_s)),
        "s_90": float(np.percentile(found.apart_s, 90)),
        "within_stated": float(np.mean(found.apart_km < found.stated_km)),
    }


#: Parts of sets of picks: start, seconds, seconds of a step.
PARTS = {
    "ridgecrest2019_pal_foreshocks": ("2019-07-04T18:00Z", 7200.0, 200.0),
    "ridgecrest2019_rt20min": ("2019-07-06T02:15Z", 1200.0, 60.0),
}
UNITS = {
    "updates": "updates",
    "events": "events",
    "late_median_s": "s from the last pick to the update, median",
    "late_p99_s": "s from the last pick to the update, 99 %",
    "cpu_per_update_s": "CPU s per update",
    "cpu_share": "cores taken",
    "picks": "picks of the window",
    "association_cpu_s": "CPU s per association",
    "archive": "events of the archive",
    "both": "of them also live",
    "same_picks": "of them with the same picks",
    "more": "events that are live alone",
    "km_median": "km between epicentres, median",
    "km_90": "km between epicentres, 90 %",
    "km_median_later": "km between epicentres, second half of the events, median",
    "km_90_later": "km between epicentres, second half of the events, 90 %",
    "s_median": "s between origin times, median",
    "s_90": "s between origin times, 90 %",
    "within_stated": "share of epicentres apart less than both stated errors together",
}


def main() -> None:
    """Run the cases; --quick takes fewer stations and minutes."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    parser.add_argument("--archive", type=Path, metavar="FOLDER", help="sets of real picks")
    given = parser.parse_args()
    if measure.answered(given, real=real, window=window, archive=archive):
        return
    if given.archive:
        _against_archives(given.archive, given.quick)
        return
    cases = {"window": [(10, 900), (50, 900)], "real": [(10, 150), (50, 150)]}
    if given.quick:
        cases = {"window": [(8, 120)], "real": [(8, 30)]}
    for side, some in cases.items():
        rows = []
        name = "real time" if side == "real" else "associations"
        for stations, seconds in some:
            run = measure.child(MODULE, 1, side=side, stations=stations, seconds=seconds)
            rows += _rows(f"{name}, {stations} stations, {seconds} s", run)
            measure.finish("live_events", rows, given.quick, kept=name)


def _against_archives(folder: Path, quick: bool) -> None:
    rows = []
    for name, (start, seconds, step_s) in PARTS.items():
        length_s = min(seconds, 400.0) if quick else seconds
        part = {"folder": str(folder / name), "start": start, "seconds": length_s}
        run = measure.child(MODULE, 1, side="archive", **part, step_s=step_s)
        rows += _rows(f"archive, {name}, {length_s:g} s in steps of {step_s:g} s", run)
        measure.finish("live_events", rows, quick, kept="archive")


def _rows(case: str, run: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"case": case, "unit": UNITS[key], "ours": round(run[key], 4)} for key in run]


if __name__ == "__main__":
    main()
