"""What a raw file holds, channel by channel, read from its headers (any format of obspy)."""

from __future__ import annotations

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
import obspy
import pandas as pd
from obspy.io.mseed import InternalMSEEDError

from quakeline.core.clock import EVEN
from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Kind, Reason, cells
from quakeline.core.timeline import SECOND
from quakeline.io.formats import damaged_miniseed as records
from quakeline.io.formats import miniseed, nied, starts
from quakeline.io.formats.codes import PARTS, bare_id, normal_id
from quakeline.io.formats.plausible import require_memory, require_name, require_plausible

#: Gives codes NET.STA.LOC.CHA to a trace by those of its header and its number in the file, from
#: 1, and says whether the number matters; None: the header's codes are right.
Naming = Callable[[str, int], tuple[str, bool] | None]

_RATES_HZ = (0.01, 10_000.0)
_RATE_TOLERANCE = 0.005
#: Records of equal length, to this share, with less data than this in the time from one to the
#: next are fragments between gaps.
_EQUAL, _FRAGMENTS = 0.01, 0.95
#: First bytes of files in which recordings along fibres come, and what such a file is.
_OF_FIBRES = {b"\x89HDF\r\n\x1a\n": "HDF5", b"TDSm": "TDMS"}


@dataclass(frozen=True)
class ChannelHeader:
    """One channel of a file: codes, times of the first and last sample (ns), rate.

    `problem` says why it cannot be used, `notes` what else is to be said of it.

    `pieces`, shape (n, 2), int64, are the first and last sample (ns) of each gapless piece, in
    order of time. `header_codes` names the traces in the file whose codes are written in another
    way or not used: those of their header, and #NUMBER where the number of the trace in the file
    counts. `records`, shape (m, 2), int64, are the start (ns) and number of samples of each
    record, as far as they do not all follow from the first one and the rate.
    """

    network: str
    station: str
    location: str
    channel: str
    start_ns: int
    end_ns: int
    rate_hz: float
    n_samples: int
    problem: Reason | None
    notes: tuple[Reason, ...]
    header_codes: str = ""
    pieces: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64), compare=False)
    records: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64), compare=False)

    @property
    def codes(self) -> str:
        """NET.STA.LOC.CHA."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    def row(self, problem: Reason | None, notes: Iterable[Reason]) -> dict[str, Any]:
        """The channel's row of MANIFEST, but for its file; unused where there is a problem."""
        return {
            "network": self.network,
            "station": self.station,
            "location": self.location,
            "channel": self.channel,
            "header_codes": self.header_codes or None,
            "start": pd.Timestamp(self.start_ns, unit="ns", tz="UTC"),
            "end": pd.Timestamp(self.end_ns, unit="ns", tz="UTC"),
            "sampling_rate_hz": self.rate_hz,
            "n_samples": self.n_samples,
            "status": "unused" if problem else "data",
            **cells("reason", [problem] if problem else notes),
        }


def read_headers(path: Path, naming: Naming | None = None) -> list[ChannelHeader]:
    """Channels of a file. Raises DataError with the reason for one that cannot be read."""
    stream, notes = read_stream(path, headonly=True)
    notes = (*records.missing(stream, path), *notes)
    try:
        return headers_of(stream, notes, _named(stream, naming))
    except OverflowError:
        raise DataError(f"{path}: times outside of 1677 to 2262") from None


def _named(stream: Iterable[obspy.Trace], naming: Naming | None = None) -> dict[int, str]:
    """Give traces their codes; returns `header_codes` of those that had others, by identity."""
    given = {}
    for number, trace in enumerate(stream, 1):
        own, usual = trace.id, normal_id(trace.id)
        found = naming and (naming(own, number) or naming(usual, number))
        codes, numbered = found or (usual, False)
        if found or usual != own:
            parts = normal_id(codes).split(".")
            trace.stats.update(dict(zip(PARTS, parts, strict=True)))
            given[id(trace)] = f"{own}#{number}" if numbered else own
    return given


def traces_of(stream: Iterable[obspy.Trace]) -> list[ChannelHeader]:
    """A channel for each trace in memory; the traces stay as they are."""
    headers = []
    for trace in stream:
        copy = obspy.Trace(trace.data, trace.stats.copy())
        headers += headers_of([copy], renamed=_named([copy]))
    return headers


def chosen(stream: obspy.Stream, header_codes: str) -> list[obspy.Trace]:
    """The traces of a whole file that `ChannelHeader.header_codes` names."""
    match = re.fullmatch(r"(.*?)(?:#(\d+))?", header_codes)
    codes, number = match.groups() if match else (header_codes, None)
    numbered = enumerate(stream, 1)
    return [one for n, one in numbered if one.id == codes and number in (None, str(n))]


def headers_of(
    stream: Iterable[obspy.Trace],
    notes: tuple[Reason, ...] = (),
    renamed: Mapping[int, str] | None = None,
) -> list[ChannelHeader]:
    """Channels of traces; the notes go to each of them.

    `renamed` has the `header_codes` of traces that were given other codes, by their identity.
    """
    traces = defaultdict(list)
    for trace in stream:
        traces[trace.id, (renamed or {}).get(id(trace), "")].append(trace)
    headers = [_header(group, notes, origin) for (_, origin), group in sorted(traces.items())]
    return [_without_rivals(header, headers) for header in headers]


