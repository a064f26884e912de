"""Curves that pass from the network to the picks, against the same ones in an array."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from quakeline.inference.engine import Piece
from quakeline.io.products.curves import PassingCurves

START = 1_000


def whole(instruments: int = 3, n: int = 500) -> np.ndarray:
    return np.random.default_rng(1).random((instruments, 2, n), dtype=np.float32)


def parts(array: np.ndarray, length: int = 37) -> Iterator[Piece]:
    for instrument, curves in enumerate(array):
        for begin in range(0, curves.shape[1], length):
            yield Piece(instrument, START + begin, curves[:, begin : begin + length])


@pytest.mark.parametrize("length", [1, 37, 1_000])
def test_overlapping_blocks_are_those_of_an_array(length: int) -> None:
    array = whole()
    passing = PassingCurves(parts(array, length), array.shape, START)
    assert passing.shape == array.shape
    for instrument in (0, 2):  # that between is passed over
        for begin in range(20, 460, 90):
            block = slice(begin, min(begin + 130, 500))
            given = passing[(instrument, ..., block)]
            np.testing.assert_array_equal(given, array[instrument, :, block])


def test_what_has_passed_is_refused() -> None:
    array = whole()
    passing = PassingCurves(parts(array), array.shape, START)
    assert passing[(1, ..., slice(100, 120))].shape == (2, 20)
    with pytest.raises(ValueError, match="have passed"):
        passing[(1, ..., slice(99, 120))]
    with pytest.raises(ValueError, match="instrument 0 has passed"):
        passing[(0, ..., slice(200, 220))]


def test_no_more_is_made_than_is_read() -> None:
    made = []

    def told() -> Iterator[Piece]:
        for part in parts(whole()):
            made.append(part.start)
            yield part

    passing = PassingCurves(told(), (3, 2, 500), START)
    assert made == [], "nothing is worked on before it is asked for"
    passing[(0, ..., slice(0, 30))]
    assert max(made) < START + 100
