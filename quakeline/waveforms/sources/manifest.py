"""What a source has of a span of time, by channel, and why the rest is absent (MANIFEST)."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import Span, iso
from quakeline.io.formats.plausible import shown
from quakeline.io.formats.waveform_files import ChannelHeader, read_headers, without_doubles
from quakeline.io.products import tables
from quakeline.io.products.provenance import digest_file
from quakeline.waveforms.sources.base import BaseSource, Notify, ignored

#: Rates of header and station metadata that differ by a smaller share are the same.
_RATE_TOLERANCE = 0.005

logger = logging.getLogger("quakeline")


def manifest_of(
    source: BaseSource,
    span: Span,
    known: pd.DataFrame,
    folder: Path,
    notify: Notify = ignored,
) -> pd.DataFrame:
    """MANIFEST of a span: a row for each file and channel.

    Rows with status `data` can be used; every other row says why it cannot. Stations of the station
    table without any file in the span get a row of their own.

    Parameters
    ----------
    source
        Where the data are.
    span
        What is read, margins included.
    known
        STATIONS: the stations of the run.
    folder
        For data that are downloaded, unless the source names another.
    notify
        Is called after each request of a download.

    Raises
    ------
    DataError
        The archive is empty, or its server does not exist.
    """
    obtained = source.obtain(span, known, folder, notify)
    rows, elsewhere = list(obtained.rows), []
    for path in obtained.files:
        found, outside = _rows(path, span, known, source)
        rows += found
        elsewhere += outside
    rows = without_doubles(rows)
    rows += _silent(known, rows, elsewhere)
    frame = pd.DataFrame(rows) if rows else tables.empty(MANIFEST)
    _log(frame, len(obtained.files))
    return frame


def _rows(
    path: Path, span: Span, known: pd.DataFrame, source: BaseSource
) -> tuple[list[dict[str, Any]], list[ChannelHeader]]:
    """Rows of a file's channels inside the span, and the headers of those outside."""
    base: dict[str, Any] = {"path": shown(path)}
    try:
        headers = read_headers(path, partial(source.named, path))
    except DataError as error:
        why = [Reason.of(Code.UNREADABLE, why=str(error)), *source.remarks(path, "")]
        return [{**base, "status": "unreadable", **cells("reason", why)}], []
    inside = [h for h in headers if h.start_ns < span.end_ns and h.end_ns >= span.start_ns]
    outside = [h for h in headers if h.start_ns >= span.end_ns or h.end_ns < span.start_ns]
    if inside:
        base |= {"bytes": path.stat().st_size, "sha256": digest_file(path)}
    said = {header.codes: source.remarks(path, header.codes) for header in inside}
    return [{**base, **_row(header, known, said[header.codes])} for header in inside], outside


def _row(header: ChannelHeader, known: pd.DataFrame, remarks: list[Reason]) -> dict[str, Any]:
    problem = header.problem or _unknown_station(header, known)
    if problem and problem.code is Code.NO_CODE:
        problem = replace(problem, code=Code.NO_CODE_GIVEN)
    return header.row(problem, [*header.notes, *_other_rate(header, known), *remarks])


def alike_stations(station: str, known: pd.DataFrame) -> list[str]:
    """NET.STA of stations (STATIONS) with a code, whatever their networks and capital letters."""
    alike = known[known["station"].str.upper() == station.upper()]
    return sorted(set(alike["network"] + "." + alike["station"]))


def _unknown_station(header: ChannelHeader, known: pd.DataFrame) -> Reason | None:
    station, alike = f"{header.network}.{header.station}", alike_stations(header.station, known)
    if station in alike:
        return None
    if alike:
        return Reason.of(Code.NO_COORDINATES_ALIKE, station=station, alike=", ".join(alike))
    return Reason.of(Code.NO_COORDINATES, station=station)


def _other_rate(header: ChannelHeader, known: pd.DataFrame) -> list[Reason]:
    """Compare the rates of header and station metadata; the header's is used."""
    codes = {name: getattr(header, name) for name in ("network", "station", "location", "channel")}
    same = (known[list(codes)] == list(codes.values())).all(axis=1)
    rates = known.loc[same & (known["sampling_rate_hz"] > 0), "sampling_rate_hz"]
    if rates.empty or (abs(rates / header.rate_hz - 1) < _RATE_TOLERANCE).any():
        return []
    return [Reason.of(Code.RATE_DIFFERS, rate_hz=header.rate_hz, stated_hz=rates.iloc[0])]


def _silent(
    known: pd.DataFrame, rows: list[dict[str, Any]], elsewhere: list[ChannelHeader]
) -> list[dict[str, Any]]:
    """Rows for stations of the table that no file of the chunk belongs to."""
    seen = {(row.get("network"), row.get("station")) for row in rows}
    codes = sorted(set(zip(known["network"], known["station"], strict=True)) - seen)
    return [
        {"network": n, "station": s, "status": "no data", **cells("reason", [why])}
        for n, s in codes
        for why in [_why_silent(n, s, elsewhere)]
    ]


def _why_silent(network: str, station: str, elsewhere: list[ChannelHeader]) -> Reason:
    own = [h for h in elsewhere if (h.network, h.station) == (network, station)]
    if not own:
        return Reason.of(Code.NO_FILE)
    first, last = min(h.start_ns for h in own), max(h.end_ns for h in own)
    return Reason.of(Code.OTHER_TIMES, first=iso(first, digits=0), last=iso(last, digits=0))


def _log(frame: pd.DataFrame, n_files: int) -> None:
    used = int((frame["status"] == "data").sum())
    logger.info("fetch: %d files searched, %d channel files hold data", n_files, used)
    refused = frame[frame["status"].isin(["unreadable", "unused"])]
    for (status, reason), group in refused.groupby(["status", "reason"]):
        first = group["path"].iloc[0]
        logger.warning("%s: %s (%d files, first: %s)", status, reason, len(group), first)
