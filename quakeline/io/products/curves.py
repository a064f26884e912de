"""Curves that come piece by piece: into a store, or to their reader without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from quakeline.io.products import stores


class Piece(Protocol):
    """Consecutive samples of an instrument, `curves` of shape (classes, n), from sample `start`."""

    @property
    def instrument(self) -> int:
        """Number of the instrument."""

    @property
    def start(self) -> int:
        """Absolute index of the first sample."""

    @property
    def curves(self) -> np.ndarray:
        """Probabilities."""


@dataclass(frozen=True)
class Curves:
    """Probabilities of a chunk and what describes them, as PROBABILITIES has it.

    `probability` is (instrument, class, time), a Zarr array or `PassingCurves`.
    """

    probability: Any
    grid: stores.Grid
    instruments: list[str]
    classes: list[str]
    model: str
    weights_id: str
    thresholds: dict[str, float]

    @classmethod
    def of_store(cls, store: Any) -> Curves:
        """Those of an open store PROBABILITIES."""
        return cls(
            store["probability"],
            stores.grid_of(store),
            stores.labels_of(store, "instruments"),
            stores.labels_of(store, "classes"),
            str(store.attrs["model"]),
            str(store.attrs["weights_id"]),
            dict(cast("dict[str, float]", store.attrs["thresholds"])),
        )


class PassingCurves:
    """Curves that are read once while they are made, as if they lay in an array.

    Instruments are read in their order, and of each blocks of samples that begin in order; blocks
    may overlap. In memory is what the latest block reaches, and the piece that came last.

    Parameters
    ----------
    pieces
        Consecutive pieces of each instrument, one instrument after the other; in reading order.
    shape
        (instruments, classes, samples).
    start
        Absolute index of the first sample.
    """

    def __init__(self, pieces: Iterator[Piece], shape: tuple[int, int, int], start: int) -> None:
        self.shape, self.dtype = shape, np.dtype(np.float32)
        self._pieces, self._start = pieces, start
        self._instrument, self._first = -1, 0
        self._held = np.zeros((shape[1], 0), dtype=np.float32)
        self._next: Piece | None = None

    def __getitem__(self, key: tuple[Any, ...]) -> np.ndarray:
        """Samples of an instrument, (classes, n): the key is its number, `...` and a slice.

        Raises ValueError for samples that have passed.
        """
        instrument, _, block = key
        if instrument != self._instrument:
            self._begin(instrument)
        self._drop(block.start)
        came = [self._held]
        until = self._first + self._held.shape[1]
        while until < block.stop and (piece := self._take(instrument)) is not None:
            came.append(piece)
            until += piece.shape[1]
        self._held = np.concatenate(came, axis=1) if len(came) > 1 else self._held
        self._drop(block.start)
        return self._held[:, : block.stop - block.start]

    def _begin(self, instrument: int) -> None:
        """Pass over what was not read of instruments before one."""
        if instrument < self._instrument:
            raise ValueError(f"instrument {instrument} has passed")
        if self._instrument < 0:
            self._next = next(self._pieces, None)
        while self._next is not None and self._next.instrument < instrument:
            self._next = next(self._pieces, None)
        self._instrument, self._held = instrument, self._held[:, :0]
        here = self._next is not None and self._next.instrument == instrument
        self._first = self._next.start - self._start if self._next is not None and here else 0

    def _take(self, instrument: int) -> np.ndarray | None:
        piece = self._next
        if piece is None or piece.instrument != instrument:
            return None
        self._next = next(self._pieces, None)
        return piece.curves

    def _drop(self, first: int) -> None:
        if first < self._first:
            raise ValueError(f"samples before {self._first} have passed, {first} was asked for")
        there = min(first - self._first, self._held.shape[1])
        self._held, self._first = self._held[:, there:], self._first + there


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
