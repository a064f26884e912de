import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.signal.response import apply, frequencies, inverse_filter

RATE = 50.0
REACH_S = 20.0
GAIN = 4e8


def sensor(frequency, corner_hz):
    """A geophone or seismometer: flat to velocity above its corner, damping 0.7."""
    w, corner = 2 * np.pi * frequency, 2 * np.pi * corner_hz
    return GAIN * -(w**2) / (corner**2 - w**2 + 2j * 0.707 * corner * w)


def transfer(kernel, at_hz):
    """Complex gain of a filter at some frequencies."""
    half = len(kernel) // 2
    times = np.arange(-half, half + 1) / RATE
    return np.exp(-2j * np.pi * np.asarray(at_hz)[:, None] * times) @ kernel


def kernel_of(corner_hz, water_level_db=60.0, corners_hz=None):
    response = sensor(frequencies(RATE, REACH_S), corner_hz)
    return inverse_filter(response, RATE, water_level_db, corners_hz, REACH_S)


@pytest.mark.parametrize("corner_hz", [1 / 120, 1 / 30, 1.0, 4.5])
def test_the_filter_is_the_inverse_of_the_response(corner_hz):
    kernel = kernel_of(corner_hz)
    fast, slow = np.array([1.0, 2.0, 5.0, 12.0, 20.0]), np.array([0.2, 0.3, 0.5])
    # At 4.5 Hz the sensor is 26 dB down at 1 Hz and below the water level under 0.14 Hz.
    assert np.abs(transfer(kernel, fast) * sensor(fast, corner_hz) - 1).max() < 1.1e-3
    assert np.abs(transfer(kernel, slow) * sensor(slow, corner_hz) - 1).max() < 0.03


def test_slow_motion_is_removed():
    gain = np.abs(transfer(kernel_of(1 / 120), [0.0, 0.01, 0.02, 0.03])) * GAIN
    assert gain[0] < 1e-9
    assert gain.max() < 0.05


def test_the_water_level_limits_what_is_raised():
    at = np.array([0.5])
    free = np.abs(transfer(kernel_of(4.5, None), at))
    limited = np.abs(transfer(kernel_of(4.5, 20.0), at))
    assert free == pytest.approx(1 / np.abs(sensor(at, 4.5)), rel=0.03)
    assert limited == pytest.approx(10 / GAIN, rel=0.05)


def test_the_band_of_the_configuration():
    kernel = kernel_of(1 / 30, corners_hz=(0.5, 1.0, 10.0, 15.0))
    gain = np.abs(transfer(kernel, [0.2, 0.75, 2.0, 8.0, 12.5, 18.0])) * GAIN
    assert gain == pytest.approx([0, 0.5, 1, 1, 0.5, 0], abs=0.01)


@given(st.integers(0, 4000), st.integers(1, 5000))
@settings(deadline=None, max_examples=30)
def test_samples_away_from_a_cut_do_not_know_of_it(begin, length):
    counts = np.random.default_rng(2).normal(size=6000).cumsum() + 1e6
    kernel = kernel_of(1.0)
    part = apply(counts[begin : begin + length], kernel)
    same = apply(counts, kernel)[begin : begin + length]
    edge = round(REACH_S * RATE)
    assert len(part) == len(same)
    assert np.isfinite(part).all()
    if len(part) > 2 * edge:
        assert np.abs(part - same)[edge:-edge].max() < 1e-9 * np.abs(same).max()


def test_a_constant_is_no_motion_up_to_the_ends():
    assert not apply(np.full(3000, 1_234_567.0), kernel_of(1.0)).any()
    assert apply(np.array([5.0]), kernel_of(1.0)).tolist() == [0.0]


def test_dead_response_values_give_no_infinities():
    response = sensor(frequencies(RATE, REACH_S), 1.0)
    response[100:120] = 0
    assert np.isfinite(inverse_filter(response, RATE, None, None, REACH_S)).all()


def test_motion_is_recovered():
    """A wavelet of 1 mm/s through a 1 Hz sensor and back."""
    seconds = np.arange(12_000) / RATE
    wave = np.exp(-(((seconds - 120) / 0.8) ** 2)) * np.sin(2 * np.pi * 3 * (seconds - 120))
    motion = 1e-3 * wave
    spectrum = np.fft.rfft(motion) * sensor(np.fft.rfftfreq(12_000, 1 / RATE), 1.0)
    counts = np.round(np.fft.irfft(spectrum, 12_000) + 5000)
    assert np.abs(apply(counts, kernel_of(1.0)) - motion).max() < 2e-6
