"""Pairs of events and picks that fit: which of them are taken."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from quakeline.events.association.claims import _best


def one_by_one(pairs, alone):
    """What the rule says: the next pair is taken unless its pick, or event and slot, has one.

    `alone`: a pick may have several events.
    """
    rows, slots, taken = set(), set(), []
    for number, (event, row, slot) in enumerate(pairs.itertuples(index=False)):
        if (alone or row not in rows) and (event, slot) not in slots:
            taken.append(number)
            rows.add(row)
            slots.add((event, slot))
    return pairs.iloc[taken]


@pytest.mark.parametrize("count", [0, 1, 2, 30, 3000])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alone", [False, True])
def test_pairs_are_taken_as_one_after_the_other(count, seed, alone):
    rng = np.random.default_rng(seed)
    row = rng.integers(0, max(count // 4, 1), count)
    event = rng.integers(0, max(count // 40, 2), count)
    pairs = pd.DataFrame({"event": event, "row": row, "slot": row % 9})
    assert_frame_equal(_best(pairs, alone), one_by_one(pairs, alone))
