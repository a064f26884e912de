"""What an archive and its stations hold, as far as the configuration of a run follows from it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.station_tables import is_table, read_table
from quakeline.io.products.remarks import some
from quakeline.workflow.inspection.holdings import Holding, holdings, manifest_of
from quakeline.workflow.inspection.plan import ChannelPlan, Metadata, metadata, plans
from quakeline.workflow.inspection.scan import Progress, Scan, find, nothing_in, scan_all

#: A file of an SDS archive; the first group is the root.
_SDS = re.compile(
    r"(.*?)/?[12]\d{3}/([^/]+)/([^/]+)/([^/]+)\.D/\2\.\3\.[^/.]*\.\4\.D\.[12]\d{3}\.\d{3}"
)
#: Files beside the data that may describe stations.
_DESCRIBING = (".csv", ".txt", ".dat", ".xml", ".json", ".dataless", ".seed", ".stationxml")
#: Columns of a station table that is written, and those that it always has.
_COLUMNS = [
    *("network", "station", "location", "channel", "latitude", "longitude", "elevation_m"),
    *("depth_m", "start", "end"),
]
_NEEDED = {"network", "station", "latitude", "longitude", "elevation_m"}
_MOST_CANDIDATES, _MOST_BYTES = 50, 50_000_000
_SHOWN = 8


@dataclass(frozen=True)
class Survey:
    """What there is: scanned files, channels, what becomes of each, and the stations' files.

    `source` is the section `fetch.source` that reaches the files; `table` and `stationxml` are
    those of the section `stations`, as paths.
    """

    scans: list[Scan]
    held: list[Holding]
    planned: list[ChannelPlan]
    known: Metadata
    source: dict[str, object]
    table: str | None
    stationxml: list[str]

    @property
    def used(self) -> list[Holding]:
        """Channels that the workflow would use."""
        return [one for one, plan in zip(self.held, self.planned, strict=True) if plan.used]

    @property
    def channel_s(self) -> float:
        """Seconds of data of the channels in use, summed over them."""
        return sum(one.n_samples / one.rate_hz for one in self.used)

    @property
    def span(self) -> Span:
        """From the first to the last sample of the channels in use, in whole seconds outwards."""
        spans = [one.span for one in self.used]
        first, last = min(s.start_ns for s in spans), max(s.end_ns for s in spans)
        return Span(first // SECOND * SECOND, -(-last // SECOND) * SECOND)

    @property
    def stations(self) -> pd.DataFrame:
        """Stations (rows of STATIONS, one each) whose data would be used."""
        codes = {tuple(one.codes.split(".")[:2]) for one in self.used}
        table = self.known.stations.drop_duplicates(["network", "station"])
        here = [pair in codes for pair in zip(table["network"], table["station"], strict=True)]
        return table[here]

    @property
    def needless(self) -> int:
        """How many stations of the table have no data; its geometry would not be the network's."""
        if not self.table:
            return 0
        named = read_table(Path(self.table))[["network", "station"]].drop_duplicates()
        return len(named) - len(named.merge(self.stations[["network", "station"]]))

    def own_table(self) -> str:
        """The rows of the table whose stations have data, as CSV."""
        table = read_table(Path(self.table or ""))
        rows = table.merge(self.stations[["network", "station"]])[_COLUMNS]
        kept = [
            name
            for name in _COLUMNS
            if name in _NEEDED or (rows[name].notna() & (rows[name] != "")).any()
        ]
        return str(rows[kept].to_csv(index=False, lineterminator="\n"))

    @property
    def refused(self) -> dict[str, list[str]]:
        """Channels that would not be used, by the reason."""
        found: dict[str, list[str]] = {}
        for one, plan in zip(self.held, self.planned, strict=True):
            if not plan.used:
                found.setdefault(plan.said, []).append(one.codes)
        return found


def survey(
    waveforms: Sequence[str],
    stations: Sequence[str],
    rate_hz: float,
    processes: int,
    progress: Progress | None = None,
) -> Survey:
    """Look at waveform files and at what describes their stations; only headers are read.

    Parameters
    ----------
    waveforms
        Files, folders or glob patterns.
    stations
        Files or patterns: one table and any StationXML or dataless SEED. Without any they are
        looked for beside the data.
    rate_hz
        Sampling rate of the network that picks.

    Raises
    ------
    ConfigError
        No stations were given or found, or two tables were given.
    DataError
        There are no files, no waveforms in them, or nothing that the workflow would use.
    """
    scans = scan_all(find(waveforms), processes, progress)
    held = holdings(scans)
    if not held:
        refused: dict[str, list[str]] = {}
        for one in scans:
            if one.unreadable:
                refused.setdefault(one.unreadable, []).append(str(one.path))
        raise DataError(nothing_in("waveforms", len(scans), waveforms, refused))
    table, stationxml = _described(held, scans, _files(stations))
    known = metadata(stationxml, table)
    made = plans(held, manifest_of(scans), known, rate_hz)
    found = Survey(scans, held, made, known, _source(waveforms, scans), table, stationxml)
    if not found.used:
        reasons = Counter(plan.said for plan in made).most_common(1)
        raise DataError(f"none of {len(held)} channels can be used: {reasons[0][0]}")
    return found


