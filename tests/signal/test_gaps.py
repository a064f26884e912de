import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.signal.gaps import Canvas, bridge, distance_to_edge, runs_of

masks = st.lists(st.booleans(), min_size=1, max_size=60).map(np.array)
values = st.sampled_from([-2.0, 0.0, 1.0, 5e6, float("nan"), float("inf")])
segments = st.lists(
    st.tuples(st.integers(-10, 30), st.lists(values, min_size=1, max_size=20).map(np.array)),
    max_size=6,
)


def painted(pieces, n=25):
    canvas = Canvas.blank(0, n)
    for first, samples in pieces:
        canvas.lay(first, samples)
    return (*canvas.finish(), canvas.conflicts)


@given(segments, st.randoms())
def test_any_order_of_segments_gives_the_same(pieces, random):
    shuffled = list(pieces)
    random.shuffle(shuffled)
    for one, other in zip(painted(pieces), painted(shuffled), strict=True):
        assert np.array_equal(one, other)


@given(segments)
def test_each_sample_follows_from_what_was_laid_on_it(pieces):
    data, valid, conflicts = painted(pieces)
    differing = 0
    for k in range(25):
        laid = {s[k - f] for f, s in pieces if 0 <= k - f < len(s) and np.isfinite(s[k - f])}
        assert valid[k] == (len(laid) == 1)
        assert data[k] == (laid.pop() if len(laid) == 1 else 0.0)
        differing += len(laid) > 1
    assert conflicts == differing


def test_equal_overlap_merges_and_different_becomes_a_gap():
    data, valid, conflicts = painted([(0, np.arange(10.0)), (5, np.arange(5.0, 15.0))])
    assert np.array_equal(data[:15], np.arange(15.0))
    assert valid.sum() == 15
    assert conflicts == 0
    data, valid, conflicts = painted([(0, np.zeros(10)), (8, np.ones(4))])
    assert conflicts == 2
    assert runs_of(valid).tolist() == [[0, 8], [10, 12]]


@given(masks)
def test_runs_rebuild_the_mask(mask):
    rebuilt = np.zeros(len(mask), bool)
    runs = runs_of(mask)
    for start, stop in runs:
        assert start < stop
        rebuilt[start:stop] = True
    assert np.array_equal(rebuilt, mask)
    assert (runs[1:, 0] > runs[:-1, 1]).all()


@given(masks, st.integers(0, 10))
def test_bridge_fills_short_inner_gaps_alone(valid, longest):
    data = np.where(valid, 3.0 * np.arange(len(valid)) + 1, 0.0)
    filled, mask = bridge(data, valid, longest)
    for start, stop in runs_of(~valid):
        inner = start > 0 and stop < len(valid)
        assert mask[start:stop].all() == (inner and stop - start <= longest)
        assert mask[start:stop].any() == mask[start:stop].all()
    # The line through both neighbours is here the line of all samples.
    assert filled == pytest.approx(np.where(mask, 3.0 * np.arange(len(valid)) + 1, 0.0))
    assert np.array_equal(filled[valid], data[valid])


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=3))
def test_distance_to_edge_against_brute_force(rows):
    valid = np.array(rows)
    positions = np.arange(valid.shape[1])
    edges = [k + 0.5 for k in range(valid.shape[1] - 1) if (valid[:, k] != valid[:, k + 1]).any()]
    expected = [min((abs(p - edge) for edge in edges), default=np.inf) for p in positions]
    assert distance_to_edge(valid, positions).tolist() == expected


def test_inputs_are_not_changed():
    data, valid = np.arange(5.0), np.array([True, False, True, True, True])
    data.setflags(write=False)
    valid.setflags(write=False)
    bridge(data, valid, 3)
