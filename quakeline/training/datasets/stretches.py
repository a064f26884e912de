"""The waveforms of a run, chunk by chunk: those that it kept, or prepared from its archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.schemas import WAVEFORMS
from quakeline.core.timeline import Span, first_sample
from quakeline.io.products import stores

#: Makes the waveforms of a chunk again, as a store at a path.
Prepare = Callable[[Span, Path], None]


@dataclass(frozen=True)
class Stretch:
    """Waveforms of a chunk with its margins: an open store."""

    span: Span
    group: Any
    grid: stores.Grid
    labels: list[str]
    components: str

    def cut(
        self, label: str, start_ns: int, n: int, before: int = 0
    ) -> tuple[int, np.ndarray, np.ndarray] | None:
        """First sample since 1970, samples and mask of an instrument, (components, at most n).

        The window is moved to lie in what there is, at most so that its sample `before` stays in
        it. None for an instrument that is not there.
        """
        if label not in self.labels:
            return None
        index = self.labels.index(label)
        first = first_sample(start_ns, self.grid.rate_hz) - self.grid.start_sample
        first = max(min(first, self.grid.n_samples - n), 0)
        data, valid = self._window(index, first, n)
        there = np.flatnonzero(valid.any(axis=0))
        if len(there):
            lead, trail = int(there[0]), len(valid[0]) - 1 - int(there[-1])
            move = lead if not trail else -trail if not lead else 0
            if move and 0 <= before - move < n:
                first = max(min(first + move, self.grid.n_samples - n), 0)
                data, valid = self._window(index, first, n)
        return self.grid.start_sample + first, np.where(valid, data, np.float32(0)), valid

    def _window(self, index: int, first: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        return stores.window(self.group, index, first, min(first + n, self.grid.n_samples))


def chunks_of(run: Path) -> list[Span]:
    """Chunks of a run, in order of time. Raises DataError where it has none."""
    found = sorted(Span.parse(path.stem) for path in run.glob("raw/*.parquet"))
    kept = sorted(Span.parse(path.stem) for path in run.glob("waveforms/*.zarr"))
    if not found and not kept:
        raise DataError(f"{run} holds neither waveforms/ nor raw/: it is not the folder of a run")
    return found or kept


def stretches(run: Path, prepare: Prepare) -> Iterator[Stretch]:
    """The chunks of a run in order of time; `prepare` makes the waveforms that it did not keep."""
    for span in chunks_of(run):
        kept = run / "waveforms" / f"{span.id}.zarr"
        if kept.is_dir():
            yield _opened(span, kept)
            continue
        with TemporaryDirectory(prefix="quakeline-") as folder:
            made = Path(folder) / "waveforms.zarr"
            prepare(span, made)
            yield _opened(span, made)


def _opened(span: Span, path: Path) -> Stretch:
    group = stores.open_store(path, WAVEFORMS)
    labels = stores.labels_of(group, "instruments")
    components = "".join(stores.labels_of(group, "components"))
    return Stretch(span, group, stores.grid_of(group), labels, components)
