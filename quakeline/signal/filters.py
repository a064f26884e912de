"""Butterworth filters on samples with gaps."""

from __future__ import annotations

import numpy as np
import scipy

from quakeline.signal.gaps import runs_of


def butterworth(
    low_hz: float | None, high_hz: float | None, order: int, rate_hz: float
) -> np.ndarray:
    """Second-order sections of a Butterworth filter that passes low_hz to high_hz.

    None leaves that side open; a high corner at or above the Nyquist frequency counts as none.
    Raises ValueError when nothing is left to filter.
    """
    high = None if high_hz is None or high_hz >= 0.499 * rate_hz else high_hz
    if low_hz is not None and high is not None:
        sections = scipy.signal.butter(order, [low_hz, high], "bandpass", fs=rate_hz, output="sos")
    elif low_hz is not None:
        sections = scipy.signal.butter(order, low_hz, "highpass", fs=rate_hz, output="sos")
    elif high is not None:
        sections = scipy.signal.butter(order, high, "lowpass", fs=rate_hz, output="sos")
    else:
        raise ValueError("a filter needs a corner below the Nyquist frequency")
    return np.asarray(sections)


def filtered(
    data: np.ndarray, valid: np.ndarray, sections: np.ndarray, *, zero_phase: bool
) -> np.ndarray:
    """Filter each gapless run of each component by itself; gaps are zero.

    The filter starts as if the first sample of a run had lasted for ever before it, so that an
    offset leaves no step. `zero_phase` runs it forwards and then backwards.

    Parameters
    ----------
    data, valid
        Shape (components, samples).
    sections
        From `butterworth`.

    Returns
    -------
    A new array like `data`, float32.
    """
    result = np.zeros(data.shape, dtype=np.float32)
    for component in range(len(data)):
        for start, stop in runs_of(valid[component]):
            run = _once(data[component, start:stop].astype(float), sections)
            if zero_phase:
                run = _once(run[::-1], sections)[::-1]
            result[component, start:stop] = run
    return result


def _once(samples: np.ndarray, sections: np.ndarray) -> np.ndarray:
    state = scipy.signal.sosfilt_zi(sections) * samples[0]
    return np.asarray(scipy.signal.sosfilt(sections, samples, zi=state)[0])
