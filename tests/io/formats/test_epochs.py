from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.io.formats.epochs import ALWAYS_NS, NEVER_NS, holding, newest, overlap

EPOCHS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20)).map(lambda e: (e[0], e[0] + e[1])),
    min_size=1,
    max_size=6,
)


def by_hand(epochs, time):
    """The epoch that began last and holds a time; of equal starts the last listed."""
    held = [(start, n) for n, (start, end) in enumerate(epochs) if start <= time < end]
    return max(held)[1] if held else None


@given(EPOCHS)
def test_the_newest_start_that_holds_the_time_counts(epochs):
    parts = newest(epochs)
    assert all(one[1] <= other[0] for one, other in pairwise(parts))
    for time in range(-1, 52):
        found = [number for start, end, number in parts if start <= time < end]
        expected = by_hand(epochs, time)
        assert found == ([] if expected is None else [expected])


@given(EPOCHS)
def test_many_times_at_once(epochs):
    start, end = np.array(epochs, dtype=np.int64).T
    times = np.arange(-1, 52)
    for time, number in zip(times, holding(start, end, times), strict=True):
        expected = by_hand(epochs, time)
        if expected is None:
            away = [max(s - time, time - e) for s, e in epochs]
            assert away[number] == min(away)
        else:
            assert number == expected


@pytest.mark.parametrize(
    ("epochs", "found"),
    [
        ([(NEVER_NS, ALWAYS_NS)], None),
        ([(0, 10), (10, 20)], None),
        ([(10, ALWAYS_NS), (0, ALWAYS_NS)], (0, 10)),
        ([(0, 100), (20, 30), (200, 300)], (0, 20)),
        ([(5, 9), (5, 9)], (5, 5)),
    ],
)
def test_overlaps(epochs, found):
    assert overlap(epochs) == found
