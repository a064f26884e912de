"""Rows of the COVERAGE table: what was found of a component, done to it, and refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.signal.gaps import runs_of
from quakeline.waveforms.preparation.rotation import Component


@dataclass(frozen=True)
class Window:
    """The samples [begin, end) of a grid that are the chunk without its margins, and their rate."""

    begin: int
    end: int
    rate_hz: float

    def row(self, key: tuple[str, ...], component: Component) -> dict[str, Any]:
        """One row; `key` are the codes of the instrument from network to band."""
        valid = component.valid[self.begin : self.end]
        gaps = [] if component.unused else _inner_gaps(valid)
        share = 0.0 if component.unused else np.count_nonzero(valid) / max(len(valid), 1)
        found = [component.unused or _response_of(component), *component.notes]
        return {
            **dict(zip(("network", "station", "location", "instrument"), key, strict=True)),
            "component": component.name,
            "channels": ", ".join(sorted(component.channels)),
            "input_rate_hz": max(component.rates, default=None),
            "coverage": share,
            "n_gaps": len(gaps),
            "longest_gap_s": max(gaps, default=0) / self.rate_hz,
            "clipped_s": self._seconds(component.clipped),
            "units": component.units,
            "status": "unused" if component.unused else "used",
            **cells("notes", found),
        }

    def _seconds(self, runs: np.ndarray) -> float:
        marks = np.zeros(self.end - self.begin, bool)
        for first, end in np.clip(runs - self.begin, 0, len(marks)):
            marks[first:end] = True
        return float(marks.sum()) / self.rate_hz


def united(runs: np.ndarray) -> np.ndarray:
    """Runs (m, 2) of samples in order, those that touch or overlap as one."""
    result: list[list[int]] = []
    for first, end in sorted(runs.tolist()):
        if result and first <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([first, end])
    return np.array(result, dtype=np.int64).reshape(-1, 2)


def unused_row(row: pd.Series, reason: Reason) -> dict[str, Any]:
    """The row of a channel that is not prepared, from its row of the manifest."""
    return {
        "network": row["network"],
        "station": row["station"],
        "location": row["location"],
        "instrument": row["instrument"],
        "component": row["channel"][-1:],
        "channels": row["channel"],
        "input_rate_hz": row["sampling_rate_hz"],
        "coverage": 0.0,
        "n_gaps": 0,
        "longest_gap_s": 0.0,
        "clipped_s": None,
        "units": "counts",
        "status": "unused",
        **cells("notes", [reason]),
    }


def _inner_gaps(valid: np.ndarray) -> list[int]:
    """Lengths in samples of the gaps between valid samples."""
    runs = runs_of(~valid)
    inner = runs[(runs[:, 0] > 0) & (runs[:, 1] < len(valid))]
    return [int(stop - start) for start, stop in inner]


def _response_of(component: Component) -> Reason:
    return Reason.of(Code.NO_RESPONSE if component.units == "counts" else Code.RESPONSE_REMOVED)
