"""Filters of windows against SciPy's, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from quakeline.events.measurement import recursive_filters
from quakeline.events.measurement.recursive_filters import filtered, sections

RATES = (20.0, 40.0, 50.0, 100.0, 125.0, 200.0, 500.0)


@pytest.mark.parametrize("rate_hz", RATES)
def test_sections_are_those_of_scipy(rate_hz: float) -> None:
    for low in (0.05, 0.5, 1.0, 2.0, 3.7, 5.0):
        np.testing.assert_array_equal(
            sections(low, None, rate_hz), butter(2, low, "highpass", fs=rate_hz, output="sos")
        )
        for high in (low * 1.1, low * 2, low * 4, 0.35 * rate_hz, 0.49 * rate_hz):
            if not low < high < 0.499 * rate_hz:
                continue
            theirs = butter(2, [low, high], "bandpass", fs=rate_hz, output="sos")
            ours = sections(low, high, rate_hz)
            if abs(low + high - rate_hz / 2) < 1e-9:  # no pole is nearer: either may come first
                shared = (np.convolve(one[0, :3], one[1, :3]) for one in (ours, theirs))
                np.testing.assert_allclose(*shared, atol=1e-15)
                continue
            np.testing.assert_array_equal(ours, theirs, f"{low} {high}")


def test_a_corner_above_the_nyquist_frequency_is_none() -> None:
    np.testing.assert_array_equal(sections(2.0, 60.0, 100.0), sections(2.0, None, 100.0))


@pytest.mark.parametrize("n_rows", [1, 3, 4, 9])
@pytest.mark.parametrize("with_numba", [True, False])
def test_rows_are_filtered_as_scipy_does(
    n_rows: int, with_numba: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_numba:
        monkeypatch.setattr(recursive_filters, "_kernel", lambda: None)
    rows = np.random.default_rng(2).normal(size=(n_rows, 700))
    kept = rows.copy()
    for band in ((1.0, None), (2.0, 8.0)):
        made = filtered(sections(*band, 100.0), rows[:, :600])
        np.testing.assert_array_equal(made, sosfilt(sections(*band, 100.0), rows[:, :600]))
    np.testing.assert_array_equal(rows, kept, "what is given stays as it is")
