from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.signal

from quakeline.signal.tapers import tukey, without_trend


@pytest.mark.parametrize("n", [2, 3, 10, 51, 4003])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_window_is_that_of_scipy_to_the_bit(n: int, share: float) -> None:
    np.testing.assert_array_equal(tukey(n, share), scipy.signal.windows.tukey(n, share))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_trend_is_that_of_scipy_to_the_bit(kind: type) -> None:
    windows = np.random.default_rng(0).normal(size=(5, 400)).astype(kind).cumsum(axis=-1)
    found = without_trend(windows)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, scipy.signal.detrend(windows, axis=-1))


def test_trend_of_counts_is_that_of_floats() -> None:
    counts = np.arange(40).reshape(2, 20) ** 2
    np.testing.assert_array_equal(without_trend(counts), without_trend(counts.astype(float)))


def test_responses_and_spectra_need_no_library_of_filters() -> None:
    """Its import would take each such job four tenths of a CPU second."""
    program = """
import sys
import numpy as np
from quakeline.signal import response, spectra, wood_anderson
motion = np.random.default_rng(0).normal(size=(2, 600))
frequency = response.frequencies(100.0, 20.0)
kernel = response.inverse_filter(1e9 * frequency / (frequency + 1j), 100.0, 60.0, None, 20.0)
response.Local(kernel).to_grid(np.arange(9000.0), 0, 100.0, 100.0)
spectra.displacement(motion, 100.0, "m/s")
wood_anderson.simulate(motion, wood_anderson.kernel(100.0, "m/s"), 100.0)
print("scipy.fft" in sys.modules, "scipy.signal" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr
