"""First motions of a catalog for programs that look for mechanisms: HASH and SKHASH.

Polarities are motions of the ground: reversed stations are turned already, so that the files of
reversals name none. Undecided polarities, and those without a ray, are left out.

Sources: Hardebeck, J. L. & Shearer, P. M., HASH v1.2 (USGS, 2008), whose second driver reads the
format `hash`; Skoumal, R. J., Hardebeck, J. L. & Shearer, P. M., 2024, SKHASH, Seismol. Res. Lett.
95, 2519-2526.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.timeline import SECOND, to_datetime
from quakeline.io.export_files import FOLDER
from quakeline.io.exports.base import Format, Tables, write_files
from quakeline.io.exports.names import Site, positions, short_names, sites_of
from quakeline.io.formats.channel_codes import Row, rows
from quakeline.io.formats.quakeml import Labels

HASH_FILES, SKHASH_FILES = FOLDER["hash"], FOLDER["skhash"]
#: Characters of a station's name in HASH, and the vertical channel that all get there.
_WIDTH, _CHANNEL = 4, "VHZ"
#: Polarities of a smaller weight are emergent, which HASH counts by half.
_IMPULSIVE = 0.75
#: HASH asks for errors of hypocentres; these stand where a catalog states none, in km.
_SIGMA_KM = 1.0
#: SKHASH knows neither depths that occur twice nor layers of one velocity, in which its rays end.
#: So an interface is a step of this height in km, and velocities grow at least by so many km/s for
#: each km, and for each line: rays bend as much as the Earth's surface does.
_STEP_KM, _GROWTH, _LEAST_KM_S = 0.001, 0.001, 0.0001
_CONTROL = """\
## quakeline: SKHASH control.txt, run in this folder
$input_format
SKHASH
$fpfile
polarities.csv
$outfile1
mechanisms.csv
$min_polarity_weight
0
$allow_duplicate_stations
True
$require_location_match
False
$require_channel_match
False
"""


def told(catalog: Tables) -> pd.DataFrame:
    """Rows of POLARITIES with an answer and a ray, in order of events.

    Raises DataError where the catalog has no table of polarities.
    """
    if catalog.focal is None:
        raise DataError(
            "the catalog has no polarities of first motions: a run with section mechanism has them"
        )
    polarities = catalog.focal.polarities
    known = polarities[(polarities["polarity"] != 0) & polarities["takeoff_deg"].notna()]
    return known[known["event_id"].isin(catalog.events["event_id"])]


def hash_files(catalog: Tables) -> dict[str, str]:
    """Phases, stations, reversals and velocities of HASH's second driver, and what names mean.

    Events are numbered in order, since its ids have 16 characters. Without velocities of the
    catalog there is no file of them.
    """
    known = told(catalog)
    places = positions(catalog.stations) if catalog.stations is not None else pd.DataFrame()
    names = short_names([*sites_of(known), *sites_of(places)], _WIDTH)
    of_event = dict(iter(known.groupby("event_id", sort=False)))
    lines, ids = [], ["number,event_id"]
    for number, event in enumerate(rows(catalog.events), 1):
        ids.append(f"{number},{event['event_id']}")
        own = of_event.get(event["event_id"])
        if own is not None:
            lines += [_head(event, number), *(_line(row, names) for row in rows(own))]
            lines.append(f"{'':66}{number:16d}")
    sites = [_station(row, names) for row in rows(places)]
    words = [f"{name},{network},{station}" for (network, station), name in names.items()]
    speeds = _velocities(catalog.velocities) if catalog.velocities else None
    meanings = ["name,network,station", *words]
    texts: tuple[list[str] | None, ...] = lines, sites, [], speeds, ids, meanings
    return {
        name: "".join(f"{line}\n" for line in text)
        for name, text in zip(HASH_FILES, texts, strict=True)
        if text is not None
    }


def _velocities(points: Iterable[tuple[float, float]]) -> list[str]:
    """Lines of depth and P velocity that HASH and SKHASH read alike, both growing."""
    rows: list[tuple[float, float]] = []
    for depth, speed in points:
        if rows and depth <= rows[-1][0]:
            rows[-1] = (max(depth - _STEP_KM, rows[-2][0] + _STEP_KM / 2), rows[-1][1])
        above, grown = rows[-1] if rows else (depth, 0.0)
        least = grown + max(_LEAST_KM_S, _GROWTH * (depth - above))
        rows.append((depth, least if grown <= speed < least else speed))
    return [f"{depth:.4f}, {speed:.4f}" for depth, speed in rows]


def _head(event: Row, number: int) -> str:
    time_ns = int(event["time"].as_unit("ns").value)
    hundredths = (time_ns + SECOND // 200) // (SECOND // 100)
    time = to_datetime(hundredths * (SECOND // 100))
    seconds = hundredths % 6000 / 100
    latitude = _minutes(float(event["latitude"]), 2, "NS")
    longitude = _minutes(float(event["longitude"]), 3, "EW")
    errors = [_sigma(event[f"{name}_sigma_km"]) for name in ("horizontal", "depth")]
    magnitude: float = 0.0 if pd.isna(event["magnitude"]) else event["magnitude"]
    depth = f"{event['depth_km']:5.2f}"[:5]
    line = f"{time:%Y%m%d%H%M}{seconds:5.2f}{latitude}{longitude}{depth}"
    return f"{line:<88}{errors[0]} {errors[1]}{'':40}{magnitude:4.2f}{'':6}{number:<16d}"


def _minutes(degrees: float, width: int, sides: str) -> str:
    """Degrees, side and minutes."""
    whole, minutes = divmod(round(abs(degrees) * 6000), 6000)
    return f"{whole:{width}d}{sides[degrees < 0]}{minutes / 100:5.2f}"


def _sigma(given: Any) -> str:
    value = _SIGMA_KM if pd.isna(given) else float(given)
    return f"{min(value, 99.99):5.2f}"


def _line(row: Row, names: dict[Site, str]) -> str:
    name = names[str(row["network"]), str(row["station"])]
    onset = "I" if float(row["weight"]) >= _IMPULSIVE else "E"
    sign = "U" if int(row["polarity"]) > 0 else "D"
    return f"{name:<4} {str(row['network'])[:2]:<2}  {_CHANNEL} {onset} {sign}"


def _station(row: Row, names: dict[Site, str]) -> str:
    name = names[str(row["network"]), str(row["station"])]
    return (
        f"{name:<4} {_CHANNEL}{'':33}{row['latitude']:9.5f} {row['longitude']:10.5f}"
        f" {row['height_m']:5.0f} 1900/01/01 3000/01/01 {str(row['network'])[:2]}"
    )


def skhash_files(catalog: Tables) -> dict[str, str]:
    """Polarities with their rays, stations and reversals as SKHASH's tables, and a control file.

    A polarity's sign is its direction, its size the weight. SKHASH counts take-off angles from up.
    """
    known = told(catalog).merge(catalog.events, on="event_id", suffixes=("", "_of_event"))
    table = pd.DataFrame(
        {
            "event_id": known["event_id"],
            "network": known["network"],
            "station": known["station"],
            "p_polarity": (known["polarity"] * known["weight"]).round(4),
            "takeoff": (180 - known["takeoff_deg"]).round(2),
            "azimuth": known["azimuth_deg"].round(2),
            "sr_dist_km": known["distance_km"].round(3),
            "origin_latitude": known["latitude"].round(6),
            "origin_longitude": known["longitude"].round(6),
            "origin_depth_km": known["depth_km"].round(4),
            "horz_uncert_km": known["horizontal_sigma_km"].fillna(_SIGMA_KM).round(3),
            "vert_uncert_km": known["depth_sigma_km"].fillna(_SIGMA_KM).round(3),
        }
    )
    places = positions(catalog.stations) if catalog.stations is not None else pd.DataFrame()
    sites = places.rename(columns={"height_m": "elevation"})
    reversals = pd.DataFrame(columns=["network", "station", "start_time", "end_time"])
    texts = (_csv(table), _csv(sites), _csv(reversals), _CONTROL)
    return dict(zip(SKHASH_FILES, texts, strict=True))


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _write_hash(catalog: Tables, path: Path, labels: Labels) -> None:
    write_files(hash_files(catalog), path)


def _write_skhash(catalog: Tables, path: Path, labels: Labels) -> None:
    write_files(skhash_files(catalog), path)


HASH = Format("HASH phases, stations, reversals", "hash", True, _write_hash, HASH_FILES)
SKHASH = Format("SKHASH tables and control file", "skhash", True, _write_skhash, SKHASH_FILES)