def _files(given: Sequence[str]) -> list[str]:
    """The files of names and patterns. Raises ConfigError for one that is not there."""
    found: list[str] = []
    for name in given:
        matches = sorted(glob(name, recursive=True)) if has_magic(name) else [name]
        files = [path for path in matches if Path(path).is_file()]
        if not files:
            raise ConfigError(f"--stations: no file matches {name!r}")
        found += files
    return found


def _described(
    held: Sequence[Holding], scans: Sequence[Scan], given: Sequence[str]
) -> tuple[str | None, list[str]]:
    """Table and StationXML of the stations: those given, else those found beside the data."""
    names = {".".join(one.codes.split(".")[:2]) for one in held}
    chosen = list(given) or list(_beside(scans, names))
    if not chosen:
        raise ConfigError(
            f"no stations: the data are of {len(names)} ({some(sorted(names), _SHOWN)}), and no"
            " file beside them describes these; give --stations: a CSV file with network, station,"
            " latitude, longitude, elevation_m, or StationXML"
        )
    parts = [path for path in chosen if is_table(Path(path))]
    if len(parts) > 1:
        raise ConfigError(
            f"--stations: {', '.join(parts)} given; allowed: one table and StationXML"
        )
    return next(iter(parts), None), [path for path in chosen if path not in parts]


def _beside(scans: Sequence[Scan], names: set[str]) -> Iterator[str]:
    """Of files in the folders of the data, above them and here, that table with most stations.

    Where no table has any, all StationXML or dataless SEED files that have some.
    """
    folders = dict.fromkeys(place for one in scans for place in _around(one.path.parent))
    candidates = [path for folder in folders for path in _candidates(folder)][:_MOST_CANDIDATES]
    counts = {path: _described_by(path, names) for path in dict.fromkeys(candidates)}
    best = max(counts, key=lambda path: counts[path], default=None)
    if best is None or not counts[best]:
        return
    if is_table(best):
        yield str(best)
    yield from (str(p) for p, n in counts.items() if n and not is_table(p))


def _around(folder: Path) -> Iterator[Path]:
    yield from (folder, folder.parent, Path())


def _candidates(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        small = path.is_file() and path.stat().st_size < _MOST_BYTES
        if small and path.suffix.lower() in _DESCRIBING and not path.name.startswith("."):
            yield Path(os.path.normpath(path))


def _described_by(path: Path, names: set[str]) -> int:
    """How many of some stations a file describes; 0 where it is something else."""
    table = is_table(path)
    try:
        known = metadata([] if table else [str(path)], str(path) if table else None)
    except (ConfigError, DataError):
        return 0
    stations = known.stations
    return len(names & set(stations["network"] + "." + stations["station"]))


def _source(waveforms: Sequence[str], scans: Sequence[Scan]) -> dict[str, object]:
    """The section `fetch.source` that reaches the readable files: SDS where they lie so."""
    read = [one.path for one in scans if not one.unreadable]
    roots = [_SDS.fullmatch(str(path)) for path in read]
    if all(roots):
        return {"kind": "sds", "roots": sorted({(one[1] if one else "") or "." for one in roots})}
    left = {one.path.suffix for one in scans if one.unreadable}
    suffixes = sorted({path.suffix for path in read})
    apart = bool(left) and len(suffixes) <= 3 and "" not in suffixes and not left & set(suffixes)
    return {"kind": "files", "paths": list(_patterns(waveforms, suffixes if apart else []))}


def _patterns(waveforms: Sequence[str], suffixes: Iterable[str]) -> Iterator[str]:
    """Glob patterns of `files`; `suffixes` are those of waveforms where other files lie beside."""
    for given in waveforms:
        plain = given.rstrip("/") or "/"
        plain = plain.replace("%", "%%")
        path = Path(given)
        endings = [f"*{suffix}" for suffix in suffixes] or ["*"]
        if path.is_dir():
            yield from (f"{plain}/**/{ending}" for ending in endings)
        elif Path(plain).name in ("**", "*") and suffixes:
            yield from (f"{plain}/{e}" if plain.endswith("**") else plain[:-1] + e for e in endings)
        else:
            yield plain
