import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import irfft, rfft

from quakeline.signal.longtransform import LongTransform
from quakeline.signal.transform import folded, repeated


def plain(samples, half, up, down):
    """The same in one long transform, in the usual order."""
    spectrum = folded(repeated(rfft(samples), up) * half, down)
    return irfft(spectrum, len(samples) * up // down)


def noise(length, up):
    rng = np.random.default_rng(length)
    half = rng.normal(size=length * up // 2 + 1) + 1j * rng.normal(size=length * up // 2 + 1)
    return rng.normal(size=length), half


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 400))
@settings(deadline=None, max_examples=60)
def test_the_result_is_that_of_one_long_transform(up, down, size):
    length = 2 * down * size
    samples, half = noise(length, up)
    transform = LongTransform(length, up, down)
    found = transform.apply(samples.copy(), transform.in_order(half))
    expected = plain(samples, half, up, down)
    assert np.abs(found - expected).max() < 1e-13 * np.abs(expected).max()


@pytest.mark.parametrize(("length", "up", "down"), [(1_000_000, 1, 1), (960_000, 1, 2)])
def test_a_long_segment(length, up, down):
    samples, half = noise(length, up)
    transform = LongTransform(length, up, down)
    assert transform.rows >= 800
    found = transform.apply(samples.copy(), transform.in_order(half))
    expected = plain(samples, half, up, down)
    assert np.abs(found - expected).max() < 1e-13 * np.abs(expected).max()


@pytest.mark.parametrize("length", [2, 26, 2 * 499, 2 * 3 * 467])
def test_lengths_that_hardly_divide(length):
    samples, half = noise(length, 1)
    transform = LongTransform(length)
    found = transform.apply(samples.copy(), transform.in_order(half))
    assert np.abs(found - plain(samples, half, 1, 1)).max() < 1e-12
