"""Folders of SAC files with onsets, or what they follow from, in their headers.

The files of a record are those of one folder, station and start: a letter at the end of their
channel is the component (HLX, HLY, HLZ: X is east, Y north). Onsets are the header's `a`, or a `t0`
to `t9` whose name begins with P or S. Where a header has none, but coordinates of event and
station, they are theoretical ones, as SeismicTorch makes its labels: the first P or Pn, and S or
Sn, of ak135.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.training.datasets.records import PHASES, Dataset, table_of

#: Fields of a header that may hold an onset, each with the one that names it.
_PICKS = (("a", "ka"), *((f"t{n}", f"kt{n}") for n in range(10)))
_PLACES = ("evla", "evlo", "evdp", "stla", "stlo")
#: Rays that are asked for, and velocities in km/s where there is none.
_RAYS = {"P": (("P", "p", "Pn"), 6.0), "S": (("S", "s", "Sn"), 3.5)}
_KM_PER_DEGREE = 111.19


@dataclass(frozen=True)
class _Record:
    """Files of a record by component, and the header of one of them."""

    files: dict[str, Path]
    stats: Any

    @property
    def header(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.stats.sac
        return found


def is_one(folder: Path) -> bool:
    """Whether SAC files are below a folder."""
    return folder.is_dir() and any(_files(folder))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".sac")


def read(folder: Path) -> Dataset:
    """Open a folder of SAC files; samples are read record by record.

    Raises
    ------
    DataError
        A file is no SAC file, or two of a record have the same component.
    """
    records = _records(folder)
    onsets = [_onsets(record) for record in records]
    events = [_event(record) for record in records]
    table = table_of(
        {
            "name": [str(next(iter(r.files.values())).relative_to(folder)) for r in records],
            "station": [f"{r.stats.network}.{r.stats.station}.{r.stats.location}" for r in records],
            "start": [str(record.stats.starttime) for record in records],
            "event": events,
            "rate_hz": [float(record.stats.sampling_rate) for record in records],
            "npts": [int(record.stats.npts) for record in records],
            "components": ["".join(record.files) for record in records],
            **{phase: [own[phase] for own in onsets] for phase in PHASES},
        },
        stated=events,
    )

    def samples(row: int) -> np.ndarray:
        return _samples(records[row])

    return Dataset(folder, "SAC", table, samples, tuple(_files(folder)))


def _records(folder: Path) -> list[_Record]:
    grouped: dict[tuple[str, ...], list[tuple[str, Path, Any]]] = defaultdict(list)
    for path in _files(folder):
        stats = _opened(path, headonly=True).stats
        start = f"{round(stats.starttime.timestamp)}"
        codes = (stats.network, stats.station, stats.location, stats.channel[:-1])
        key = (str(path.parent), *codes, start)
        grouped[key].append((stats.channel[-1:] or "Z", path, stats))
    records = []
    for own in grouped.values():
        files = {letter: path for letter, path, _ in own}
        if len(files) < len(own):
            first = own[0][1]
            raise DataError(f"{first.parent}: two files of the record of {first.name} have the"
                            " same component")  # fmt: skip
        shortest = min((stats for _, _, stats in own), key=lambda stats: stats.npts)
        records.append(_Record(files, shortest))
    return records


def _opened(path: Path, *, headonly: bool = False) -> Any:
    import obspy

    try:
        return obspy.read(path, format="SAC", headonly=headonly)[0]
    except Exception as error:  # obspy's readers raise what they meet
        raise DataError(f"cannot read {path} as SAC: {' '.join(str(error).split())}") from error


def _samples(record: _Record) -> np.ndarray:
    """Components from the start of the first file on, as long as the shortest of them."""
    traces = [_opened(path) for path in record.files.values()]
    npts = int(record.stats.npts)
    return np.stack([np.asarray(trace.data[:npts], np.float32) for trace in traces])


def _event(record: _Record) -> str:
    """The name of the event, or where and when it was, or the folder of its files."""
    header = record.header
    name = str(header.get("kevnm", "")).strip()
    if name and name != "-12345":
        return name
    if _known(header, "evla") and _known(header, "o"):
        origin = record.stats.starttime + float(header["o"]) - float(header["b"])
        return f"{origin} {float(header['evla']):.3f} {float(header['evlo']):.3f}"
    return ""


def _known(header: Mapping[str, Any], name: str) -> bool:
    return name in header and float(header[name]) != -12345.0


def _onsets(record: _Record) -> dict[str, tuple[float, ...]]:
    """Samples of the onsets of a record by phase."""
    header, rate = record.header, float(record.stats.sampling_rate)
    begin = float(header.get("b", 0.0))
    found: dict[str, set[float]] = {phase: set() for phase in PHASES}
    for field, label in _PICKS:
        name = str(header.get(label, "")).strip().upper() or ("P" if field == "a" else "")
        if _known(header, field) and name[:1] in found:
            found[name[:1]].add(round((float(header[field]) - begin) * rate, 3))
    if not any(found.values()) and _known(header, "o") and all(_known(header, p) for p in _PLACES):
        origin = (float(header["o"]) - begin) * rate
        for phase, seconds in _travel_times(*(float(header[place]) for place in _PLACES)).items():
            at = round(origin + seconds * rate, 3)
            found[phase] |= {at} if 0 <= at < record.stats.npts else set()
    return {phase: tuple(sorted(own)) for phase, own in found.items()}


def _travel_times(
    latitude: float, longitude: float, depth: float, station_lat: float, station_lon: float
) -> dict[str, float]:
    """Seconds from the origin to P and S; depths above 1000 are metres."""
    from obspy.geodetics import locations2degrees

    depth_km = max(depth / 1000 if depth > 1000 else depth, 0.0)
    degrees = locations2degrees(latitude, longitude, station_lat, station_lon)
    times = {}
    for phase, (rays, velocity) in _RAYS.items():
        arrivals = _model().get_travel_times(depth_km, degrees, phase_list=rays)
        distance_km = float(np.hypot(degrees * _KM_PER_DEGREE, depth_km))
        times[phase] = min((a.time for a in arrivals), default=distance_km / velocity)
    return times


@cache
def _model() -> Any:
    from obspy.taup import TauPyModel

    return TauPyModel("ak135")
