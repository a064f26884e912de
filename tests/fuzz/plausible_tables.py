"""Tables of picks and stations as people write them, right or with one plausible fault.

Every case knows its truth. A right table must be read as the truth; a faulty one must be refused
with a line, or read with a word that names the fault: `judged` raises where it passes in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from synthetics import network, picks_of

import quakeline
from quakeline.core.errors import DataError
from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity import VelocityModel
from quakeline.events.chain import material
from quakeline.io.formats.station_list import elevation_doubts

MODEL = VelocityModel((0.0,), (5.8,), (3.35,))
#: Source of the event that every case tells of: x, y and depth in km from the network's middle.
SOURCE = (5.0, -8.0, 6.0)
#: What of the truth a table may lose: time in s, place in degrees, elevation in m, probability.
TIME_S, PLACE_DEG, HEIGHT_M, SHARE = 1e-4, 1e-6, 1.0, 0.005
#: An event is where it was, in km.
PLACE_KM = 0.1

TIMES: dict[str, Callable[[pd.Timestamp], str]] = {
    "utc": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    "blank": lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "zone": lambda t: t.tz_convert("Asia/Kolkata").isoformat(),
    "epoch": lambda t: f"{t.value / 1e9:.6f}",
    "comma": lambda t: t.strftime('"%Y-%m-%dT%H:%M:%S,%f"'),
}
NAMES: dict[str, Callable[[str, str], str]] = {
    "code": lambda net, sta: sta,
    "dotted": lambda net, sta: f"{net}.{sta}",
    "dashes": lambda net, sta: f"{net}.{sta}.--",
    "channel": lambda net, sta: f"{net}.{sta}..HHZ",
    "small": lambda net, sta: f"{net}.{sta}".lower(),
}
PHASES = {"plain": ("P", "S"), "small": ("p", "s"), "crust": ("Pg", "Sg"), "mantle": ("Pn", "Sn")}
HEADS = (
    "station,phase,time,probability",
    "id,phase_type,timestamp,phase_score",
    "station_id,phase,peak_time,peak_value",
)
FORMS = ("own", "pyocto", "real", "fdsn")
#: Faults, and a word that the refusal or the remark has.
FAULTS = {
    "percent": "percent",
    "percent text": "percent",
    "percent among shares": "probability is",
    "negative errors": "the error is -",
    "milliseconds": "milliseconds",
    "core phase": "PKP (1)",
    "kilometres": "kilometres",
    "column in km": "multiply it by 1000",
    "swapped": "swapped?",
    "one swapped": "swapped?",
    "null island": "0 N 0 E",
    "moved, not closed": "epochs overlap",
}


@dataclass(frozen=True)
class Case:
    """How the tables of one event are written, and the fault that they have, "" for none."""

    latitude: float
    longitude: float
    time: str
    name: str
    phase: str
    head: str
    form: str
    order: int
    fault: str


def cases(faults: list[str]) -> st.SearchStrategy[Case]:
    """Cases with one of some faults."""
    return st.builds(
        Case,
        st.floats(-65, 65),
        st.floats(-180, 180),
        st.sampled_from(list(TIMES)),
        st.sampled_from(list(NAMES)),
        st.sampled_from(list(PHASES)),
        st.sampled_from(HEADS),
        st.sampled_from(FORMS),
        st.integers(0, 2**16),
        st.sampled_from(faults),
    ).filter(_shows)


def _shows(case: Case) -> bool:
    """Whether anything could show the fault: swapped places on the globe are places too."""
    if case.fault == "swapped":
        return abs(case.longitude) > 92
    if case.fault == "one swapped":
        return abs(case.longitude) < 88 and abs(case.latitude - case.longitude) > 40
    return case.fault != "null island" or abs(case.latitude) + abs(case.longitude) > 20


def truth(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """STATIONS and PICKS as they are."""
    stations, frame = network(case.latitude, case.longitude)
    return stations, picks_of(stations, frame, MODEL, SOURCE, seconds=100.25)


def written(case: Case, folder: Path) -> tuple[Path, Path]:
    """The files of picks and stations of a case."""
    stations, picks = truth(case)
    table = folder / "picks.csv"
    lines = _lines(case, picks)
    table.write_text(
        "\n".join([lines[0], *np.random.default_rng(case.order).permutation(lines[1:])])
    )
    place = folder / ("stations.txt" if case.form in ("real", "fdsn") else "stations.csv")
    place.write_text(_stations(case, stations))
    return table, place


def _lines(case: Case, picks: pd.DataFrame) -> list[str]:
    extra = {"negative errors": "-0.05", "milliseconds": "35"}.get(case.fault)
    lines = [case.head + (",time_error" if extra else "")]
    for n, row in enumerate(picks.itertuples()):
        share = {"percent": "90", "percent text": "90%"}.get(case.fault, "0.9")
        share = "90" if case.fault == "percent among shares" and n % 2 else share
        phase = PHASES[case.phase]["PS".index(row.phase)]
        phase = "PKP" if case.fault == "core phase" and n == 0 else phase
        cells = [NAMES[case.name](row.network, row.station), phase, TIMES[case.time](row.time)]
        lines.append(",".join([*cells, share, *([extra] if extra else [])]))
    return lines


def _stations(case: Case, stations: pd.DataFrame) -> str:
    rows = stations[["network", "station", "latitude", "longitude", "elevation_m"]].copy()
    places = ["latitude", "longitude"]
    if case.fault == "swapped":
        rows[places] = rows[places[::-1]].to_numpy(copy=True)
    if case.fault == "one swapped":
        rows.loc[3, places] = rows.loc[3, places[::-1]].to_list()
    if case.fault == "null island":
        rows.loc[3, places] = 0.0
    if case.fault in ("kilometres", "column in km"):
        rows["elevation_m"] /= 1000
    if case.fault == "moved, not closed":
        old = rows.iloc[:1].assign(latitude=rows["latitude"][0] + 0.2, start="2010-01-01")
        moved = pd.concat([old, rows.assign(start="2015-01-01")])
        return moved.to_csv(index=False)
    form = "own" if case.fault in ("kilometres", "column in km") else case.form
    if form == "real":
        lines = (
            f"{r.longitude:.8f} {r.latitude:.8f} {r.network} {r.station} BHZ"
            f" {r.elevation_m / 1000:.4f}"
            for r in rows.itertuples()
        )
        return "\n".join(lines)
    if form == "fdsn":
        lines = (
            f"{r.network}|{r.station}|{r.latitude:.8f}|{r.longitude:.8f}|{r.elevation_m}|A place|"
            "2010-01-01T00:00:00|"
            for r in rows.itertuples()
        )
        head = "#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime"
        return "\n".join([head, *lines])
    if form == "pyocto":
        named = rows.assign(id=rows["network"] + "." + rows["station"] + ".", x=1, y=2, z=0)
        named = named.rename(columns={"elevation_m": "elevation"})
        return named[["id", *places, "elevation", "x", "y", "z"]].to_csv(index=False)
    if case.fault == "column in km":
        rows = rows.rename(columns={"elevation_m": "elevation_km"})
    return rows.to_csv(index=False)


def judged(case: Case, folder: Path) -> tuple[str, float]:
    """How a case ended (`held`, `remarked`, `refused`) and its largest error of time in s.

    Raises AssertionError for a right table that is not read as the truth, or a fault in silence.
    """
    said = _Said()
    logger = logging.getLogger("quakeline")
    logger.addHandler(said)
    refusal, given = "", None
    try:
        given = material.read(*written(case, folder), MODEL)
    except DataError as error:
        refusal = str(error)
    finally:
        logger.removeHandler(said)
    doubts = elevation_doubts(given.sites.heights) if given is not None else [refusal]
    words = "\n".join([*said.lines, *doubts])
    if case.fault:
        assert FAULTS[case.fault] in words, f"{case}: {words or 'nothing was said'}"
    if given is None:
        assert case.fault, f"{case}: {refusal}"
        return "refused", 0.0
    return ("remarked" if case.fault else "held"), _compared(case, given)


def _compared(case: Case, given: material.Material) -> float:
    """The largest error in time, in s, after everything was compared."""
    stations, picks = truth(case)
    keys = ["network", "station"]
    lost = {"one swapped", "null island"} & {case.fault}
    stations = stations.drop(index=[3]) if lost else stations
    found = given.stations.drop_duplicates(keys, keep="last").merge(stations, on=keys)
    assert len(found) == len(stations), case
    east = (found["longitude_x"] - found["longitude_y"] + 180) % 360 - 180
    assert (found["latitude_x"] - found["latitude_y"]).abs().max() < PLACE_DEG, case
    assert east.abs().max() < PLACE_DEG, case
    if case.fault != "kilometres":
        high = (found["elevation_m_x"] - found["elevation_m_y"]).abs().max()
        assert high < HEIGHT_M, case
    onsets = given.picks.merge(picks, on=[*keys, "phase"])
    left_out = (2 if lost and case.name == "code" else 0) + (case.fault == "core phase")
    assert len(onsets) == len(picks) - left_out, case
    assert (onsets["probability_x"] - 0.9).abs().max() < SHARE, case
    late = float((onsets["time_x"] - onsets["time_y"]).abs().max().total_seconds())
    assert late < TIME_S, case
    return late


def located(case: Case) -> float:
    """How far the one event of a case is from its true place, in km."""
    with TemporaryDirectory() as name:
        made = quakeline.catalog(*written(case, Path(name)), MODEL, threads=1)
    assert len(made.events) == 1, case
    event = made.events.iloc[0]
    frame = LocalFrame(case.latitude, case.longitude)
    x, y = frame.to_xy(np.array([event["latitude"]]), np.array([event["longitude"]]))
    return float(np.linalg.norm(np.array([x[0], y[0], event["depth_km"]]) - np.array(SOURCE)))


class _Said(logging.Handler):
    """Keeps what the log says."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
