import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quakeline.signal.peaks import find_peaks, highest_apart, highest_peaks, normal_fits

#: Few different values, so that equal neighbours and plateaus are common.
curves = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.7, 0.7, 1.0]), min_size=1, max_size=80).map(
    np.array
)
distances = st.integers(1, 9)


def gaussian_sigma(curve, peak, reach):
    return normal_fits(curve, np.array([peak]), reach).sigma[0]


@given(curves, distances)
def test_a_peak_does_not_know_of_the_curve_beyond_its_distance(curve, distance):
    peaks = find_peaks(curve, 0.4, distance)
    for peak in peaks:
        lo, hi = max(peak - distance, 0), peak + distance + 1
        assert peak - lo in find_peaks(curve[lo:], 0.4, distance)
        assert peak in find_peaks(curve[:hi], 0.4, distance)


@given(curves, distances, st.integers(0, 80), st.integers(0, 80))
def test_chunks_with_a_margin_of_one_distance_find_the_same_peaks(curve, distance, one, other):
    begin, end = sorted((one, other))
    assume(end <= len(curve))
    lo = max(begin - distance, 0)
    part = find_peaks(curve[lo : end + distance], 0.4, distance) + lo
    whole = find_peaks(curve, 0.4, distance)
    inside = [peaks[(peaks >= begin) & (peaks < end)].tolist() for peaks in (part, whole)]
    assert inside[0] == inside[1]


@given(curves, distances)
def test_peaks_are_high_largest_nearby_and_apart(curve, distance):
    peaks = find_peaks(curve, 0.4, distance)
    assert (np.diff(peaks) > 0).all()
    for peak in peaks:
        assert 0.4 <= curve[peak] == curve[max(peak - distance, 0) : peak + distance + 1].max()
    assert curve.max() < 0.4 or curve.max() in curve[peaks]
    assert (np.diff(peaks) > distance).all()


@pytest.mark.parametrize(
    ("curve", "peaks"),
    [
        ([0, 1, 0, 0, 0, 0, 0, 0.5, 0], [1, 7]),
        ([0, 1, 0, 0.5, 0, 0, 0], [1]),
        ([0, 0.6, 0.6, 0.6, 0], [1]),
        ([0, 0.6, 0.6, 0], [1]),
        ([0.9, 0.5, 0, 0, 0, 0], [0]),
        ([0, 0.6, 0, 0.6, 0], [1]),
        ([0.7] * 30, [0]),
        ([0.1, 0.39999, 0.2], []),
        ([], []),
    ],
)
def test_peaks_by_hand(curve, peaks):
    assert find_peaks(np.array(curve, dtype=float), 0.4, 3).tolist() == peaks


@given(st.floats(2.0, 30.0), st.floats(-0.5, 0.5), st.floats(0.31, 1.0))
@settings(deadline=None)
def test_sigma_of_a_normal_curve_is_recovered(sigma, shift, height):
    x = np.arange(401) - 200 - shift
    curve = (height * np.exp(-0.5 * (x / sigma) ** 2)).astype(np.float32)
    peak = int(np.argmax(curve))
    assert gaussian_sigma(curve, peak, 100) == pytest.approx(sigma, rel=1e-3)


@given(st.floats(2.0, 30.0), st.floats(-0.5, 0.5), st.floats(0.31, 1.0))
@settings(deadline=None)
def test_a_normal_curve_is_fitted_whole(sigma, shift, height):
    x = np.arange(401) - 200
    curve = height * np.exp(-0.5 * ((x - shift) / sigma) ** 2)
    peak = int(np.argmax(curve))
    fit = normal_fits(curve, np.array([peak]), 100)
    assert fit.height[0] == pytest.approx(height, rel=1e-6)
    assert fit.offset[0] == pytest.approx(shift + 200 - peak, abs=1e-5)
    assert fit.residual[0] == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_the_residual_is_the_rms_of_what_is_no_normal_curve(share):
    """Every second sample is too high, the others too low: no normal curve follows that."""
    x = np.arange(401) - 200
    noise = np.where(x % 2, 1.0, -1.0)
    noise[200] = 0.0
    curve = 0.8 * np.exp(-0.5 * (x / 25) ** 2) * (1 + share * noise)
    fit = normal_fits(curve, np.array([200]), 100)
    top = np.abs(x) <= 29
    assert fit.residual[0] == pytest.approx(np.sqrt(np.mean((share * curve[top]) ** 2)), rel=0.1)


