import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import upfirdn

from quakeline.signal.resample import to_grid
from quakeline.signal.response import Local, apply, frequencies, inverse_filter
from quakeline.signal.transform import fast_length, folded, repeated

START = 1_274_977_440_000_000_000


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_a_spectrum_is_repeated_and_folded_as_samples_are_added_and_left_out(up, down, size):
    n = 2 * down * size
    samples = np.random.default_rng(0).normal(size=n)
    zeros_put_in = upfirdn([1.0], np.append(samples, 0.0), up)[: n * up]
    found = folded(repeated(np.fft.rfft(samples), up), down)
    assert np.abs(np.fft.irfft(found, n * up // down) - zeros_put_in[::down]).max() < 1e-12


@pytest.mark.parametrize(("shortest", "up", "down"), [(10, 1, 1), (1000, 4, 3), (99_991, 2, 5)])
def test_fast_lengths_serve_both_rates(shortest, up, down):
    length = fast_length(shortest, up, down)
    assert shortest <= length < 1.1 * shortest + 4 * down
    assert length % 2 == 0
    assert (length * up) % (2 * down) == 0


@pytest.mark.parametrize("late_ns", [0, 3_721_000])
@pytest.mark.parametrize("rate", [100.0, 200.0, 50.0, 250.0, 62.5, 40.0, 75.19])
@pytest.mark.parametrize("seconds", [0.5, 30, 1300])
def test_one_transform_gives_what_filter_and_resampling_give(rate, late_ns, seconds):
    noise = np.random.default_rng(1).normal(size=round(seconds * rate)).cumsum() + 1e5
    at = frequencies(rate, 3.0)
    kernel = inverse_filter(1 + 1j * at, rate, None, None, 3.0)
    first, values = Local(kernel).to_grid(noise, START + late_ns, rate, 100.0)
    then, expected = to_grid(apply(noise, kernel), START + late_ns, rate, 100.0)
    assert (first, len(values)) == (then, len(expected))
    # Beyond its ends the segment goes on with its last count, not with its last motion.
    edge = 330 if len(values) > 2000 else 60
    if len(values) > 2 * edge:
        inner = np.abs(values - expected)[edge:-edge]
        assert inner.max() < 1e-12 * np.abs(expected).max()
    assert np.isfinite(values).all()


def test_input_is_not_changed():
    samples = np.arange(5000, dtype=np.int32)
    samples.setflags(write=False)
    kernel = inverse_filter(np.ones(len(frequencies(100.0, 2.0))), 100.0, None, None, 2.0)
    assert len(Local(kernel).to_grid(samples, START, 100.0, 100.0)[1]) == 5000
