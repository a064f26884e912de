import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.core.timeline import SECOND, sample_time
from quakeline.signal.resample import reach_s, to_grid

START = 1_274_977_440_000_000_000
RATES = (50.0, 100.0, 200.0, 250.0, 500.0, 1000.0, 62.5, 40.0, 75.19, 99.999, 100.002, 33.333333)
OUT = 100.0


def motion(seconds):
    """Ground motion whose highest frequency is 11 Hz, far below every Nyquist frequency here."""
    waves = [(1.0, 0.37, 0.1), (0.6, 3.1, 1.0), (0.4, 11.0, 2.0)]
    return sum(a * np.sin(2 * np.pi * f * seconds + p) for a, f, p in waves)


def recorded(rate, start_ns, seconds):
    """Samples of the motion from a start (ns) at a rate."""
    times = (start_ns - START) / SECOND + np.arange(round(seconds * rate)) / rate
    return motion(times)


def grid_seconds(first, count):
    return np.array([sample_time(first + k, OUT) - START for k in range(count)]) / SECOND


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("late_ns", [0, 3_721_000, 9_999_999])
def test_band_limited_motion_is_reproduced(rate, late_ns):
    first, values = to_grid(recorded(rate, START + late_ns, 30), START + late_ns, rate, OUT)
    expected = motion(grid_seconds(first, len(values)))
    edge = int(np.ceil(reach_s(rate, OUT) * OUT)) + 1
    assert np.abs(values - expected)[edge:-edge].max() < 3e-4
    assert np.abs(values - expected).max() < 0.5


@pytest.mark.parametrize("rate", RATES)
def test_a_constant_stays_exactly_constant(rate):
    _, values = to_grid(np.full(3000, 1_234_567), START + 1_234_567, rate, OUT)
    assert np.abs(values - 1_234_567).max() < 1e-7
    assert len(set(values.astype(np.float32))) == 1


def test_equal_rates_on_the_grid_change_no_sample():
    samples = np.random.default_rng(1).integers(-(2**23), 2**23, 1000)
    first, values = to_grid(samples, START, 100.0, OUT)
    assert first == START // 10_000_000
    assert np.array_equal(values, samples)
    assert values.base is None


def test_a_shift_below_a_part_in_8192_of_a_sample_is_none():
    samples = np.random.default_rng(1).normal(size=100)
    for late_ns in (-1200, 1200):
        first, values = to_grid(samples, START + late_ns, 100.0, OUT)
        assert first == START // 10_000_000
        assert np.array_equal(values, samples)
    assert len(to_grid(samples, START + 1300, 100.0, OUT)[1]) == 99


def test_no_frequency_above_the_new_nyquist_is_folded_down():
    seconds = np.arange(20 * 500) / 500
    _, values = to_grid(np.sin(2 * np.pi * 70 * seconds), START, 500.0, OUT)
    assert np.abs(values[60:-60]).max() < 1e-4


@pytest.mark.parametrize("rate", [125.0, 200.0, 250.0, 500.0])
def test_the_pass_band_is_flat_to_a_millionth(rate):
    seconds = np.arange(round(60 * rate)) / rate
    for frequency in (0.5, 5.0, 12.0, 20.0, 30.0, 40.0):
        first, values = to_grid(np.sin(2 * np.pi * frequency * seconds), START, rate, OUT)
        expected = np.sin(2 * np.pi * frequency * grid_seconds(first, len(values)))
        assert np.abs(values - expected)[100:-100].max() < 1e-6


@given(
    rate=st.sampled_from(RATES),
    late_ns=st.integers(0, 10_000_000),
    begin=st.floats(0, 10),
    length=st.floats(2.5, 10),
)
@settings(max_examples=60, deadline=None)
def test_samples_away_from_a_cut_do_not_know_of_it(rate, late_ns, begin, length):
    noise = np.random.default_rng(3).normal(size=round(20 * rate)) * 1e4
    start = START + late_ns
    first, whole = to_grid(noise, start, rate, OUT)
    lo, hi = round(begin * rate), round((begin + length) * rate)
    part_first, part = to_grid(noise[lo:hi], start + round(lo * SECOND / rate), rate, OUT)
    edge = int(np.ceil(reach_s(rate, OUT) * OUT)) + 1
    same = whole[part_first - first : part_first - first + len(part)]
    assert len(same) == len(part)
    difference = np.abs(same - part)[edge:-edge]
    # Times of cuts are whole nanoseconds, 1e-6 of a sample at the highest rate.
    assert difference.max(initial=0) <= 1e4 * (1e-5 if len(difference) else 0)


def test_no_drift_where_rates_have_no_simple_ratio():
    """A day at 99.999 Hz taken for 100 Hz would end 0.86 s off."""
    rate, seconds = 99.999, 6 * 3600
    count = round(seconds * rate)
    samples = np.sin(2 * np.pi * 0.37 * np.arange(count) / rate)
    first, values = to_grid(samples, START, rate, OUT)
    late = grid_seconds(first + len(values) - 200, 100)
    assert np.abs(values[-200:-100] - np.sin(2 * np.pi * 0.37 * late)).max() < 1e-4


@given(rate=st.sampled_from(RATES), late_ns=st.integers(-(10**7), 10**7), n=st.integers(1, 5))
@settings(deadline=None)
def test_tiny_segments_give_what_lies_inside_them(rate, late_ns, n):
    first, values = to_grid(np.arange(n) + 1.0, START + late_ns, rate, OUT)
    assert np.isfinite(values).all()
    tolerance = SECOND / rate / 8192 + 1
    end = late_ns + (n - 1) * SECOND / rate
    inside = [
        START // 10_000_000 + k
        for k in range(-2, 20)
        if late_ns - tolerance <= k * 10_000_000 <= end + tolerance
    ]
    assert list(range(first, first + len(values))) == inside


def test_one_sample_on_the_grid_and_one_between():
    assert to_grid(np.array([7]), START, 75.19, OUT)[1].tolist() == pytest.approx([7.0])
    first, values = to_grid(np.array([7]), START + 5_000_000, 75.19, OUT)
    assert first == START // 10_000_000 + 1
    assert values.shape == (0,)


def test_input_is_not_changed():
    samples = np.arange(50.0)
    samples.setflags(write=False)
    _, values = to_grid(samples, START, 100.0, OUT)
    values += 1
    assert np.array_equal(samples, np.arange(50.0))
