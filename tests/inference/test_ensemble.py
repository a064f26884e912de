"""Streams of pieces to one: whatever their cuts, each sample is combined with itself."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.inference.engine import Piece
from quakeline.inference.ensemble import RULES, Reordered, combined

LO, N, INSTRUMENTS = 1000, 50, 3


def stream(curves, cuts):
    """Pieces of curves (instrument, phase, sample), some of them empty."""
    edges = [0, *sorted(cuts), N]
    for instrument, one in enumerate(curves):
        for begin, end in pairwise(edges):
            yield Piece(instrument, LO + begin, one[:, begin:end])


@given(st.lists(st.lists(st.integers(0, N), max_size=6), min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=50)
def test_every_sample_once_and_in_order(cuts, data):
    rule = data.draw(st.sampled_from(sorted(RULES)))
    rng = np.random.default_rng(0)
    members = rng.random((len(cuts), INSTRUMENTS, 2, N)).astype(np.float32)
    pieces = list(combined([stream(m, c) for m, c in zip(members, cuts, strict=True)], rule))
    assert [p.instrument for p in pieces] == sorted(p.instrument for p in pieces)
    for instrument in range(INSTRUMENTS):
        own = [p for p in pieces if p.instrument == instrument]
        at = LO
        for piece in own:
            assert piece.start == at
            assert piece.curves.dtype == np.float32
            at += piece.curves.shape[1]
        found = np.concatenate([p.curves for p in own], axis=1)
        expected = {"mean": np.mean, "max": np.max, "median": np.median}[rule]
        assert found == pytest.approx(expected(members[:, instrument], axis=0), abs=1e-6)


def test_a_stream_is_read_no_further_than_needed():
    read = []

    def slow():
        for begin in range(0, N, 10):
            read.append(begin)
            yield Piece(0, LO + begin, np.zeros((2, 10), np.float32))

    whole = Piece(0, LO, np.ones((2, N), np.float32))
    pieces = combined([slow(), iter([whole])], "mean")
    first = next(pieces)
    assert first.curves.shape == (2, 10)
    assert first.curves.max() == first.curves.min() == 0.5
    assert read == [0]


def test_nothing_to_combine():
    assert list(combined([iter([]), iter([])], "mean")) == []


def test_components_in_another_order():
    class Source:
        n_instruments = 1
        in_memory = True

        def read(self, instrument, start, stop):
            data = np.arange(3)[:, None] * np.ones(stop - start)
            return data.astype(np.float32), data > 0

    data, valid = Reordered(Source(), "ZNE", "EZ").read(0, 5, 7)
    assert data.tolist() == [[2, 2], [0, 0]]
    assert valid.tolist() == [[True, True], [False, False]]
