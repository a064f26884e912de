"""Picks as rows of JSON, and back."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, iso
from quakeline.io.products import tables
from quakeline.live.lines import plain
from quakeline.live.results import Picks

#: What arrives so much later, in seconds, was recorded long ago: how late it is is not said.
OLD_S = 86_400.0


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of a file of lines as PICKS. Raises KeyError, TypeError or ValueError for others."""
    frame = pd.DataFrame(rows)
    frame["time"] = pd.to_datetime(frame.pop("time_ns").astype("int64"), unit="ns", utc=True)
    return frame[[name for name in PICKS.names if name in frame]]


def data_ns_of(row: dict[str, Any]) -> int:
    """When the last packet came that a pick had to wait for (ns), at most `OLD_S` after it."""
    return int(row["time_ns"]) + round(float(row.get("data_latency_s", OLD_S)) * SECOND)


def rows_of(picks: Picks, table: pa.Table | None = None) -> list[dict[str, Any]]:
    """Picks as JSON-like rows: times as text and as ns, nothing for what is null.

    `table` are their rows as `tables.conform` gives them, if somebody has them.
    """
    table = tables.conform(picks.frame, PICKS) if table is None else table
    rows = []
    times = table["time"].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_pylist()
    records = table.drop_columns("time").to_pylist()
    latencies = picks.data_ns.tolist(), picks.computing_s.tolist()
    for time_ns, row, data_ns, computing_s in zip(times, records, *latencies, strict=True):
        told = {
            name: plain(value)
            for name, value in row.items()
            if value is not None and value == value  # NaN is not
        }
        told |= {
            "time": iso(time_ns, 6),
            "time_ns": time_ns,
            "computing_latency_s": round(computing_s, 6),
        }
        if (late_s := (data_ns - time_ns) / SECOND) < OLD_S:
            told["data_latency_s"] = round(late_s, 6)
        rows.append(told)
    return rows
