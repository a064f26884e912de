"""The stores of all chunks of a run, read as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quakeline.core.schemas import Store
from quakeline.core.timeline import Span, first_sample
from quakeline.io.products import stores

if TYPE_CHECKING:
    import zarr

_ALWAYS = 1 << 62


@dataclass(frozen=True)
class Piece:
    """The part of one chunk's store that counts: samples [start, stop) since 1970."""

    chunk: Span
    group: zarr.Group
    start: int
    stop: int

    @property
    def labels(self) -> list[str]:
        """Instruments of the store."""
        return stores.labels_of(self.group, "instruments")

    def read(self, name: str, label: str) -> np.ndarray:
        """The samples of one instrument; its other dimensions come first, time last."""
        offset = stores.grid_of(self.group).start_sample
        array = self.group[name]
        index = self.labels.index(label)
        return stores.samples(array, index, self.start - offset, self.stop - offset)


class Archive:
    """Stores named `<chunk id>.zarr` of one schema, in order of time.

    Each sample is read from the chunk that it belongs to. Margins count only before the first and
    after the last chunk.
    """

    def __init__(self, paths: list[Path], schema: Store) -> None:
        self._paths = sorted((Span.parse(path.stem), path) for path in paths)
        self._schema = schema
        self._open: tuple[Path, zarr.Group] | None = None

    def __bool__(self) -> bool:
        """Whether there is any store."""
        return bool(self._paths)

    def chunks(self) -> Iterator[Piece]:
        """Every chunk without its margins."""
        for chunk, path in self._paths:
            yield self._piece(chunk, path, chunk.start_ns, chunk.end_ns)

    def pieces(self, start_ns: int, end_ns: int) -> Iterator[Piece]:
        """The chunks that hold the span [start_ns, end_ns), each with its share of it."""
        last = len(self._paths) - 1
        for i, (chunk, path) in enumerate(self._paths):
            low = max(start_ns, chunk.start_ns if i else -_ALWAYS)
            high = min(end_ns, chunk.end_ns if i < last else _ALWAYS)
            if low < high:
                yield self._piece(chunk, path, low, high)

    def read(
        self, name: str, label: str, start_ns: int, end_ns: int
    ) -> tuple[np.ndarray | None, float]:
        """One instrument's samples in a span and their rate in Hz; None where no chunk has it.

        Where only some chunks know the instrument the others count as zeros.
        """
        blocks: list[np.ndarray | int] = []
        rate = 0.0
        for piece in self.pieces(start_ns, end_ns):
            rate = stores.grid_of(piece.group).rate_hz
            known = label in piece.labels
            blocks.append(piece.read(name, label) if known else piece.stop - piece.start)
        known_blocks = [block for block in blocks if isinstance(block, np.ndarray)]
        if not known_blocks:
            return None, rate
        shape, dtype = known_blocks[0].shape[:-1], known_blocks[0].dtype
        filled = [np.zeros((*shape, b), dtype) if isinstance(b, int) else b for b in blocks]
        return np.concatenate(filled, axis=-1), rate

    def _piece(self, chunk: Span, path: Path, low: int, high: int) -> Piece:
        if self._open is None or self._open[0] != path:
            self._open = (path, stores.open_store(path, self._schema))
        group = self._open[1]
        rate = stores.grid_of(group).rate_hz
        return Piece(chunk, group, first_sample(low, rate), first_sample(high, rate))
