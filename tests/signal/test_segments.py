import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.core.timeline import SECOND
from quakeline.signal.segments import Segment, join

START = 1_274_977_440_000_000_000
RATE = 100.0
STEP = 10_000_000


def piece(position, samples, rate=RATE):
    start = START + round(position * SECOND / rate)
    return Segment(start, rate, np.asarray(samples, dtype=float))


def listed(segments):
    return [(round((s.start_ns - START) / STEP, 6), s.samples.tolist()) for s in segments]


cuts = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), min_size=1, max_size=8)


@given(cuts, st.randoms(), st.sampled_from([0, 1_234_567, 3_333_333]))
def test_pieces_of_one_recording_give_it_back_whatever_their_order(pairs, random, late_ns):
    recording = np.sin(np.arange(60.0))
    pieces = [
        Segment(START + late_ns + begin * STEP, RATE, recording[begin : begin + n])
        for begin, n in pairs
    ]
    random.shuffle(pieces)
    segments, conflict_s = join(pieces)
    covered = np.zeros(60, bool)
    for begin, n in pairs:
        covered[begin : begin + n] = True
    found = np.full(60, np.nan)
    for segment in segments:
        at = (segment.start_ns - START - late_ns) // STEP
        found[at : at + len(segment.samples)] = segment.samples
    assert conflict_s == 0
    assert np.array_equal(found[covered], recording[covered])
    assert np.isnan(found[~covered]).all()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], covered, [0]])) > 0)
    assert len(segments) == len(edges)


def test_pieces_that_follow_each_other_become_one():
    segments, conflict_s = join([piece(3, [4, 5]), piece(0, [1, 2, 3])])
    assert listed(segments) == [(0, [1, 2, 3, 4, 5])]
    assert conflict_s == 0


def test_one_missing_sample_is_a_gap():
    segments, _ = join([piece(0, [1, 2]), piece(3, [4])])
    assert listed(segments) == [(0, [1, 2]), (3, [4])]


def test_overlap_with_other_samples_is_a_gap_on_both():
    segments, conflict_s = join([piece(0, [1, 2, 3, 4]), piece(2, [3, 9, 5])])
    assert listed(segments) == [(0, [1, 2, 3]), (4, [5])]
    assert conflict_s == pytest.approx(0.01)


def test_values_that_are_not_finite_are_gaps_that_another_piece_may_fill():
    segments, conflict_s = join([piece(0, [1, np.nan, np.inf, 4]), piece(1, [2])])
    assert listed(segments) == [(0, [1, 2]), (3, [4])]
    assert conflict_s == 0


@pytest.mark.parametrize("late_samples", [0.009, 0.3, -0.3, 0.49, -0.49])
def test_a_step_of_a_part_of_a_sample_is_no_gap_and_times_follow_it(late_samples):
    ((segment,), _) = join([piece(0, [1, 2, 3]), piece(3 + late_samples, [4, 5])])
    assert segment.samples.tolist() == [1, 2, 3, 4, 5]
    times = [(segment.clock.time_ns(k) - START) / STEP for k in (0, 3)]
    off = [0, late_samples] if abs(late_samples) > 0.02 else [late_samples / 2] * 2
    assert times == pytest.approx(np.array([0, 3]) + off, abs=1e-6)


@pytest.mark.parametrize(("late_samples", "parts"), [(0.7, 2), (-1.3, 2)])
def test_longer_steps_stay_apart(late_samples, parts):
    segments, _ = join([piece(0, [1, 2, 3]), piece(3 + late_samples, [4, 5])])
    assert len(segments) == parts
    assert (segments[1].start_ns - START) / STEP == pytest.approx(3 + late_samples)


def test_steps_in_proportion_to_long_records_are_a_clock_and_a_single_one_is_a_gap():
    n = 3000
    drifting = [piece(k * (n + 1.8), np.ones(n)) for k in range(5)]
    assert len(join(drifting)[0]) == 1
    early = [piece(k * (n - 1.8), np.ones(n)) for k in range(5)]
    ((segment,), conflict_s) = join(early)
    assert (len(segment.samples), conflict_s) == (5 * n, 0.0)
    lost = [piece(k * n + 2 * (k > 2), np.ones(n)) for k in range(5)]
    assert [len(one.samples) for one in join(lost)[0]] == [3 * n, 2 * n]


def test_times_rounded_to_a_tenth_of_a_millisecond_fit_at_high_rates():
    second = Segment(START + 1000 * 1_000_000 + 100_000, 1000.0, np.ones(5))
    segments, _ = join([Segment(START, 1000.0, np.ones(1000)), second])
    assert [len(segment.samples) for segment in segments] == [1005]


def test_rates_stay_apart_and_empty_pieces_vanish():
    segments, _ = join([piece(0, [1, 2]), piece(1, [3, 4], rate=50.0), piece(7, [])])
    assert [(s.rate_hz, s.samples.tolist()) for s in segments] == [(100.0, [1, 2]), (50.0, [3, 4])]
    assert join([]) == ([], 0.0)


@given(st.integers(-30, 60), st.integers(-30, 60), st.sampled_from([100.0, 75.19, 62.5]))
def test_within_takes_samples_of_a_half_open_span(begin, end, rate):
    segment = Segment(START, rate, np.arange(20.0))
    part = segment.within(START + begin * STEP, START + end * STEP)
    times = [round(k * SECOND / rate) for k in range(20)]
    expected = [k for k, t in enumerate(times) if begin * STEP <= t < end * STEP]
    assert part.samples.tolist() == expected
    if expected:
        assert part.start_ns == START + times[expected[0]]
