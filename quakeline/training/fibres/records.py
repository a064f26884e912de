"""Data sets of fibre records: SeisBench's format for DAS, read and written.

For each chunk a table `metadata_CHUNK.parquet` and arrays `records_CHUNK.hdf5`, in which a record
has its samples and for each phase the sample of the onset at each channel; Muenchmeyer, J. and
others, SeisBench, doi:10.1785/0220210324.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, OutputError, why_unread
from quakeline.io.products.atomic import replacing, writing
from quakeline.io.products.provenance import digest_file, digest_of
from quakeline.training.datasets.records import PARTS

METADATA, RECORDS = "metadata_{}.parquet", "records_{}.hdf5"
#: Columns that every record has.
RATE, SPACING, START = (
    "record_sampling_rate_hz",
    "record_channel_spacing_m",
    "record_start_time",
)
_NAME = "record_name"


@dataclass(frozen=True)
class FibreRecords:
    """Labelled records of fibres; samples are read one record at a time.

    Attributes
    ----------
    path
        The folder.
    table
        The metadata of all chunks, with the columns `chunk` and `split` (train, dev or test).
    """

    path: Path
    table: pd.DataFrame

    @classmethod
    def open(cls, path: Path | str) -> FibreRecords:
        """Open a folder. Raises DataError where it is no such data set, or a part is unknown."""
        folder = Path(path)
        found = sorted(folder.glob(METADATA.format("*")))
        chunks = [p.stem.removeprefix("metadata_") for p in found]
        absent = [c for c in chunks if not (folder / RECORDS.format(c)).is_file()]
        if not found or absent:
            lack = RECORDS.format(absent[0]) if absent else METADATA.format("CHUNK")
            raise DataError(f"{folder} is no data set of fibre records: it has no {lack}")
        try:
            tables = [
                pd.read_parquet(p).assign(chunk=c) for p, c in zip(found, chunks, strict=True)
            ]
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {folder}: {why_unread(error, folder)}") from error
        table = pd.concat(tables, ignore_index=True)
        lacking = [name for name in (_NAME, RATE, SPACING, START) if name not in table]
        if lacking:
            raise DataError(f"{folder} has no column {', '.join(lacking)} in its metadata")
        if "split" not in table:
            table["split"] = _in_order(len(table))
        strange = sorted(set(table["split"].astype(str)) - {*PARTS})
        if strange:
            raise DataError(f"{folder}: split {strange[0]!r}; allowed: {', '.join(PARTS)}")
        return cls(folder, table)

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, part: str) -> list[int]:
        """Numbers of the records of a part."""
        return np.flatnonzero((self.table["split"] == part).to_numpy()).tolist()

    @property
    def digest(self) -> str:
        """SHA-256 of the digests of all files."""
        files = [*self.path.glob(METADATA.format("*")), *self.path.glob(RECORDS.format("*"))]
        return digest_of([digest_file(file) for file in sorted(files)])

    @cached_property
    def _files(self) -> dict[str, Any]:
        return {}

    def read(self, row: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Samples (samples, channels) of a record, and onsets by phase, (channels,).

        Onsets are samples, NaN where a channel has none. Raises DataError for damaged records, and
        for NaN among the samples.
        """
        record = self.table.iloc[row]
        name, chunk = str(record[_NAME]), str(record["chunk"])
        place = self.path / RECORDS.format(chunk)
        try:
            if chunk not in self._files:
                self._files[chunk] = h5py.File(place, "r")["records"]
            group = self._files[chunk][name]
            samples = np.asarray(group["record"], np.float32)
            onsets = {
                str(phase): np.asarray(own, float) for phase, own in group["annotations"].items()
            }
        except (OSError, KeyError, ValueError, TypeError) as error:
            why = " ".join(str(error).split())
            raise DataError(f"{place}: the record {name} cannot be read: {why}") from error
        if samples.ndim != 2 or any(own.shape != samples.shape[1:] for own in onsets.values()):
            shapes = {phase: own.shape for phase, own in onsets.items()}
            raise DataError(
                f"{place}: the record {name} has the shape {samples.shape}, its onsets {shapes};"
                " needed are (samples, channels) and (channels,)"
            )
        if not np.isfinite(samples).all():
            raise DataError(f"{place}: the record {name} holds NaN or infinite samples")
        for phase, own in onsets.items():
            known = own[np.isfinite(own)]
            if ((known < 0) | (known >= len(samples))).any():
                raise DataError(f"{place}: the record {name} has a {phase} outside its samples")
        return samples, onsets

    def array(self, row: int, samples: np.ndarray) -> Any:
        """The record as an `xdas.DataArray` of time and distance, as models are applied to."""
        import xdas

        record = self.table.iloc[row]
        n, channels = samples.shape
        start = np.datetime64(_time(record[START]), "ns")
        last = start + np.timedelta64(round((n - 1) / float(record[RATE]) * 1e9), "ns")
        end_m = (channels - 1) * float(record[SPACING])
        ends = {"time": (n, [start, last]), "distance": (channels, [0.0, end_m])}
        coords = {
            name: {"tie_indices": [0, size - 1], "tie_values": values}
            for name, (size, values) in ends.items()
        }
        return xdas.DataArray(samples, coords)


def _time(text: object) -> datetime:
    found = pd.Timestamp(str(text))
    stated = found.tz_convert(UTC) if found.tzinfo else found.tz_localize(UTC)
    return stated.tz_localize(None).to_pydatetime()


def _in_order(count: int) -> list[str]:
    """Parts of records in their order: 70, 15 and 15 %."""
    n = max(round(0.15 * count), 1)
    train = max(count - 2 * n, 1)
    return [*["train"] * train, *["dev"] * n, *["test"] * n][:count]


class FibreWriter:
    """Writes fibre records one by one, as one chunk that SeisBench reads as well.

    Used with `with`: the files of the chunk appear when the block succeeds, and nothing does when
    it fails. Entering raises OutputError where a file of the chunk is there already; other chunks
    of the folder stay.
    """

    def __init__(self, folder: Path | str, chunk: str = "0") -> None:
        self._records = Path(folder) / RECORDS.format(chunk)
        self._metadata = Path(folder) / METADATA.format(chunk)
        self._rows: list[dict[str, Any]] = []
        self._open = ExitStack()

    def __enter__(self) -> FibreWriter:
        for path in (self._records, self._metadata):
            if os.path.lexists(path):
                raise OutputError(f"cannot write {path}: it is there; allowed: a new file")
        with writing(self._records.parent):
            self._records.parent.mkdir(parents=True, exist_ok=True)
        place = self._open.enter_context(replacing(self._records))
        with writing(self._records):
            file = self._open.enter_context(h5py.File(place, "w"))
        self._group = file.create_group("records")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, at)
        if kind is None:
            with replacing(self._metadata) as place:
                pd.DataFrame(self._rows).to_parquet(place, index=False)

    def add(
        self, samples: np.ndarray, onsets: Mapping[str, np.ndarray], facts: Mapping[str, Any]
    ) -> None:
        """Take a record, (samples, channels), and the onset of each phase at each channel.

        `facts` are its columns of the metadata: rate, spacing, start, split.
        """
        name = f"record_{len(self._rows)}"
        group = self._group.create_group(name)
        group["record"] = np.asarray(samples, np.float32)
        own = group.create_group("annotations")
        for phase, at in onsets.items():
            own[phase] = np.asarray(at, float)
        self._rows.append({**facts, _NAME: name})
