import numpy as np
import pytest

from quakeline.signal import amplitude
from quakeline.signal.quality import dead


def snr_db(data, valid, onset, noise, signal):
    return amplitude.snr_db(data, valid, np.array([onset]), noise, signal)[0]


def peak_amplitude(data, valid, onset, length):
    return amplitude.peak_amplitude(data, valid, np.array([onset]), length)[0]


N, ONSET = 3000, 1500
NOISE, SIGNAL = (500, 50), 200


def record(factor, components=3, offset=0.0):
    """Noise of rms 1 before the onset and a sine of the given peak after it."""
    noise = np.tile([1.0, -1.0], N // 2)
    data = np.tile(noise, (components, 1)) + offset
    data[:, ONSET:] = factor * np.sin(np.arange(N - ONSET) * np.pi / 20) + offset
    return data, np.ones((components, N), bool)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_ratio_of_peak_to_rms_in_decibels(offset):
    data, valid = record(100.0, offset=offset)
    assert snr_db(data, valid, ONSET, NOISE, SIGNAL) == pytest.approx(40.0)


def test_the_best_component_counts():
    data, valid = record(10.0)
    data[1] *= np.where(np.arange(N) >= ONSET, 10, 1)
    assert snr_db(data, valid, ONSET, NOISE, SIGNAL) == pytest.approx(40.0)
    valid[1, ONSET - 300] = False
    assert snr_db(data, valid, ONSET, NOISE, SIGNAL) == pytest.approx(20.0)


@pytest.mark.parametrize("gap", [ONSET - 500, ONSET - 51, ONSET, ONSET + 199])
def test_a_gap_in_a_window_takes_the_component_out(gap):
    data, valid = record(10.0, components=1)
    valid[0, gap] = False
    assert np.isnan(snr_db(data, valid, ONSET, NOISE, SIGNAL))


@pytest.mark.parametrize("gap", [ONSET - 501, ONSET - 50, ONSET - 1, ONSET + 200])
def test_a_gap_outside_the_windows_does_not(gap):
    data, valid = record(10.0, components=1)
    valid[0, gap] = False
    assert snr_db(data, valid, ONSET, NOISE, SIGNAL) == pytest.approx(20.0)


def test_no_ratio_beyond_the_data_without_noise_or_components():
    data, valid = record(10.0)
    assert np.isnan(snr_db(data, valid, 499, NOISE, SIGNAL))
    assert np.isnan(snr_db(data, valid, N - 199, NOISE, SIGNAL))
    assert np.isnan(snr_db(np.zeros((1, N)), valid[:1], ONSET, NOISE, SIGNAL))
    assert np.isnan(snr_db(data[:0], valid[:0], ONSET, NOISE, SIGNAL))


def test_peak_amplitude_is_the_largest_deviation_from_the_mean_after_the_onset():
    data, valid = record(3.0, offset=7.0)
    data[2, ONSET:] = 7.0 + 5.0 * np.sin(np.arange(N - ONSET) * np.pi / 20)
    assert peak_amplitude(data, valid, ONSET, SIGNAL) == pytest.approx(5.0)
    valid[2, ONSET + 3] = False
    assert peak_amplitude(data, valid, ONSET, SIGNAL) == pytest.approx(3.0)
    valid[:, ONSET + 3] = False
    assert np.isnan(peak_amplitude(data, valid, ONSET, SIGNAL))
    assert np.isnan(peak_amplitude(data, valid, N - 10, SIGNAL))


def test_a_dead_channel_has_one_value_and_any_motion_counts():
    valid = np.ones(100, bool)
    assert dead(np.full(100, 5.0), valid)
    assert not dead(np.r_[np.full(99, 5.0), 6.0], valid)
    valid[99] = False
    assert dead(np.r_[np.full(99, 5.0), 6.0], valid)
    assert dead(np.full(100, 7.0) * (1 + 1e-15 * np.arange(100)), valid)
    assert not dead(np.full(100, 5.0), np.zeros(100, bool))
    assert not dead(np.full(100, 5.0), np.arange(100) == 0)
    assert not dead(np.r_[np.full(50, 8_000_000.0), np.full(50, 8_000_001.0)], valid)
