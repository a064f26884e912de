"""Amplitude ratios of S and P, where responses allow, and what mechanisms say of them.

Near a nodal plane P is weak and S strong, so that a ratio tells what a polarity cannot. Amplitudes
are the largest displacements, of all three components together, in windows around both picks.

Source: Hardebeck, J. L. & Shearer, P. M., 2003, Using S/P amplitude ratios to constrain the focal
mechanisms of small earthquakes, Bull. Seismol. Soc. Am. 93, 2434-2444; limits are those of HASH.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, first_sample
from quakeline.io.products import stores
from quakeline.signal.filters import butterworth, filtered
from quakeline.signal.wood_anderson import ORDERS

logger = logging.getLogger("quakeline")

#: S is larger than P by the cube of vp/vs, for one radiation coefficient; HASH's value.
SHARE = 4.9
#: Error of a logarithm of a ratio, and the fewest of them that limits count.
NOISE, _FEWEST = 0.3, 2.0
#: Smallest radiation coefficient, so that logarithms stay finite.
_LEAST = 1e-3
#: Amplitudes must exceed the noise by this factor, as in HASH.
_MIN_SNR = 3.0
_BAND_HZ, _ORDER = (1.0, 10.0), 4
#: Windows begin so long before a pick, and end so long after it, at most, in seconds.
_BEFORE_S, _AFTER_S = 0.1, 2.0
#: P is measured for so much of the time until S, which must be as long as this, in seconds.
_OF_S_MINUS_P, _LEAST_S_MINUS_P = 0.8, 0.5
#: Motion that is read before P, for noise and the filter, and after S.
_LEAD_S, _TAIL_S = 6.0, 3.0
_CODES = ["network", "station", "location", "instrument"]


def theoretical(null: np.ndarray, directions: np.ndarray, p_wave: np.ndarray) -> np.ndarray:
    """Logarithms (base 10) of S/P of double couples.

    Parameters
    ----------
    null
        Null axes of the mechanisms, (n, 3).
    directions
        Of the rays, (m, 3): north, east, down.
    p_wave
        Radiation coefficients of P, (n, m), 1 at most.
    """
    # Of a double couple M, |M g|^2 = 1 - (g b)^2 for a ray g and the null axis b; S is what P is
    # not of it.
    along = null.astype(np.float32) @ directions.T.astype(np.float32)
    s_wave = np.sqrt(np.clip(1 - along**2 - p_wave**2, _LEAST**2, None))
    return np.asarray(np.log10(SHARE * s_wave / np.maximum(np.abs(p_wave), _LEAST)))


def acceptable(misfit: np.ndarray, fits: np.ndarray, count: int) -> np.ndarray:
    """Which mechanisms HASH accepts by their ratios, among those that fit polarities.

    Parameters
    ----------
    misfit
        Sum of the differences of the logarithms, (n,).
    fits
        Whether polarities allow the mechanism, (n,); one at least does.
    count
        Ratios.
    """
    allowed = NOISE * max(count, _FEWEST)
    more = NOISE * max(count / 2, _FEWEST)
    good = fits & (misfit <= max(allowed, misfit.min() + more))
    if good.any():
        return np.asarray(good)
    return np.asarray(fits & (misfit <= max(allowed, misfit[fits].min() + more)))


def of_arrivals(pairs: pd.DataFrame, store_at: Callable[[int], Any | None]) -> pd.DataFrame:
    """Ratios of instruments that picked both P and S of an event, and recorded ground motion.

    Parameters
    ----------
    pairs
        event_id, pick_id, phase, time and the codes of instruments.
    store_at
        Gives the store of waveforms in which a time lies, in ns, or None.

    Returns
    -------
    pick_id, that of P, and `log_ratio`; instruments without a response or three components, with
    gaps or clipped samples, or of a low signal-to-noise ratio have no row: the log counts them.
    """
    own = pairs[pairs["source"] == "waveform"]
    keys = ["event_id", *_CODES]
    late = own[own["phase"] == "S"].drop_duplicates(keys)[[*keys, "time"]]
    both = own[own["phase"] == "P"].merge(late, on=keys, suffixes=("", "_s"))
    rows, why = [], Counter[str]()
    for _, pair in both.iterrows():
        ratio = _of_pair(pair, store_at)
        if isinstance(ratio, str):
            why[ratio] += 1
        else:
            rows.append((pair["pick_id"], ratio))
    told = "".join(f"; {count} {reason}" for reason, count in why.most_common())
    logger.info("mechanism: %d S/P ratios of %d arrivals of P and S%s", len(rows), len(both), told)
    return pd.DataFrame(rows, columns=["pick_id", "log_ratio"]).astype({"log_ratio": float})


def _of_pair(pair: pd.Series, store_at: Callable[[int], Any | None]) -> float | str:
    """The logarithm of S/P, or why there is none."""
    p_ns, s_ns = (int(pd.Timestamp(pair[name]).value) for name in ("time", "time_s"))
    store, apart_s = store_at(p_ns), (s_ns - p_ns) / SECOND
    label = ".".join(str(pair[name]) for name in _CODES)
    labels = [] if store is None else stores.labels_of(store, "instruments")
    if store is None or label not in labels:
        return "without kept waveforms"
    if apart_s < _LEAST_S_MINUS_P:
        return f"with S less than {_LEAST_S_MINUS_P:g} s after P"
    row = labels.index(label)
    units = str(dict(store.attrs["units"]).get(label, "counts"))
    if units not in ORDERS:
        return "without a response"
    if len(stores.labels_of(store, "components")) < 3:
        return "without three components"
    grid = stores.grid_of(store)
    lead = round(_LEAD_S * grid.rate_hz)
    onset = first_sample(p_ns - round(0.5 * SECOND / grid.rate_hz), grid.rate_hz)
    begin = onset - lead - grid.start_sample
    length = lead + round((apart_s + _TAIL_S) * grid.rate_hz)
    data, valid = stores.window(store, row, begin, begin + length)
    if not np.asarray(valid).all():
        return "with gaps, clipped samples or components that are not there"
    motion = np.asarray(data, dtype=float)
    found = log_ratio(motion, grid.rate_hz, lead, apart_s, ORDERS[units])
    return "below three times the noise" if found is None else found


def log_ratio(
    motion: np.ndarray, rate_hz: float, onset: int, apart_s: float, integrals: int
) -> float | None:
    """Logarithm of S/P of ground motion, (3, n); None where either is not above the noise.

    Parameters
    ----------
    motion
        Three components, with `_LEAD_S` before P.
    rate_hz, onset
        Samples per second; the sample of P.
    apart_s
        S minus P in seconds.
    integrals
        How often the motion is integrated to displacement.
    """
    # Filters look backwards only, so that no P gets into the noise before it.
    every, band = np.ones(motion.shape, dtype=bool), butterworth(*_BAND_HZ, _ORDER, rate_hz)
    wave = filtered(motion, every, band, zero_phase=False).astype(float)
    for _ in range(integrals):
        wave = np.cumsum(wave - wave[:, :onset].mean(axis=1, keepdims=True), axis=1) / rate_hz
        wave = filtered(wave, every, band, zero_phase=False).astype(float)
    size = np.sqrt((wave**2).sum(axis=0))
    before = round(_BEFORE_S * rate_hz)
    p_span = round(min(_OF_S_MINUS_P * apart_s, _AFTER_S) * rate_hz)
    later = onset + round(apart_s * rate_hz)
    noise = size[max(onset - 2 * before - p_span, 0) : onset - before].max()
    p_wave = size[onset - before : onset + p_span].max()
    s_wave = size[later - before : later + round(_AFTER_S * rate_hz)].max()
    if p_wave < _MIN_SNR * noise or s_wave < _MIN_SNR * noise or p_wave <= 0:
        return None
    return float(np.log10(s_wave / p_wave))