def test_the_fit_of_a_peak_is_the_same_bytes_among_others_and_alone():
    """Live sessions fit few peaks at a time, archives many: picks are equal to the last bit."""
    rng = np.random.default_rng(3)
    curve = np.zeros(60_000)
    peaks = np.arange(300, 59_700, 300)
    for peak in peaks:
        x = np.arange(-100, 101)
        curve[peak - 100 : peak + 101] = np.exp(-0.5 * (x / rng.uniform(2, 30)) ** 2)
    curve += rng.normal(0, 0.01, len(curve))
    many = normal_fits(curve, peaks, 100)
    for n in range(0, len(peaks), 7):
        few = normal_fits(curve, peaks[n : n + 1 + n % 5], 100)
        for name in ("height", "offset", "sigma", "residual"):
            wanted = getattr(many, name)[n : n + 1 + n % 5]
            assert getattr(few, name).tobytes() == wanted.tobytes()


@given(st.floats(3.0, 20.0), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_sigma_bears_a_little_noise(sigma, seed):
    x = np.arange(401) - 200
    noise = np.random.default_rng(seed).normal(0, 0.005, 401)
    curve = np.clip(0.9 * np.exp(-0.5 * (x / sigma) ** 2) + noise, 0, 1)
    assert gaussian_sigma(curve, 200, 100) == pytest.approx(sigma, rel=0.25)


@pytest.mark.parametrize(
    ("curve", "peak"),
    [
        ([0.9] * 50, 25),
        ([0, 0, 0.9, 0, 0], 2),
        ([0.9, 0.5, 0.2, 0], 0),
        ([0, 0.2, 0.6, 0.9], 3),
    ],
    ids=["plateau beyond reach", "one sample", "begins high", "ends high"],
)
def test_a_peak_without_both_flanks_has_no_sigma(curve, peak):
    fit = normal_fits(np.array(curve, dtype=float), np.array([peak]), 20)
    assert np.isnan([fit.height[0], fit.offset[0], fit.sigma[0], fit.residual[0]]).all()


def test_sigma_depends_on_the_curve_within_reach_alone():
    x = np.arange(401) - 200
    curve = 0.8 * np.exp(-0.5 * (x / 6) ** 2)
    other = curve.copy()
    other[:150] = other[251:] = 0.7
    assert gaussian_sigma(curve, 200, 50) == gaussian_sigma(other, 200, 50)


@pytest.mark.parametrize("distance", [1, 2, 7, 40])
@pytest.mark.parametrize("steps", [4, 50, 10**6])
def test_highest_peaks_are_those_of_scipy(distance, steps):
    """Few steps make flat tops and equal heights, also at the ends."""
    rng = np.random.default_rng(distance * steps)
    curves = (np.round(rng.random((75, 300)) * steps) / steps).astype(np.float32)
    curves[5] = 0.0
    curves[6] = 1.0
    curves[7, :40], curves[7, 40:] = 0.9, 0.1
    curves[8, -40:] = 0.95
    rows, columns = highest_peaks(curves, 0.3, distance)
    for row, curve in enumerate(curves):
        expected = scipy.signal.find_peaks(curve, height=0.3, distance=distance)[0]
        assert np.array_equal(columns[rows == row], expected)


@given(st.integers(0, 1000), st.integers(1, 60))
def test_peaks_that_stay_apart_are_those_of_scipy(seed, distance):
    curve = np.random.default_rng(seed).random(400)
    peaks, _ = scipy.signal.find_peaks(curve, height=0.5)
    expected, _ = scipy.signal.find_peaks(curve, height=0.5, distance=distance)
    assert peaks[highest_apart(peaks, curve[peaks], distance)].tolist() == expected.tolist()


def test_of_equal_peaks_the_first_one_stays():
    assert highest_apart(np.array([3, 7, 20]), np.ones(3), 5.0).tolist() == [True, False, True]
    assert highest_apart(np.zeros(0), np.zeros(0), 5.0).tolist() == []


def test_peaks_that_stand_apart_need_no_library_of_filters() -> None:
    """Its import would take a job on a fibre four tenths of a CPU second."""
    program = """
import sys
import numpy as np
from quakeline.signal.peaks import highest_peaks
curves = np.exp(-((np.arange(600) - np.array([[150.2], [300.7], [430.1]])) ** 2) / 200)
print(*highest_peaks(curves.astype(np.float32), 0.3, 50)[1], "scipy.signal" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["150", "301", "430", "False"], done.stderr
