"""The data set format of SeisBench: metadata.csv and waveforms.hdf5, in chunks or not.

Woollam et al. (2022), Seismological Research Letters 93, 1695-1709, doi:10.1785/0220210324. Samples
are arrays below `data`, one for a record or one for many of the same length (a bucket), of which
the name of a record says the slice: `bucket0$3,:3,:6000`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.training.datasets.records import PHASES, Dataset, onsets_of, table_of

METADATA, WAVEFORMS, CHUNKS = "metadata{}.csv", "waveforms{}.hdf5", "chunks"
#: Column of samples where there may be an onset, parted by spaces; a column of quakeline's own.
UNSURE = "trace_unsure_samples"
_ONSET = re.compile(r"trace_([PpSs])(?:g|n|b|mP|mS|\d*)_arrival_sample")
_PARTS = {"validation": "dev", "valid": "dev", "val": "dev", "development": "dev"}
#: Columns that may name the event of a record, the first that is there counts.
_EVENTS = ("source_id", "source_event_id", "source_origin_time")
_CODES = ("station_network_code", "station_code", "station_location_code")
_NAMES = {*_EVENTS, *_CODES}


def is_one(folder: Path) -> bool:
    """Whether a folder holds such a data set."""
    return folder.is_dir() and bool(_chunks(folder))


def read(folder: Path) -> Dataset:
    """Open a data set. Raises DataError where it is damaged or incomplete."""
    chunks = _chunks(folder)
    frames = [_metadata(folder / METADATA.format(chunk)) for chunk in chunks]
    files = [_File(folder / WAVEFORMS.format(chunk)) for chunk in chunks]
    metadata = pd.concat(frames, ignore_index=True)
    if metadata.empty:
        raise DataError(f"{folder} holds no records")
    owner = np.repeat(np.arange(len(files)), [len(frame) for frame in frames])
    names = metadata["trace_name"].astype(str).tolist()

    def samples(row: int) -> np.ndarray:
        file: _File = files[owner[row]]
        return file.samples(names[row])

    table = _table(metadata, [files[number] for number in owner])
    used = [folder / form.format(chunk) for chunk in chunks for form in (METADATA, WAVEFORMS)]
    return Dataset(folder, "SeisBench", table, samples, tuple(used))


def _chunks(folder: Path) -> list[str]:
    if (folder / CHUNKS).is_file():
        return (folder / CHUNKS).read_text(encoding="utf-8").split()
    found = sorted(folder.glob(METADATA.format("*")))
    return [path.name.removeprefix("metadata").removesuffix(".csv") for path in found]


def _metadata(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, low_memory=False, usecols=lambda name: name not in _NAMES)
        # codes as they are: "00" is no number, and "NA" a network
        names = pd.read_csv(path, dtype=str, na_filter=False, usecols=lambda name: name in _NAMES)
        frame = pd.concat([frame, names], axis=1)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error
    if "trace_name" not in frame:
        raise DataError(f"{path} has no column trace_name")
    if frame["trace_name"].isna().any():
        raise DataError(f"{path}: a record has no trace_name")
    return frame


@dataclass
class _File:
    """A file of waveforms, opened when samples are first read."""

    path: Path
    _held: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        """The group of arrays. Raises DataError where there is none."""
        if "data" not in self._held:
            try:
                file = h5py.File(self.path, "r")
                self._held |= {"data": file["data"], "format": _format(file)}
            except (OSError, KeyError) as error:
                raise DataError(
                    f"cannot read {self.path}: {why_unread(error, self.path)}"
                ) from error
        return self._held["data"]

    @property
    def format(self) -> dict[str, str]:
        """What the file says of all its records, as text."""
        _ = self.data
        found: dict[str, str] = self._held["format"]
        return found

    def located(self, name: str) -> tuple[Any, tuple[Any, ...]]:
        """The array of a record, and which of it is meant."""
        key, _, text = name.partition("$")
        try:
            array = self.data[key]
            if not isinstance(array, h5py.Dataset):
                raise KeyError(key)
            return array, tuple(_slice(word) for word in text.split(",") if word)
        except (KeyError, ValueError) as error:
            raise DataError(f"{self.path} has no samples of the record {name}") from error

    def shape(self, name: str) -> tuple[int, int]:
        """Components and samples of a record, as it is stated."""
        array, where = self.located(name)
        shape: tuple[int, ...] = array.shape
        if where:
            stated = [
                len(range(*one.indices(n))) if isinstance(one, slice) else None
                for one, n in zip(where, array.shape, strict=False)
            ]
            shape = tuple(n for n in stated if n is not None) + array.shape[len(where) :]
        if len(shape) != 2:
            raise DataError(f"{self.path}: the record {name} has the shape {shape}")
        components, n = shape if self._first_components else shape[::-1]
        return components, n

    def samples(self, name: str) -> np.ndarray:
        """Samples of a record, (components, n), float32."""
        array, where = self.located(name)
        try:
            found = np.asarray(array[where or ...], np.float32)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.path}: the record {name} cannot be read: {error}") from error
        return found if self._first_components else found.T

    @property
    def _first_components(self) -> bool:
        return self.format.get("dimension_order", "CW").replace("N", "") == "CW"


def _format(file: Any) -> dict[str, str]:
    group = file.get("data_format", {})
    values = {name: group[name][()] for name in group}
    return {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in values.items()}


def _slice(word: str) -> int | slice:
    if ":" not in word:
        return int(word)
    first, last = word.split(":")[:2]
    return slice(int(first) if first else None, int(last) if last else None)


def _table(metadata: pd.DataFrame, files: list[_File]) -> pd.DataFrame:
    names = metadata["trace_name"].astype(str).tolist()
    shapes = [file.shape(name) for file, name in zip(files, names, strict=True)]
    columns: dict[str, Any] = {
        "name": names,
        "station": _joined(metadata, _CODES),
        "start": _text(metadata, "trace_start_time"),
        "event": next((_text(metadata, name) for name in _EVENTS if name in metadata), ""),
        "split": _text(metadata, "split").str.strip().str.lower().replace(_PARTS),
        "source": _text(metadata, "source_type").str.strip().str.lower(),
        "rate_hz": _rates(metadata, files),
        "npts": [n for _, n in shapes],
        "components": _components(metadata, files),
    }
    for phase in PHASES:
        found = [c for c in metadata if (m := _ONSET.fullmatch(str(c))) and m[1].upper() == phase]
        given = [pd.to_numeric(metadata[name], errors="coerce").to_numpy() for name in found]
        columns[phase] = onsets_of(given) if given else [()] * len(names)
    columns["unsure"] = [
        tuple(float(word) for word in text.split()) for text in _text(metadata, UNSURE)
    ]
    category = _text(metadata, "trace_category")
    return table_of(columns, stated=category.where(category != "", columns["source"]))


def _text(metadata: pd.DataFrame, name: str) -> pd.Series:
    if name not in metadata:
        return pd.Series([""] * len(metadata))
    return metadata[name].astype("string").fillna("").astype(str)


def _joined(metadata: pd.DataFrame, names: Iterable[str]) -> list[str]:
    if not {*names} & set(metadata):
        return [""] * len(metadata)
    parts = [_text(metadata, name) for name in names]
    return [".".join(codes) for codes in zip(*parts, strict=True)]


def _rates(metadata: pd.DataFrame, files: list[_File]) -> np.ndarray:
    stated = np.array([float(file.format.get("sampling_rate", "nan")) for file in files])
    if "trace_sampling_rate_hz" in metadata:
        own = pd.to_numeric(metadata["trace_sampling_rate_hz"], errors="coerce").to_numpy(float)
        stated = np.where(np.isfinite(own), own, stated)
    return stated


def _components(metadata: pd.DataFrame, files: list[_File]) -> list[str]:
    own = _text(metadata, "trace_component_order")
    common = [file.format.get("component_order", "ZNE") for file in files]
    return [one or other for one, other in zip(own, common, strict=True)]
