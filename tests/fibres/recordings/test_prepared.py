"""Prepared data: the same wherever they are cut, in memory that does not grow."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from quakeline.fibres.recordings.prepared import Prepared
from quakeline.fibres.recordings.preprocess import BandPass, CommonMode

RATE = 100.0


class Endless:
    """A recording without an end: each sample follows from its number; some are gaps."""

    def __init__(self, n_channels: int, gap: range = range(0)) -> None:
        self.channels = np.arange(n_channels)
        self.rate_hz, self.gap, self.asked = RATE, gap, 0

    def read(self, first: int, stop: int) -> np.ndarray:
        self.asked += stop - first
        at = np.arange(first, stop)[:, None]
        block = np.sin(0.3 * at + self.channels) + np.cos(0.011 * at * (1 + self.channels % 3))
        block[np.isin(at[:, 0], self.gap)] = np.nan
        return block.astype(np.float32)


def prepared(n_channels: int = 8, gap: range = range(0), step: int = 1) -> Prepared:
    transforms = [CommonMode("median"), BandPass(1, 10)]
    return Prepared(Endless(n_channels, gap), transforms, 5.0, step)


def test_pieces_are_equal_to_the_whole() -> None:
    gap = range(30_000, 30_400)
    whole = prepared(gap=gap).read(20_000, 40_000)
    for length in (700, 3001, 13_000):
        made = prepared(gap=gap)
        pieces = [made.read(k, min(k + length, 40_000)) for k in range(20_000, 40_000, length)]
        assert np.array_equal(np.concatenate(pieces), whole, equal_nan=True)
    empty = np.isnan(whole).all(axis=1)
    assert np.flatnonzero(empty).tolist() == list(range(10_000, 10_400))


def test_channels_are_averaged_last() -> None:
    single, pairs = prepared(step=1).read(5000, 6000), prepared(step=2).read(5000, 6000)
    assert pairs.shape == (1000, 4)
    assert np.allclose(pairs, single.reshape(1000, 4, 2).mean(axis=2), atol=1e-6)


def test_samples_are_read_once_and_memory_does_not_grow() -> None:
    peaks = []
    for pages in (3, 15):
        made = prepared(60)
        n = made.page_samples
        tracemalloc.start()
        for start in range(0, pages * n, 3000):
            made.read(start, min(start + 3000, pages * n))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert made.recording.asked <= pages * n + 2 * made.reach
    assert peaks[1] == pytest.approx(peaks[0], rel=0.05)
