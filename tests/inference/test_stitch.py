import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.inference.stitch import Stacked as Stitcher
from quakeline.inference.windows import window_starts

WINDOW, HOP, BLIND = 30, 7, 4


def output(start):
    """What a network would give for the window that begins at a sample: two classes."""
    return np.random.default_rng(start % 2**32).random((2, WINDOW)).astype(np.float32)


def add(stitcher, start, output, weight=1.0):
    """Add one window."""
    stitcher.add(np.array([start]), output[None], np.array([weight], np.float32))


def stitched(lo, hi):
    stitcher = Stitcher(lo, hi, 2, BLIND)
    pieces = []
    for number, start in enumerate(window_starts(lo, hi, WINDOW, HOP)):
        if number % 3 == 2:
            pieces.append(stitcher.take(start))
        add(stitcher, start, output(start))
    return np.concatenate([*pieces, stitcher.take(hi)], axis=1)


@given(st.integers(-(10**6), 10**6), st.integers(1, 120), st.integers(0, 120), st.integers(1, 120))
def test_a_part_is_bit_equal_to_the_whole(lo, n, begin, length):
    begin = min(begin, n - 1)
    end = min(begin + length, n)
    assert np.array_equal(stitched(lo + begin, lo + end), stitched(lo, lo + n)[:, begin:end])


def test_each_sample_is_the_mean_of_the_windows_that_see_it():
    result = stitched(1000, 1100)
    for sample in range(1000, 1100):
        seen = [
            output(start)[:, sample - start]
            for start in range(0, 1100, HOP)
            if start + BLIND <= sample < start + WINDOW - BLIND
        ]
        assert len(seen) in (3, 4)
        assert result[:, sample - 1000] == pytest.approx(np.mean(seen, axis=0), abs=1e-6)


def test_samples_without_a_window_are_zero():
    stitcher = Stitcher(0, 50, 2, BLIND)
    add(stitcher, -10, np.ones((2, WINDOW)))
    add(stitcher, 500, np.ones((2, WINDOW)))
    result = stitcher.take(50)
    assert result.dtype == np.float32
    assert result[0].tolist() == [1.0] * 16 + [0.0] * 34


def test_without_blind_samples_the_whole_window_counts():
    stitcher = Stitcher(0, 40, 1, 0)
    add(stitcher, 5, np.full((1, WINDOW), 0.5))
    assert stitcher.take(40)[0].tolist() == [0.0] * 5 + [0.5] * 30 + [0.0] * 5


def test_maximum_and_weighted():
    for rule, expected in (("maximum", 0.8), ("weighted", None)):
        stitcher = Stitcher(0, 40, 1, 0, rule)
        add(stitcher, 0, np.full((1, WINDOW), 0.2, np.float32))
        add(stitcher, 10, np.full((1, WINDOW), 0.8, np.float32))
        result = stitcher.take(40)[0]
        assert result[5] == pytest.approx(0.2)
        assert result[35] == pytest.approx(0.8)
        if expected:
            assert result[20] == pytest.approx(expected)
        else:
            assert result[12] < 0.5 < result[28]
            assert result[20] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rule", ["average", "maximum", "weighted"])
def test_windows_added_together_are_bit_equal_to_one_by_one(rule):
    """Room that was used before is empty again, however long the pieces are."""
    starts = np.arange(0, 300_000, HOP)
    outputs = np.random.default_rng(0).random((len(starts), 2, WINDOW)).astype(np.float32)
    weights = np.linspace(0.5, 1, len(starts)).astype(np.float32)
    together, single = (Stitcher(0, 299_000, 2, BLIND, rule) for _ in range(2))
    found = [[], []]
    for some in np.array_split(np.arange(len(starts)), [3, 10, 30_000, 30_001]):
        together.add(starts[some], outputs[some], weights[some])
        found[0].append(together.take(int(starts[some[-1]]) + HOP))
        for k in some:
            add(single, int(starts[k]), outputs[k], weights[k])
            found[1].append(single.take(int(starts[k]) + HOP))
    assert np.array_equal(*(np.concatenate(pieces, axis=1) for pieces in found))


@pytest.mark.parametrize("rule", ["average", "weighted"])
def test_a_window_of_less_weight_counts_less(rule):
    stitcher = Stitcher(0, 30, 1, 0, rule)
    add(stitcher, 0, np.full((1, WINDOW), 0.2, np.float32))
    add(stitcher, 0, np.full((1, WINDOW), 0.8, np.float32), 0.25)
    assert stitcher.take(30)[0] == pytest.approx((0.2 + 0.25 * 0.8) / 1.25)
