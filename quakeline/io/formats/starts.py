"""The start of every record in the traces of a miniSEED file: readers keep only the first of each.

A trace is then right at its beginning, and as wrong at its end as the true rate differs from that
of the header.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import obspy
from pymseed import MiniSEEDError, MS3Record, sourceid2nslc

from quakeline.core.clock import STEP
from quakeline.core.timeline import SECOND
from quakeline.io.formats.quality_flags import starts_of

#: Starts in ns and numbers of samples of records, in order of time, and whether a record announces
#: a leap second.
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]

#: Records join to a trace with steps of at most this, in samples.
_MOST = STEP + 1e-3
_FILES_HELD = 4


def mark(stream: Iterable[obspy.Trace], path: Path) -> None:
    """Note in traces of a miniSEED file when their records began: `stats.mseed.starts`.

    It is of int64 and shape (m, 2), with a row for each record: the number of its first sample,
    which may lie before the first of the trace, and its start in ns. `stats.mseed.leaps` are the
    midnights (ns) of leap seconds that their headers announce, if any do. Traces whose records are
    not found stay as they are, and so do traces of other formats.
    """
    traces = [one for one in stream if "starts" not in one.stats.get("mseed", {"starts": 0})]
    traces = [one for one in traces if one.stats.npts and one.stats.sampling_rate > 0]
    if not traces:
        return
    found = path.stat()
    rows = _rows(str(path), found.st_mtime_ns, found.st_size)
    used: dict[str, np.ndarray] = {
        codes: np.zeros(len(starts), bool) for codes, (starts, _, _) in rows.items()
    }
    for trace in traces:
        if trace.id in rows:
            chosen = _chosen(trace, rows[trace.id], used[trace.id])
            if chosen is not None:
                _note(trace, rows[trace.id], chosen)


def of(trace: obspy.Trace) -> np.ndarray:
    """What `mark` noted in a trace; of any other trace its own start."""
    starts = trace.stats.get("mseed", {}).get("starts")
    return np.array([[0, int(trace.stats.starttime.ns)]]) if starts is None else starts


def announced(traces: Iterable[obspy.Trace]) -> set[int]:
    """Midnights (ns) of the leap seconds that records of traces announce, as `mark` noted them."""
    return {after for one in traces for after in one.stats.get("mseed", {}).get("leaps", ())}


@lru_cache(maxsize=_FILES_HELD)
def _rows(path: str, changed_ns: int, size: int) -> dict[str, Rows]:
    """Records by NET.STA.LOC.CHA; a file that changed is read again."""
    parts: dict[str, list[Rows]] = defaultdict(list)
    for name, some in starts_of(Path(path)).items():
        text = name.ljust(12).decode("latin-1")
        fields = text[10:12], text[:5], text[5:7], text[7:10]
        parts[".".join(field.strip(" \0") for field in fields)].append(some)
    return {codes: _sorted(some) for codes, some in (parts or _one_by_one(path)).items()}


def _one_by_one(path: str) -> dict[str, list[Rows]]:
    """Records of miniSEED 3, or of several lengths, as far as they can be read."""
    rows: dict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    try:
        for record in MS3Record.from_file(path):
            if record.samplecnt > 0:
                codes = ".".join(sourceid2nslc(record.sourceid))
                leap = '"LeapSecond"' in (record.extra or "")  # of FDSN.Time: 1, or -1
                rows[codes].append((record.starttime, record.samplecnt, leap))
    except (MiniSEEDError, ValueError):
        pass  # the reader of the samples says what is wrong with the file
    arrays = {codes: np.array(some, np.int64) for codes, some in rows.items()}
    return {codes: [(some[:, 0], some[:, 1], some[:, 2] > 0)] for codes, some in arrays.items()}


def _sorted(parts: list[Rows]) -> Rows:
    starts, counts, leaps = (np.concatenate(list(some)) for some in zip(*parts, strict=True))
    order = np.argsort(starts, kind="stable")
    return starts[order], counts[order], leaps[order]


def _note(trace: obspy.Trace, rows: Rows, chosen: np.ndarray) -> None:
    """Write into a trace what its records, of these numbers, say of its times."""
    starts, counts, leaps = (some[chosen] for some in rows)
    elapsed = (int(trace.stats.starttime.ns) - int(starts[0])) * trace.stats.sampling_rate / SECOND
    at = np.cumsum(counts) - counts - round(elapsed)
    trace.stats.mseed["starts"] = np.stack([at, starts], axis=1)
    if leaps.any():
        midnights = np.unique(-(-starts[leaps] // (86_400 * SECOND))) * 86_400 * SECOND
        trace.stats.mseed["leaps"] = tuple(midnights.tolist())


def _chosen(trace: obspy.Trace, rows: Rows, used: np.ndarray) -> np.ndarray | None:
    """Numbers of the records of a trace, which are then `used`; None where they are not found."""
    starts, counts, _ = rows
    rate, n = float(trace.stats.sampling_rate), int(trace.stats.npts)
    begin = int(trace.stats.starttime.ns)
    half = round(0.5 * SECOND / rate)
    first = int(np.searchsorted(starts, begin + half, "right")) - 1
    while first > 0 and (used[first] and starts[first - 1] == starts[first]):
        first -= 1
    if first < 0:
        return None
    before = round((begin - int(starts[first])) * rate / SECOND)
    if not 0 <= before < counts[first]:
        return None
    chosen = _in_a_row(starts[first:], counts[first:], before + n, rate)
    if chosen is None:
        chosen = _one_after_the_other(starts, counts, used, first, before + n, rate)
        if chosen is None:
            return None
    else:
        chosen = chosen + first
    used[chosen] = True
    return chosen


def _joins(late: np.ndarray | float, rate_hz: float) -> np.ndarray:
    """Whether steps are such as readers join: small, or a leap second."""
    return np.asarray((np.abs(late) <= _MOST) | (np.abs(late + rate_hz) <= _MOST))


def _in_a_row(starts: np.ndarray, counts: np.ndarray, n: int, rate_hz: float) -> np.ndarray | None:
    """Numbers of records from the first on that hold n samples, if they follow each other."""
    end = int(np.searchsorted(np.cumsum(counts), n)) + 1
    if end > len(counts):
        return None
    late = np.diff(starts[:end]) * (rate_hz / SECOND) - counts[: end - 1]
    return np.arange(end) if _joins(late, rate_hz).all() else None


def _one_after_the_other(
    starts: np.ndarray, counts: np.ndarray, used: np.ndarray, first: int, n: int, rate_hz: float
) -> np.ndarray | None:
    """The same where records of several traces have a time in common."""
    chosen, held = [first], int(counts[first])
    half = round(_MOST * SECOND / rate_hz)
    while held < n:
        end = int(starts[chosen[-1]]) + round(int(counts[chosen[-1]]) * SECOND / rate_hz)
        lo, hi = np.searchsorted(starts, [end - half, end + half])
        free = [k for k in range(int(lo), int(hi)) if k != chosen[-1] and not used[k]]
        if not free:
            return None
        chosen.append(min(free, key=lambda k: abs(int(starts[k]) - end)))
        held += int(counts[chosen[-1]])
    return np.array(chosen)
