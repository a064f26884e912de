"""Curves that come piece by piece into a store, in writes as long as the store's shards."""

from __future__ import annotations

from typing import Any

import numpy as np


class CurveWriter:
    """Writes consecutive pieces of instruments into `probability` of a PROBABILITIES store.

    A shard of a Zarr array is rewritten as a whole by every write that touches it, so pieces are
    kept until a shard is full.
    """

    def __init__(self, store: Any, start: int) -> None:
        self._array = store["probability"]
        self._start = start
        self._shard = int((self._array.shards or self._array.chunks)[-1])
        self._pieces: list[np.ndarray] = []
        self._instrument, self._at, self._held = -1, 0, 0

    def add(self, instrument: int, start: int, curves: np.ndarray) -> None:
        """Take a piece (classes, n) that follows the last one of its instrument."""
        if instrument != self._instrument:
            self.close()
            self._instrument, self._at = instrument, start - self._start
        self._pieces.append(curves)
        self._held += curves.shape[1]
        room = self._shard - self._at % self._shard
        while self._held >= room:
            self._write(room)
            room = self._shard

    def close(self) -> None:
        """Write what is still held."""
        if self._held:
            self._write(self._held)

    def _write(self, n: int) -> None:
        held = np.concatenate(self._pieces, axis=1)
        self._array[self._instrument, :, self._at : self._at + n] = held[:, :n]
        self._at += n
        self._held -= n
        self._pieces = [held[:, n:]] if self._held else []
