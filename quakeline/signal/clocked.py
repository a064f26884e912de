"""Samples whose clock leaves the rate of their header, on a grid of absolute sample times.

Stretches in which the header's rate holds are resampled as any others
(`quakeline.signal.resample`), with a shift of their own; between them, and where the clock drifts,
the kernel is evaluated at the place of every output sample. All of it is local.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from quakeline.core.clock import EVEN, Clock
from quakeline.core.timeline import SECOND, first_sample, sample_time
from quakeline.signal.resample import interpolated, placing, reach_s, to_grid

#: Shorter stretches at the header's rate, in samples, are not worth a filter of their own.
_SHORT = 1024


def on_grid(samples: np.ndarray, clock: Clock, rate_out_hz: float) -> tuple[int, np.ndarray]:
    """Resample a gapless segment onto the absolute grid of a rate, as its clock says.

    Parameters
    ----------
    samples
        Shape (..., n), any numeric type, n >= 1; time is the last axis.
    clock
        When they were taken.
    rate_out_hz
        Sampling rate of the grid.

    Returns
    -------
    As `quakeline.signal.resample.to_grid`.
    """
    n, rate_hz = np.shape(samples)[-1], clock.rate_hz
    start_ns = clock.time_ns(0)
    if clock.even:
        return to_grid(samples, start_ns, rate_hz, rate_out_hz)
    tolerance_ns = round(EVEN * SECOND / rate_hz)
    first = first_sample(start_ns - tolerance_ns, rate_out_hz)
    end = first_sample(clock.time_ns(n - 1) + tolerance_ns + 1, rate_out_hz)
    values = np.empty((*np.shape(samples)[:-1], max(end - first, 0)))
    for begin, stop, shifted in _stretches(clock, n, first, end, rate_out_hz):
        here = slice(begin - first, stop - first)
        if shifted is None:
            values[..., here] = _freely(samples, clock, begin, stop, rate_out_hz)
        else:
            values[..., here] = _evenly(samples, clock, shifted, (begin, stop), rate_out_hz)
    return first, values


def _stretches(
    clock: Clock, n: int, first: int, end: int, rate_out_hz: float
) -> list[tuple[int, int, int | None]]:
    """Output samples [begin, stop) and a known sample whose shift holds there; None: none does."""
    late = clock.late
    found: list[tuple[int, int, int | None]] = []
    flat = np.abs(np.diff(late)) <= EVEN / 16
    flat &= np.diff(clock.at) >= _SHORT
    bounds = [first_sample(int(time), rate_out_hz) for time in clock.times_ns]
    edges: list[tuple[int, int, int | None]] = [(first, max(bounds[0], first), 0)]
    for k, (one, other) in enumerate(pairwise(bounds)):
        edges.append((one, other, k if flat[k] else None))
    edges.append((bounds[-1], end, len(bounds) - 1))
    for begin, stop, known in edges:
        lo, hi = max(begin, first), min(stop, end)
        if lo >= hi:
            continue
        if found and known is None and found[-1][2] is None:
            found[-1] = found[-1][0], hi, None
        else:
            found.append((lo, hi, known))
    return found


def _evenly(
    samples: np.ndarray, clock: Clock, known: int, span: tuple[int, int], rate_out_hz: float
) -> np.ndarray:
    """Output samples [begin, stop) where the shift of a known sample holds."""
    begin, stop = span
    n, rate_hz = np.shape(samples)[-1], clock.rate_hz
    at, time_ns = int(clock.at[known]), int(clock.times_ns[known])
    pad = int(reach_s(rate_hz, rate_out_hz) * rate_hz) + 3
    times = (sample_time(begin, rate_out_hz), sample_time(stop - 1, rate_out_hz))
    lo, hi = (at + (time - time_ns) * rate_hz / SECOND for time in times)
    lo, hi = max(int(lo) - pad, 0), min(int(hi) + pad + 1, n)
    if placing(hi - lo, time_ns, rate_hz, rate_out_hz).ratio is None:
        return _freely(samples, clock, begin, stop, rate_out_hz)
    start_ns = time_ns + round((lo - at) * SECOND / rate_hz)
    index, values = to_grid(samples[..., lo:hi], start_ns, rate_hz, rate_out_hz)
    return np.asarray(values[..., begin - index : stop - index])


def _freely(
    samples: np.ndarray, clock: Clock, begin: int, stop: int, rate_out_hz: float
) -> np.ndarray:
    """Output samples [begin, stop), each at its own place among the samples."""
    n, rate_hz = np.shape(samples)[-1], clock.rate_hz
    since_ns = sample_time(begin, rate_out_hz)
    places = clock.places(np.arange(stop - begin) * (SECOND / rate_out_hz), since_ns)
    pad = int(reach_s(rate_hz, rate_out_hz) * rate_hz) + 3
    lo, hi = max(int(places[0]) - pad, 0), min(int(places[-1]) + pad + 1, n)
    part = np.asarray(samples[..., lo:hi], dtype=float)
    return interpolated(part, places - lo, rate_hz / rate_out_hz)
