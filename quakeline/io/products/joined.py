"""An array of a kind of store over all chunks, read by slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.schemas import Array, Store
from quakeline.core.timeline import Span, first_sample, iso, sample_time
from quakeline.io.products import stores

#: Attributes that name the entries of dimensions.
PLURALS = {"instrument": "instruments", "component": "components", "class": "classes"}
Range = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """A store, and which of its samples [start, stop) since 1970 count: those of its chunk."""

    schema: Store
    path: Path
    offset: int
    start: int
    stop: int
    rate_hz: float
    labels: dict[str, list[str]]
    attributes: dict[str, Any]
    chunk_samples: int

    @classmethod
    def of(cls, schema: Store, span: Span, path: Path) -> Part:
        """The store of a chunk. Raises DataError where it cannot be opened."""
        group = stores.open_store(path, schema)
        grid, first = stores.grid_of(group), schema.arrays[0]
        low, high = (first_sample(ns, grid.rate_hz) for ns in (span.start_ns, span.end_ns))
        start = max(low, grid.start_sample)
        labels = {dim: stores.labels_of(group, PLURALS[dim]) for dim in first.dims[:-1]}
        stored: Any = group[first.name]
        return cls(
            schema=schema,
            path=path,
            offset=grid.start_sample,
            start=start,
            stop=max(min(high, grid.start_sample + grid.n_samples), start),
            rate_hz=grid.rate_hz,
            labels=labels,
            attributes=dict(group.attrs),
            chunk_samples=int(stored.chunks[-1]),
        )

    @property
    def cuts(self) -> range:
        """Samples since 1970, between those that count, at which the store itself is cut."""
        step = self.chunk_samples
        return range(self.offset + ((self.start - self.offset) // step + 1) * step, self.stop, step)

    def read(self, name: str, at: tuple[int, ...], low: int, high: int) -> np.ndarray:
        """Samples [low, high) since 1970 at an entry of an array. Raises DataError."""
        try:
            stored: Any = _opened(self.path, self.schema)[name]
            return np.asarray(stored[(*at, slice(low - self.offset, high - self.offset))])
        except DataError:
            raise
        except Exception as error:
            begin, end = (iso(sample_time(sample, self.rate_hz)) for sample in (low, high))
            what = next(iter(self.labels.values()))[at[0]]
            why = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise DataError(f"{self.path}: {name} of {what}, {begin} to {end}: {why}") from error


class Joined:
    """An array of all stores in order of time, whose entries are named by `labels`.

    It is read by slices and whole numbers, as `dask.array.from_array` does it. Where no store has
    an entry, and between the stores, it is NaN, or false.

    Attributes
    ----------
    shape, dtype, ndim
        As those of an array of numpy.
    chunks
        Blocks that are cut where the stores are cut, by dimension; one for each instrument.
    """

    def __init__(self, array: Array, parts: Sequence[Part], labels: dict[str, list[str]]) -> None:
        self._name, self._parts, self._start = array.name, list(parts), parts[0].start
        self._labels = {dim: labels[dim] for dim in array.dims[:-1]}
        self.dtype = np.dtype(array.dtype)
        sizes = tuple(len(names) for names in self._labels.values())
        self.shape = (*sizes, parts[-1].stop - self._start)
        self.ndim = len(self.shape)
        ones = (1,) * sizes[0] or (0,)
        self.chunks = (ones, *((size,) for size in sizes[1:]), tuple(self._lengths()))

    @property
    def meta(self) -> np.ndarray:
        """An empty array of its kind."""
        return np.empty((0,) * self.ndim, self.dtype)

    def __getitem__(self, key: tuple[int | slice, ...]) -> np.ndarray:
        """Read by slices or whole numbers, one for each dimension."""
        found = [_range(one, size) for one, size in zip(key, self.shape, strict=True)]
        block = self._read(tuple(span for span, _ in found))
        return np.asarray(block[tuple(inside for _, inside in found)])

    def _lengths(self) -> Iterator[int]:
        """Samples of the blocks in order of time."""
        at = self._start
        for part in self._parts:
            step = part.chunk_samples
            edges = [*range(at, part.start, step), part.start, *part.cuts, part.stop]
            yield from (high - low for low, high in pairwise(edges) if high > low)
            at = part.stop

    def _read(self, ranges: tuple[Range, ...]) -> np.ndarray:
        fill: Any = np.nan if self.dtype.kind == "f" else 0
        block = np.full([stop - first for first, stop in ranges], fill, self.dtype)
        first, stop = (self._start + at for at in ranges[-1])
        for part in self._parts:
            low, high = max(first, part.start), min(stop, part.stop)
            if low >= high:
                continue
            for to, at in self._entries(part, ranges[:-1]):
                place: tuple[Any, ...] = (*to, slice(low - first, high - first))
                block[place] = part.read(self._name, at, low, high)
        return block

    def _entries(
        self, part: Part, ranges: tuple[Range, ...]
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Where entries of a block are in it, and in a store; those that the store has."""
        for to in np.ndindex(*(stop - first for first, stop in ranges)):
            names = [
                (dim, labels[first + k])
                for (dim, labels), (first, _), k in zip(
                    self._labels.items(), ranges, to, strict=True
                )
            ]
            if all(name in part.labels[dim] for dim, name in names):
                yield to, tuple(part.labels[dim].index(name) for dim, name in names)


@lru_cache(maxsize=64)
def _opened(path: Path, schema: Store) -> Any:
    return stores.open_store(path, schema)


def _range(key: int | slice, size: int) -> tuple[Range, int | slice]:
    """The range [first, stop) in which a key lies, and the key as seen from its first entry."""
    if not isinstance(key, slice):
        at = range(size)[key]
        return (at, at + 1), 0
    wanted = range(size)[key]
    if not wanted:
        return (0, 0), slice(None)
    return (min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1]) + 1), slice(
        None, None, wanted.step
    )
