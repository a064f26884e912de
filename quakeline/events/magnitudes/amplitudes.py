"""Amplitudes of the stations of an event, from what was measured around their picks.

The amplitude is the largest zero-to-peak Wood-Anderson deflection between half a second before S
and some seconds after, on each horizontal by itself. S is the pick, else where the origin, P and
vp/vs put it. The window ends before the next event's first arrival at the station, and the
amplitude must stand out of what was before P.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.events.magnitudes.instruments import Seen
from quakeline.events.magnitudes.settings import Settings

_LEAD_S = 0.5
_GUARD_S = 0.5
_FEWEST_NOISE_BINS = 3
_NO_REASON = cells("reason", [])


@dataclass(frozen=True)
class _Sketch:
    """Bins of one component around a pick: centres in s after the origin, peaks in mm."""

    centres: np.ndarray
    half_s: float
    peaks_mm: np.ndarray | None

    def within(self, begin: float, end: float) -> np.ndarray:
        """Peaks of the bins whose centres lie in [begin, end]; none without a response."""
        if self.peaks_mm is None:
            return np.zeros(0)
        return self.peaks_mm[(self.centres >= begin) & (self.centres <= end)]


def stations_of(instruments: Iterable[Seen], settings: Settings) -> pd.DataFrame:
    """Amplitudes or reasons, a row for each event and instrument, without magnitudes.

    The columns are those of STATION_MAGNITUDES but for magnitude and correction, and
    `epicentral_km`.
    """
    columns: dict[str, list[Any]] = {}
    for one in instruments:
        for name, value in {**one.place, **_measured(one, settings)}.items():
            columns.setdefault(name, []).append(value)
    return pd.DataFrame(columns) if columns else pd.DataFrame(columns=["event_id", *_NO_REASON])


def _measured(seen: Seen, settings: Settings) -> dict[str, Any]:
    """Amplitude, components and ratio, or the reason why there is none, of one instrument."""
    leading = seen.leading
    result: dict[str, Any] = {
        "pick_id": leading.pick_id,
        "components": "",
        "wood_anderson_mm": np.nan,
        "snr": np.nan,
        **_NO_REASON,
    }
    rows = seen.rows[str(leading.pick_id)]
    usable = [name for name in settings.components if name in rows]
    unfit = seen.unusable or _unfit(rows, usable)
    if unfit:
        return {**result, **_why(unfit)}
    p_s, s_s = seen.onsets(settings.vp_vs)
    span = _span(p_s, s_s, float(leading.next_s), settings)
    if span is None:
        return {**result, **_why(Code.CROWDED)}
    found: list[Any] = []
    reasons: list[Code] = []
    for name in usable:
        lead = _sketch(rows[name], float(leading.travel_s))
        before = seen.around("P").get(name)
        early = _sketch(before, p_s) if before is not None else lead
        answer = _component(lead, early, span, p_s, settings.min_snr)
        if isinstance(answer, Code):
            reasons.append(answer)
        else:
            found.append((name, answer))
    if not found:
        return {**result, **_why(reasons[0])}
    amplitudes, ratios = zip(*(answer for _, answer in found), strict=True)
    return {
        **result,
        "components": "".join(name for name, _ in found),
        "wood_anderson_mm": float(10 ** np.mean(np.log10(amplitudes))),
        "snr": float(min(ratios)),
    }


def _unfit(rows: dict[str, Any], usable: Sequence[str]) -> Code | None:
    """Why what was measured around a pick, by component, holds no amplitude that counts."""
    if not rows:
        return Code.NOT_MEASURED
    if all(row.wood_anderson_mm is None for row in rows.values()):
        return Code.COUNTS_ONLY
    return None if usable else Code.NO_COMPONENT


def _why(code: Code) -> dict[str, str | None]:
    return cells("reason", [Reason.of(code)])


def _span(p_s: float, s_s: float, next_s: float, settings: Settings) -> tuple[float, float] | None:
    """The S window; None where the next event leaves less than its shortest length."""
    shortest, longest = settings.window_s
    length = float(np.clip(settings.window_factor * (s_s - p_s), shortest, longest))
    end = min(s_s + length, next_s - _GUARD_S)
    return (s_s - _LEAD_S, end) if end >= s_s + min(shortest, length) else None


def _sketch(row: Any, onset_s: float) -> _Sketch:
    values = row.wood_anderson_mm
    peaks = None if values is None else np.asarray(values, dtype=float)
    n = len(row.rms)
    centres = onset_s + row.first_bin_s + row.bin_s * (np.arange(n) + 0.5)
    return _Sketch(centres, row.bin_s / 2, peaks)


def _component(
    lead: _Sketch, early: _Sketch, span: tuple[float, float], p_s: float, min_snr: float
) -> tuple[float, float] | Code:
    """Amplitude in mm and its ratio to the noise, or why there is none."""
    if lead.peaks_mm is None:
        return Code.COUNTS_ONLY
    if span[1] > lead.centres[-1] + 2 * lead.half_s:
        return Code.WINDOW_TOO_SHORT
    signal = lead.within(*span)
    if not len(signal) or not np.isfinite(signal).all():
        return Code.S_WINDOW_SPOILT
    noise = next(_noises(early, lead, span, p_s), None)
    if noise is None:
        return Code.NO_NOISE
    amplitude = float(signal.max())
    ratio = amplitude / noise if noise > 0 else np.inf
    return (amplitude, float(ratio)) if ratio >= min_snr else Code.AMPLITUDE_WEAK


def _noises(
    early: _Sketch, lead: _Sketch, span: tuple[float, float], p_s: float
) -> Iterator[float]:
    """Medians of the bins before P, else before S, where there are enough of them."""
    for sketch, end in ((early, p_s - _GUARD_S), (lead, span[0])):
        bins = sketch.within(-np.inf, end - sketch.half_s)
        bins = bins[np.isfinite(bins)]
        if len(bins) >= _FEWEST_NOISE_BINS:
            yield float(np.median(bins))
