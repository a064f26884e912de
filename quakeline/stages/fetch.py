"""The raw data of a chunk: which files hold them, and why data that were asked for are absent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from quakeline.preparation.settings import READ_AHEAD_S
from quakeline.section import Section
from quakeline.sources import Source
from quakeline.timeline import Span

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.io.headers import ChannelHeader

VERSION = 1

logger = logging.getLogger("quakeline")


class Config(Section):
    """Where the raw data come from."""

    source: Source = Field(description="the archive; its `kind` decides which keys follow")


def run(
    config: Config, *, chunk: str, margin_s: float, stations: Path, archive: str, manifest: Path
) -> None:
    """Write the manifest (MANIFEST) of a chunk: one row per file and channel.

    Rows with status `data` will be used; every other row says why it will not. Stations of the
    station table without any file in this chunk get a row of their own.
    """
    import pandas as pd

    from quakeline.io import tables
    from quakeline.schemas import MANIFEST, STATIONS

    span = Span.parse(chunk).widen(margin_s + READ_AHEAD_S)
    known = tables.read(stations, STATIONS)
    files = config.source.files(span)
    rows = [row for path in files for row in _rows(path, span, known)]
    rows += _silent(known, rows)
    frame = pd.DataFrame(rows) if rows else tables.empty(MANIFEST)
    _log(frame, len(files))
    tables.write(frame, MANIFEST, manifest)


def _rows(path: Path, span: Span, known: pd.DataFrame) -> list[dict[str, Any]]:
    from quakeline.errors import DataError
    from quakeline.io.headers import read_headers
    from quakeline.io.provenance import digest_file

    base: dict[str, Any] = {"path": str(path), "bytes": path.stat().st_size}
    try:
        headers = read_headers(path)
    except DataError as error:
        return [{**base, "status": "unreadable", "reason": str(error)}]
    inside = [h for h in headers if h.start_ns < span.end_ns and h.end_ns >= span.start_ns]
    if not inside:
        return []
    base["sha256"] = digest_file(path)
    return [{**base, **_row(header, known)} for header in inside]


def _row(header: ChannelHeader, known: pd.DataFrame) -> dict[str, Any]:
    import pandas as pd

    problem = header.problem or _unknown_station(header, known)
    return {
        "network": header.network,
        "station": header.station,
        "location": header.location,
        "channel": header.channel,
        "start": pd.Timestamp(header.start_ns, unit="ns", tz="UTC"),
        "end": pd.Timestamp(header.end_ns, unit="ns", tz="UTC"),
        "sampling_rate_hz": header.rate_hz,
        "n_samples": header.n_samples,
        "status": "unused" if problem else "data",
        "reason": problem or header.notes or None,
    }


def _unknown_station(header: ChannelHeader, known: pd.DataFrame) -> str:
    same_code = known[known["station"] == header.station]
    if (same_code["network"] == header.network).any():
        return ""
    name = f"{header.network}.{header.station}"
    networks = ", ".join(sorted(set(same_code["network"])))
    hint = f" (the code {header.station} exists in network {networks})" if networks else ""
    return f"station {name} has no coordinates: it is not in the station table{hint}"


def _silent(known: pd.DataFrame, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for stations of the table that no file of the chunk belongs to."""
    seen = {(row.get("network"), row.get("station")) for row in rows}
    codes = sorted(set(zip(known["network"], known["station"], strict=True)) - seen)
    reason = "no file of the archive holds data of this station in this chunk"
    return [
        {"network": network, "station": station, "status": "no data", "reason": reason}
        for network, station in codes
    ]


def _log(frame: pd.DataFrame, n_files: int) -> None:
    used = int((frame["status"] == "data").sum())
    logger.info("fetch: %d files searched, %d channel files hold data", n_files, used)
    refused = frame[frame["status"].isin(["unreadable", "unused"])]
    for (status, reason), group in refused.groupby(["status", "reason"]):
        first = group["path"].iloc[0]
        logger.warning("%s: %s (%d files, first: %s)", status, reason, len(group), first)
