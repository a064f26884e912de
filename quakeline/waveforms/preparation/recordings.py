"""Recordings as people hand them in, without an archive: files, an obspy Stream, an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.plausible import shown
from quakeline.io.formats.waveform_files import (
    ChannelHeader,
    read_headers,
    traces_of,
    without_doubles,
)
from quakeline.waveforms.preparation.raw import Opener, RawFiles, RawTraces

#: Codes of arrays, which have none: network XX, stations S0001, S0002, ..., instrument HH.
ARRAY_ID = "XX.S{number:04d}..HH{component}"
_COMPONENTS = "ZNE123"


@dataclass(frozen=True)
class Recordings:
    """Channels to work on: their MANIFEST, what reads those with data, and their responses."""

    manifest: pd.DataFrame
    source: Opener = RawFiles
    inventory: obspy.Inventory = field(default_factory=obspy.Inventory)

    def __post_init__(self) -> None:
        if not (self.manifest["status"] == "data").any():
            raise DataError(f"no usable data: {_reasons(self.manifest)}")

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the manifest with data."""
        return self.manifest[self.manifest["status"] == "data"]

    @property
    def span(self) -> Span:
        """From the first sample to the last, to whole seconds."""
        starts, ends = self._limits()
        return _to_seconds(Span(int(starts.min()), int(ends.max()) + 1))

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last times of the rows with data, ns since 1970."""
        starts, ends = (
            self.rows[name].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
            for name in ("start", "end")
        )
        return starts, ends

    def chunks(
        self, length_s: float, around_s: float, within: Span | None = None
    ) -> list[tuple[Span, pd.DataFrame]]:
        """Chunks at absolute multiples of a length in which there are data, in order of time.

        With each come the rows that reach into it or into `around_s` seconds on both sides.
        `within` are their limits, None: those of the data.
        """
        rows, step = self.rows, round(length_s * SECOND)
        starts, ends = self._limits()
        numbers: set[int] = set()
        for first, last in zip(starts // step, ends // step, strict=True):
            numbers.update(range(int(first), int(last) + 1))
        whole = within or self.span
        chunks = []
        for number in sorted(numbers):
            start, end = number * step, (number + 1) * step
            span = Span(max(start, whole.start_ns), min(end, whole.end_ns))
            if span.end_ns <= span.start_ns:
                continue
            wide = span.widen(around_s)
            chunks.append((span, rows[(starts < wide.end_ns) & (ends >= wide.start_ns)]))
        return chunks


def _reasons(manifest: pd.DataFrame) -> str:
    """Why the channels of a manifest cannot be used, the first reasons in one line."""
    files = manifest["path"].fillna("") + ": "
    said = (files.where(files != ": ", "") + manifest["reason"].fillna("no reason given")).tolist()
    more = f" (and {len(said) - 3} more)" if len(said) > 3 else ""
    return ("; ".join(said[:3]) or "there are no samples") + more


def _to_seconds(span: Span) -> Span:
    """The span of whole seconds that holds a span."""
    return Span(span.start_ns // SECOND * SECOND, -(-span.end_ns // SECOND) * SECOND)


def of_files(paths: Sequence[Path | str], inventory: obspy.Inventory | None = None) -> Recordings:
    """Recordings in files of any format that obspy reads, and in all files of folders.

    Raises DataError where there are no usable data at all; what else cannot be used is a row of
    the manifest with the reason.
    """
    rows: list[dict[str, Any]] = []
    for path in _files(paths):
        try:
            headers = read_headers(path)
        except DataError as error:
            why = cells("reason", [Reason.of(Code.UNREADABLE, why=str(error))])
            rows.append({"path": shown(path), "status": "unreadable", **why})
            continue
        rows += [_row(header, header.problem, shown(path)) for header in headers]
    return Recordings(_manifest(without_doubles(rows)), RawFiles, inventory or obspy.Inventory())


def _files(paths: Sequence[Path | str]) -> list[Path]:
    """Files in order of names, each once; those of folders with them, but for what is hidden."""
    files: set[Path] = set()
    for path in map(Path, paths):
        if path.is_dir():
            inside = {p for p in path.rglob("*") if p.is_file() and not _is_hidden(p, path)}
            if not inside:
                raise DataError(f"the folder {path} holds no files")
            files |= inside
        else:
            files.add(path)
    return sorted(files)


def _is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file, or a folder on the way to it, begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def of_stream(
    stream: Iterable[obspy.Trace], inventory: obspy.Inventory | None = None
) -> Recordings:
    """Recordings in traces, which stay as they are. Raises DataError as `of_files`."""
    traces = [trace for trace in stream if trace.stats.npts]
    texts = {trace.id for trace in traces if not np.issubdtype(trace.data.dtype, np.number)}
    rows = []
    # a row for each trace: a channel may have traces of very different times
    for trace, header in zip(traces, traces_of(traces), strict=True):
        problem = Reason.of(Code.SAMPLES_NO_NUMBERS) if trace.id in texts else header.problem
        rows.append(_row(header, problem, None))
    source = partial(RawTraces, traces)
    return Recordings(_manifest(without_doubles(rows)), source, inventory or obspy.Inventory())


def of_array(
    samples: np.ndarray,
    sampling_rate_hz: float,
    start_ns: int | Sequence[int] = 0,
    components: str = "ZNE",
    stations: Sequence[str] | None = None,
) -> Recordings:
    """Recordings in an array; NaN are gaps, and so are masked values.

    Parameters
    ----------
    samples
        Shape (components, n) or (stations, components, n), any numeric type.
    sampling_rate_hz
        In Hz.
    start_ns
        Time of the first sample, ns since 1970: one for all stations or one for each.
    components
        A letter of Z, N, E, 1, 2, 3 for each component, in their order.
    stations
        Codes of the stations; None: S0001, S0002, ...

    Raises
    ------
    DataError
        Another shape, or no usable data.
    """
    array = samples[None] if samples.ndim == 2 else samples
    if array.ndim != 3 or array.shape[1] != len(components):
        raise DataError(
            f"an array of shape {samples.shape} given with components {components!r}; allowed:"
            f" ({len(components)}, n) or (stations, {len(components)}, n)"
        )
    if len(set(components)) < len(components) or not set(components) <= set(_COMPONENTS):
        raise DataError(
            f"components {components!r} given; allowed are different letters of {_COMPONENTS}"
        )
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise DataError(f"an array of {array.dtype} given; allowed: real numbers")
    starts = np.broadcast_to(np.asarray(start_ns, dtype=np.int64), len(array))
    traces = []
    for number, (one, start) in enumerate(zip(array, starts, strict=True)):
        for data, component in zip(one, components, strict=True):
            codes = ARRAY_ID.format(number=number + 1, component=component).split(".")
            header = dict(zip(("network", "station", "location", "channel"), codes, strict=True))
            if stations is not None:
                header["station"] = stations[number]
            time = obspy.UTCDateTime(ns=int(start))
            stats = {**header, "starttime": time, "sampling_rate": sampling_rate_hz}
            traces.append(obspy.Trace(data, stats))
    return of_stream(traces)


def _manifest(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=MANIFEST.names)


def _row(header: ChannelHeader, problem: Reason | None, path: str | None) -> dict[str, Any]:
    return {"path": path, **header.row(problem, header.notes)}
