"""Files of hypoDD (Waldhauser 2001, USGS OFR 01-113): phases and stations, differential times."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from quakeline.core.timeline import SECOND, to_datetime
from quakeline.io.export_files import FOLDER
from quakeline.io.exports.base import Format, Tables, write_files
from quakeline.io.exports.names import positions, short_names, sites_of
from quakeline.io.formats.channel_codes import rows
from quakeline.io.formats.quakeml import Labels

logger = logging.getLogger("quakeline")

#: Names of the files of `files`, and of that of `differences`.
FILES = FOLDER["hypodd"]
DIFFERENCES = "dt.cc"
#: Characters of a station's name.
_WIDTH = 7
#: Origin times are written to 0.1 ms.
_STEP = SECOND // 10_000


def files(
    events: pd.DataFrame, pairs: pd.DataFrame, stations: pd.DataFrame | None
) -> dict[str, str]:
    """The files phase.dat, station.dat, and what their short names mean: events.csv, stations.csv.

    Events are numbered in order. Travel times count from the origin time as it is written, so that
    arrival times stay whole. Weights are those of the arrivals in the location; hypoDD knows no
    unknown one, so an arrival that no location has weighed has 1, which the log says. An absent
    magnitude is 0 too, which the log says, and an absent error.
    """
    if unmeasured := int(events["magnitude"].isna().sum()):
        logger.warning(
            "hypodd: %d of %d events have no magnitude: 0 is written", unmeasured, len(events)
        )
    if unweighed := int(pairs["weight"].isna().sum()):
        logger.warning(
            "hypodd: %d of %d arrivals have no weight of a location: 1 is written",
            unweighed,
            len(pairs),
        )
    known = positions(stations) if stations is not None else pd.DataFrame()
    names = _names(pairs, known)
    of_event = dict(iter(pairs.groupby("event_id", sort=False)))
    lines: list[str] = []
    ids = ["number,event_id"]
    for number, event in enumerate(rows(events), 1):
        own = of_event.get(event["event_id"])
        lines += _block(number, event, rows(own) if own is not None else [], names)
        ids.append(f"{number},{event['event_id']}")
    sites = [f"{name},{network},{station}" for (network, station), name in names.items()]
    places = [
        f"{names[row['network'], row['station']]:<7} {row['latitude']:.6f}"
        f" {row['longitude']:.6f} {row['height_m']:.1f}"
        for row in rows(known)
    ]
    columns = lines, places, ids, ["name,network,station", *sites]
    return dict(zip(FILES, map(_joined, columns), strict=True))


def differences(
    events: pd.DataFrame,
    pairs: pd.DataFrame,
    stations: pd.DataFrame | None,
    differentials: pd.DataFrame,
) -> dict[str, str]:
    """The file dt.cc of DIFFERENTIALS, with the numbers and names of `files`.

    A weight is the square of the coefficient. Travel times count from the origin times as they are
    written to phase.dat.
    """
    known = positions(stations) if stations is not None else pd.DataFrame()
    names = _names(pairs, known)
    numbers = {event: number for number, event in enumerate(events["event_id"], 1)}
    exact = dict(zip(events["event_id"], events["time"].map(_nanoseconds), strict=True))
    late = {event: (_written(time) - time) / SECOND for event, time in exact.items()}
    lines = []
    for (one, other), rows_of_pair in differentials.groupby(
        ["event_id_1", "event_id_2"], sort=False
    ):
        lines.append(f"# {numbers[one]:9d} {numbers[other]:9d} 0.0")
        for row in rows(rows_of_pair):
            name = names[row["network"], row["station"]]
            seconds = row["difference_s"] - late[one] + late[other]
            weight = row["correlation"] ** 2
            lines.append(f"{name:<7} {seconds:9.5f} {weight:.4f} {row['phase']}")
    return {DIFFERENCES: _joined(lines)}


def _names(pairs: pd.DataFrame, known: pd.DataFrame) -> dict[tuple[str, str], str]:
    both = [*sites_of(pairs), *(sites_of(known) if len(known) else [])]
    return short_names(both, _WIDTH)


def _written(time_ns: int) -> int:
    """An origin time as phase.dat holds it."""
    return (time_ns + _STEP // 2) // _STEP * _STEP


def _block(
    number: int,
    event: dict[str, object],
    arrivals: list[dict[str, object]],
    names: dict[tuple[str, str], str],
) -> list[str]:
    origin = _written(_nanoseconds(event["time"]))
    date = to_datetime(origin)
    seconds = origin % (60 * SECOND) / SECOND
    head = (
        f"# {date:%Y %m %d %H %M} {seconds:7.4f} {event['latitude']:.6f} {event['longitude']:.6f}"
        f" {event['depth_km']:.4f} {_number(event['magnitude'], '0.0', 2)}"
        f" {_number(event['horizontal_sigma_km'], '0.0', 4)}"
        f" {_number(event['depth_sigma_km'], '0.0', 4)} {_number(event['rms_s'], '0.0', 4)}"
        f" {number:9d}"
    )
    lines = [head]
    for row in arrivals:
        name = names[str(row["network"]), str(row["station"])]
        travel = (_nanoseconds(row["time"]) - origin) / SECOND
        weight = _number(row["weight"], "1.0000", 4)
        lines.append(f"{name:<7} {travel:.4f} {weight} {row['phase']}")
    return lines


def _nanoseconds(time: object) -> int:
    return int(time.as_unit("ns").value)  # type: ignore[attr-defined]


def _number(value: object, absent: str, digits: int) -> str:
    return absent if pd.isna(value) else f"{value:.{digits}f}"  # type: ignore[call-overload]


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _write(catalog: Tables, path: Path, labels: Labels) -> None:
    write_files(files(catalog.events, catalog.pairs, catalog.stations), path)


def write_differences(catalog: Tables, differentials: pd.DataFrame, folder: Path) -> None:
    """Write DIFFERENTIALS as hypoDD's dt.cc into a folder of the format `hypodd`."""
    known = catalog.events, catalog.pairs, catalog.stations
    write_files(differences(*known, differentials), folder)


FORMAT = Format("hypoDD phase.dat and station.dat", "hypodd", True, _write, FILES)
