"""Picks and probabilities straight from files, streams or arrays, without a workflow.

The same parts as in the workflow's stages, one after the other in this process: what comes out is
what the workflow would give.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quakeline.errors import DataError
from quakeline.inference.annotator import Annotator
from quakeline.inference.waveforms import Arrays
from quakeline.io import stores, tables
from quakeline.io.headers import read_headers
from quakeline.picking import BlockPicker, Origin, PickStream, Rules, joined
from quakeline.preparation.components import COMPONENTS, Preparer
from quakeline.preparation.raw import Source, StreamSource
from quakeline.preparation.settings import Response
from quakeline.schemas import COVERAGE, PICKS, WAVEFORMS
from quakeline.timeline import SECOND, Span, split

if TYPE_CHECKING:
    import obspy

logger = logging.getLogger("quakeline")

_CHUNK_S = 86_400


@dataclass(frozen=True)
class Options:
    """How picks are made without a workflow; the meaning of each is that of the config key."""

    thresholds: dict[str, float] = field(default_factory=dict)
    min_distance_s: float = 0.5
    gap_guard_s: float = 1.0
    noise_s: tuple[float, float] = (5.0, 0.5)
    signal_s: float = 2.0
    bridge_gap_s: float = 0.1


@dataclass(frozen=True)
class Recordings:
    """Channels to work on: rows of MANIFEST with data, what reads them, their responses."""

    rows: pd.DataFrame
    source: Callable[[Span], Source] | None = None
    inventory: Any = None

    @property
    def span(self) -> Span:
        """From the first to just after the last sample, in whole seconds."""
        start, end = (int(t.value) for t in (self.rows["start"].min(), self.rows["end"].max()))
        return Span(start // SECOND * SECOND, (end // SECOND + 1) * SECOND)


@dataclass(frozen=True)
class Worker:
    """Prepares, annotates and picks recordings chunk by chunk with one network."""

    annotator: Annotator
    options: Options

    @cached_property
    def _picker(self) -> BlockPicker:
        card, options = self.annotator.card, self.options
        unknown = sorted(set(options.thresholds) - set(card.phases))
        if unknown:
            raise DataError(
                f"threshold of {', '.join(unknown)} given; {card.name} has the phases"
                f" {', '.join(card.phases)}"
            )
        rules = Rules(
            {**card.thresholds, **options.thresholds},
            options.min_distance_s,
            options.gap_guard_s,
            options.noise_s,
            options.signal_s,
        )
        origin = Origin(
            card.name, self.annotator.weights_id, list(card.phases), card.sampling_rate_hz
        )
        return BlockPicker(rules, origin, list(COMPONENTS))

    def picks(self, recordings: Recordings) -> Iterator[tuple[Span, pd.DataFrame, pd.DataFrame]]:
        """Picks (PICKS) and coverage (COVERAGE) of each chunk of the recordings."""
        margin = self.annotator.reach / self.annotator.card.sampling_rate_hz + 45
        for chunk in split(recordings.span, _CHUNK_S):
            with self._prepared(recordings, chunk, margin) as (store, coverage):
                yield chunk, self._picked(store, chunk), coverage

    def _prepared(self, recordings: Recordings, chunk: Span, margin: float) -> _Prepared:
        card = self.annotator.card
        preparer = Preparer(
            span=chunk,
            margin_s=margin,
            rate_hz=card.sampling_rate_hz,
            bridge_gap_s=self.options.bridge_gap_s,
            response=Response(),
            inventory=recordings.inventory if recordings.inventory is not None else (),
            source=recordings.source,
        )
        rows, wide = recordings.rows, chunk.widen(margin)
        starts, ends = rows["start"].astype("int64"), rows["end"].astype("int64")
        return _Prepared(preparer, rows[(starts < wide.end_ns) & (ends >= wide.start_ns)])

    def _picked(self, store: Any, chunk: Span) -> pd.DataFrame:
        grid = stores.grid_of(store)
        lo = grid.start_sample + self.annotator.reach
        hi = grid.start_sample + grid.n_samples - self.annotator.reach
        labels = stores.labels_of(store, "instruments")
        given = (store["data"], store["valid"], grid.start_sample, list(COMPONENTS))
        stream = PickStream(
            self._picker, Arrays(*given, "".join(COMPONENTS)), labels, dict(store.attrs["units"])
        )
        recorded = Arrays(*given, self.annotator.card.components)
        for piece in self.annotator.annotate(recorded, lo, hi):
            stream.add(piece.instrument, piece.start, piece.curves)
        stream.close()
        return joined(stream.frames, chunk)


class _Prepared:
    """A store of prepared waveforms in a temporary folder, for as long as the block lasts."""

    def __init__(self, preparer: Preparer, rows: pd.DataFrame) -> None:
        self._preparer, self._rows = preparer, rows
        self._folder = TemporaryDirectory(prefix="quakeline-")

    def __enter__(self) -> tuple[Any, pd.DataFrame]:
        path = Path(self._folder.name) / "waveforms.zarr"
        coverage = self._preparer.write(self._rows, [], path)
        return stores.open_store(path, WAVEFORMS), coverage

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def of_files(paths: Sequence[Path]) -> tuple[Recordings, list[str]]:
    """Recordings in files, and a line for each file or channel that cannot be used."""
    rows, refused = [], []
    for path in paths:
        try:
            headers = read_headers(path)
        except DataError as error:
            refused.append(f"{path}: {error}")
            continue
        for header in headers:
            if header.problem:
                refused.append(f"{path}: {header.channel or 'channel'}: {header.problem}")
            else:
                rows.append({"path": str(path), "reason": header.notes, **_row(header)})
    if not rows:
        raise DataError("no usable data: " + ("; ".join(refused[:3]) or "no files given"))
    return Recordings(pd.DataFrame(rows)), refused


def _row(header: Any) -> dict[str, Any]:
    return {
        "network": header.network,
        "station": header.station,
        "location": header.location,
        "channel": header.channel,
        "start": pd.Timestamp(header.start_ns, unit="ns", tz="UTC"),
        "end": pd.Timestamp(header.end_ns, unit="ns", tz="UTC"),
        "sampling_rate_hz": header.rate_hz,
    }
