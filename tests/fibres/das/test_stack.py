"""Overlapping patches are stacked as the words say."""

import numpy as np
import pytest

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.patches import PatchingStructure, rows_of
from quakeline.fibres.das.stack import Stacker, checked

SHAPE = (230, 37)
STRUCTURE = PatchingStructure(50, 10, 50, 10, (0, 50), (0, 10), 30, 4)


def patches():
    rng = np.random.default_rng(0)
    for _, row in rows_of(STRUCTURE, *SHAPE):
        for coord in row:
            yield coord, rng.random((50, 10)).astype(np.float32)


def by_hand(stacking):
    stack = [[[] for _ in range(SHAPE[1])] for _ in range(SHAPE[0])]
    hann = np.maximum(np.outer(np.hanning(50), np.hanning(10)), 1e-5)
    for coord, values in patches():
        for i in range(50):
            for k in range(10):
                stack[coord.sample + i][coord.channel + k].append((values[i, k], hann[i, k]))
    rule = {
        "avg": lambda v: np.mean([a for a, _ in v]),
        "max": lambda v: max(a for a, _ in v),
        "weighted": lambda v: sum(a * w for a, w in v) / sum(w for _, w in v),
    }[stacking]
    return np.array([[rule(cell) for cell in row] for row in stack])


@pytest.mark.parametrize("stacking", ["avg", "max", "weighted"])
def test_stacking(stacking):
    stacker = Stacker(stacking, SHAPE[1], SHAPE[0])
    found = np.full(SHAPE, np.nan)
    pieces = [stacker.add(values, coord) for coord, values in patches()]
    for piece in [*pieces, stacker.finish()]:
        if piece is not None:
            first, values = piece
            assert np.isnan(found[first : first + len(values)]).all()
            found[first : first + len(values)] = values
    assert found == pytest.approx(by_hand(stacking), abs=1e-6)


def test_other_words_are_refused():
    with pytest.raises(ConfigError, match="'mean' given; allowed: avg, max, weighted"):
        checked("mean")
