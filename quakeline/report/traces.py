"""Samples of record sections, packed small enough to be part of the page."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from quakeline.core.timeline import SECOND
from quakeline.report.formatting import utc
from quakeline.report.record_sections import Curve, Mark, Record, Row

#: Bytes of packed samples in a page at most; further events have their drawn section alone.
MOST_BYTES = 3_000_000
#: Rate in Hz above which samples are thinned, after a low-pass.
MOST_HZ = 100.0
#: Steps of a sample within the median absolute amplitude of its trace, and within its largest.
_FINE, _LARGEST = 10, 32_767


def packed(records: list[Record]) -> dict[int, Any]:
    """What the page's script draws, by the number of the event, as JSON-like builtins.

    Events stay in order of their number of arrivals until `MOST_BYTES` are reached.
    """
    made, size = {}, 0
    for record in sorted(records, key=lambda one: -int(one.event["n_arrivals"])):
        event = _event(record)
        size += sum(len(trace["packed"]) for row in event["rows"] for trace in row["traces"])
        if size > MOST_BYTES:
            break
        made[int(record.event["number"])] = event
    return dict(sorted(made.items()))


def _event(record: Record) -> dict[str, Any]:
    origin = int(record.event["time_ns"])
    start, end = ((time - origin) / SECOND for time in (record.start_ns, record.end_ns))
    return {
        "zero": origin / 1e6,
        "name": f"Event {record.event['number']}, seconds after {utc(origin, 2)} UTC",
        "start": round(start, 4),
        "end": round(end, 4),
        "rows": [_row(row, start, end - start) for row in record.rows],
    }


def _row(row: Row, start_s: float, seconds: float) -> dict[str, Any]:
    return {
        "label": row.label,
        "where": row.where,
        "picks": [_pick(m, start_s, seconds) for m in row.marks if m.kind in ("own", "other")],
        "traces": [trace_of(curve, start_s, seconds) for curve in row.curves],
    }


def _pick(mark: Mark, start_s: float, seconds: float) -> dict[str, Any]:
    time = round(start_s + mark.place * seconds, 4)
    return {"phase": mark.phase, "t": time, "own": mark.kind == "own", "title": mark.title}


def trace_of(curve: Curve, start_s: float, seconds: float) -> dict[str, Any]:
    """One trace: its samples as `pack` packs them, and its stretches without data in s."""
    values, rate = thinned(curve.samples, curve.rate_hz)
    step, text = pack(values)
    return {
        "component": curve.component,
        "units": curve.peak.partition(" ")[2],
        "rate": rate,
        "start": round(start_s, 4),
        "step": step,
        "packed": text,
        "blanks": [
            [round(start_s + begin * seconds, 3), round(start_s + (begin + length) * seconds, 3)]
            for begin, length in curve.blanks
        ],
    }


def thinned(values: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]:
    """Samples at `MOST_HZ` or less, low-passed without delay, and their rate in Hz."""
    from scipy.signal import decimate

    factor = int(np.ceil(rate_hz / MOST_HZ - 1e-6))
    if factor < 2 or len(values) < 100:
        return values, rate_hz
    return np.asarray(decimate(values, factor, ftype="fir")), rate_hz / factor


def pack(values: np.ndarray) -> tuple[float, str]:
    """Samples in steps of one size, as text.

    The step is a tenth of the median amplitude, so that noise stays what it is, but never so small
    that the largest sample does not fit. Text is the base64 of zlib of the differences as 16-bit
    numbers, low bytes before high bytes.
    """
    size = np.abs(values)
    peak, typical = float(size.max(initial=0.0)), float(np.median(size)) if len(size) else 0.0
    step = max(typical / _FINE, peak / _LARGEST) or 1.0
    steps = np.rint(values / step).astype(np.int64)
    differences = np.diff(steps, prepend=0).astype(np.uint16).view(np.uint8).reshape(-1, 2)
    data = zlib.compress(np.ascontiguousarray(differences.T).tobytes(), 9)
    return step, base64.b64encode(data).decode()