def without_doubles(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of MANIFEST, in which channels that only capital letters tell apart are not mixed.

    Where they have data at the same time, the one whose header has capital letters is used, else
    the first; the others are unused.
    """
    spelled: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        codes = ".".join(str(row.get(name)) for name in PARTS)
        own = bare_id(str(row.get("header_codes") or codes))
        if row["status"] == "data" and own.upper() == codes:  # else the user has named it
            spelled[codes][own].append(row)
    refused = {}
    for ways in spelled.values():
        kept: list[tuple[str, dict[str, Any]]] = []
        for own, group in sorted(ways.items()):  # capital letters come first
            rivals = [(other, row) for other, row in kept if other != own]
            for row in group:
                other = next((way for way, one in rivals if _at_once(row, one)), None)
                if other is None:
                    kept.append((own, row))
                else:
                    why = Reason.of(Code.ONLY_CAPITALS, codes=own, other=other)
                    refused[id(row)] = {"status": "unused", **cells("reason", [why])}
    return [{**row, **refused.get(id(row), {})} for row in rows]


def _at_once(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(row["start"] <= other["end"] and other["start"] <= row["end"])


def _without_rivals(header: ChannelHeader, others: list[ChannelHeader]) -> ChannelHeader:
    """Refuse a channel whose given codes another one of the file has at the same time."""
    if normal_id(header.header_codes) == header.codes:
        return header  # nothing but their spelling differs
    rivals = [
        one.header_codes
        for one in others
        if one.codes == header.codes
        and one is not header
        and one.start_ns <= header.end_ns
        and one.end_ns >= header.start_ns
    ]
    if not header.header_codes.partition(".")[2].partition(".")[0] and _overlap(header.pieces):
        rivals.append(header.header_codes)
    if not header.header_codes or not rivals or header.problem:
        return header
    one, other = header.header_codes, rivals[0] or header.codes
    why = Reason.of(Code.CODES_TWICE, codes=header.codes, one=one, other=other)
    return replace(header, problem=why)


def _overlap(pieces: np.ndarray) -> bool:
    """Whether pieces in order of time have any time in common."""
    return bool((pieces[1:, 0] <= pieces[:-1, 1]).any())


def read_stream(path: Path, **options: Any) -> tuple[obspy.Stream, tuple[Reason, ...]]:
    """Read a file with obspy; also returns what obspy warned about, but for incomplete records.

    Of a damaged miniSEED file the records that can be decoded are returned. Raises DataError with
    the reason for a file that cannot be read.
    """
    _require_content(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            stream, damage = _read(path, options)
        except DataError:
            raise
        except TypeError as error:
            unknown = str(error).startswith("Unknown format")
            reason = _as_of_fibres(path) if unknown else f": {_line(error)}"
            raise DataError(f"not a format that obspy reads{reason}") from error
        except Exception as error:  # readers of obspy raise many kinds for a damaged file
            if str(error).startswith("Cannot open file/files"):
                raise DataError("it holds no complete record") from error
            raise DataError(f"cannot be read: {_line(error)}") from error
    starts.mark(stream, path)
    warned = {_line(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)}
    notes = _summed_up(note for note in warned if not note.startswith(records.LOST))
    return stream, (*damage, *notes)


def _as_of_fibres(path: Path) -> str:
    """What to try with a file of a format in which recordings along fibres come; else nothing."""
    with path.open("rb") as file:
        head = file.read(max(map(len, _OF_FIBRES)))
    kinds = [kind for magic, kind in _OF_FIBRES.items() if head.startswith(magic)]
    return f", but {kinds[0]}: if it is of a fibre (DAS), quakeline init --fibre" if kinds else ""


def _summed_up(warned: Iterable[str]) -> list[Reason]:
    """One of several warnings that differ in numbers alone, and how many more there are."""
    kinds: dict[str, list[str]] = {}
    for text in sorted(warned):
        kinds.setdefault(re.sub(r"\d+", "0", text), []).append(text)
    return [
        Reason.of(Code.READER_WARNS_OFTEN, why=first, alike=len(more))
        if more
        else Reason.of(Code.READER_WARNS, why=first)
        for first, *more in kinds.values()
    ]


def _require_content(path: Path) -> None:
    require_name(path)
    if path.is_dir():
        may_not = "" if os.access(path, os.R_OK | os.X_OK) else " that may not be read"
        raise DataError(f"a folder{may_not}, not a file")
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):
            raise DataError("not an ordinary file")
        path.open("rb").close()
    except OSError as error:
        kind = "a link to a file that cannot be opened" if path.is_symlink() else "cannot be opened"
        raise DataError(f"{kind}: {error.strerror}") from error
    if found.st_size == 0:
        raise DataError("the file is empty")
    require_plausible(path)


def _read(path: Path, options: dict[str, Any]) -> tuple[obspy.Stream, tuple[Reason, ...]]:
    with suppress(miniseed.Unusual):
        return miniseed.read(path, **options), ()
    require_memory(path)
    try:
        return nied.with_seed_codes(obspy.read(escape(str(path)), **options)), ()
    except InternalMSEEDError:
        if options.get("headonly"):
            raise
        return records.salvage(path, **options)


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _header(
    traces: list[obspy.Trace], notes: tuple[Reason, ...], header_codes: str
) -> ChannelHeader:
    traces = sorted(traces, key=lambda trace: trace.stats.starttime.ns)
    stats = traces[0].stats
    pieces = [(int(one.stats.starttime.ns), _end_ns(one)) for one in traces]
    return ChannelHeader(
        network=stats.network,
        station=stats.station,
        location=stats.location,
        channel=stats.channel,
        start_ns=int(stats.starttime.ns),
        end_ns=max(end for _, end in pieces),
        rate_hz=float(stats.sampling_rate),
        n_samples=sum(int(trace.stats.npts) for trace in traces),
        problem=_problem(traces),
        notes=(*notes, *_fragments(traces)),
        header_codes=header_codes,
        pieces=np.array(pieces, np.int64),
        records=np.concatenate([_records_of(one) for one in traces]),
    )


def _end_ns(trace: obspy.Trace) -> int:
    """Time of the last sample, as the start of the last record says."""
    at, start_ns = starts.of(trace)[-1].tolist()
    rate_hz = float(trace.stats.sampling_rate)
    samples = max(int(trace.stats.npts) - 1 - at, 0)
    return int(start_ns) + (round(samples * SECOND / rate_hz) if rate_hz > 0 else 0)


def _records_of(trace: obspy.Trace) -> np.ndarray:
    """Starts and numbers of samples of the records of a whole trace, of one that is even as one."""
    known, rate_hz = starts.of(trace), float(trace.stats.sampling_rate)
    if not trace.stats.npts or not rate_hz > 0:
        return np.empty((0, 2), np.int64)
    late = np.diff(known[:, 1]) * (rate_hz / SECOND) - np.diff(known[:, 0])
    if not np.abs(np.cumsum(late)).max(initial=0.0) > EVEN:
        known = known[:1]
    counts = np.diff(np.append(known[:, 0], trace.stats.npts))
    return np.stack([known[:, 1], counts], axis=1)


def _problem(traces: list[obspy.Trace]) -> Reason | None:
    stats = traces[0].stats
    for name in ("station", "channel"):
        if not stats[name].strip("?"):
            return Reason.of(Code.NO_CODE, what=name)
    if not "".join(stats[name] for name in PARTS).isprintable():
        return Reason.of(Code.CODES_NO_TEXT, codes=repr(traces[0].id))
    if not any(trace.stats.npts for trace in traces):
        return Reason.of(Code.NO_SAMPLES)
    if stats.get("mseed", {}).get("encoding") == "ASCII":
        return Reason.of(Code.SAMPLES_ARE_TEXT)
    rate = float(stats.sampling_rate)
    least, most = _RATES_HZ
    if not least <= rate <= most:
        return Reason.of(Code.RATE_NOT_ALLOWED, rate_hz=rate, least_hz=least, most_hz=most)
    implied = _implied_rate(traces, rate)
    return implied if implied and implied.kind is Kind.UNUSED else None


def _fragments(traces: list[obspy.Trace]) -> list[Reason]:
    """A remark on regular fragments, whose rate cannot be checked."""
    rate = float(traces[0].stats.sampling_rate)
    implied = _implied_rate(traces, rate) if rate > 0 else None
    return [implied] if implied and implied.kind is Kind.REMARK else []


def _implied_rate(traces: list[obspy.Trace], rate: float) -> Reason | None:
    """Compare the header's rate with what the times of successive records imply.

    A wrong rate leaves every record on its own; pieces of several records are parted by gaps.
    Fragments that are recorded regularly leave them so too: their lengths do not follow the time
    to the next one as those of compressed records do, and there is much time between them.
    """
    alone = [trace.stats.get("mseed", {}).get("number_of_records") == 1 for trace in traces]
    if len(traces) < 4 or np.mean(alone) < 0.8:
        return None
    times = np.array([trace.stats.starttime.ns for trace in traces], dtype=float) / 1e9
    counts = np.array([trace.stats.npts for trace in traces[:-1]], dtype=float)
    steps = np.diff(times)
    if (steps <= 0).any():
        return None
    implied = counts / steps
    typical = float(np.median(implied))
    usual = np.abs(implied / typical - 1) < _RATE_TOLERANCE
    if np.mean(usual) <= 0.8 or abs(typical / rate - 1) <= _RATE_TOLERANCE:
        return None
    told = {"rate_hz": rate, "records": len(traces), "implied_hz": typical}
    equal = np.ptp(counts[usual]) <= _EQUAL * counts[usual].max()
    if equal and typical < _FRAGMENTS * rate:
        return Reason.of(Code.RATE_AMBIGUOUS, **told)
    return Reason.of(Code.RATE_CONTRADICTED, **told)
