"""HDF5 files of STEAD and EQTransformer: a group `data` with an array and attributes per record.

Mousavi et al. (2019), doi:10.1109/ACCESS.2019.2947848. Samples are (samples, 3), components E, N, Z
at 100 Hz. A table of the same name (`merge.csv` beside `merge.hdf5`) is read instead of the
attributes, which are the same facts: it is faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.training.datasets.records import PHASES, Dataset, onsets_of, table_of

_RATE_HZ, _COMPONENTS = 100.0, "ENZ"
#: Columns, and attributes, that are used.
_STATION = ("network_code", "receiver_code")
_FACTS = (*_STATION, "source_id", "trace_category", "trace_start_time", "p_arrival_sample",
          "s_arrival_sample")  # fmt: skip


def is_one(path: Path) -> bool:
    """Whether a file holds such records."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    with h5py.File(path, "r") as file:
        group = file.get("data")
        if not isinstance(group, h5py.Group):
            return False
        first = next(iter(group.values()), None)
        return isinstance(first, h5py.Dataset) and first.ndim == 2 and first.shape[1] == 3


def read(path: Path) -> Dataset:
    """Open a file of STEAD or EQTransformer.

    Raises
    ------
    DataError
        The table beside it names records that the file does not have, or lacks a column.
    """
    group = h5py.File(path, "r")["data"]
    beside = path.with_suffix(".csv")
    metadata = _of_table(beside) if beside.is_file() else _of_attributes(group)
    names = metadata["trace_name"].astype(str).tolist()
    absent = [name for name in names if not isinstance(group.get(name), h5py.Dataset)]
    if absent:
        raise DataError(f"{path} has no array of the record {absent[0]}")

    def samples(row: int) -> np.ndarray:
        return np.asarray(group[names[row]], np.float32).T

    codes = [_text(metadata[column]) for column in _STATION]
    table = table_of(
        {
            "name": names,
            "station": [".".join((*pair, "")) for pair in zip(*codes, strict=True)],
            "start": _text(metadata["trace_start_time"]),
            "event": _events(metadata, names),
            "rate_hz": _RATE_HZ,
            "npts": [group[name].shape[0] for name in names],
            "components": _COMPONENTS,
            **{phase: _onsets(metadata[f"{phase.lower()}_arrival_sample"]) for phase in PHASES},
        },
        stated=_text(metadata["trace_category"]),
    )
    files = (path, beside) if beside.is_file() else (path,)
    return Dataset(path, "STEAD", table, samples, files)


def _of_table(path: Path) -> pd.DataFrame:
    try:
        texts = dict.fromkeys(("trace_name", *_STATION, "source_id"), "string")
        frame = pd.read_csv(path, low_memory=False, dtype=texts)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error
    missing = [name for name in ("trace_name", *_FACTS) if name not in frame]
    if missing:
        raise DataError(f"{path} has no column {missing[0]}")
    return frame


def _of_attributes(group: Any) -> pd.DataFrame:
    rows = [
        {"trace_name": name, **{fact: _plain(array.attrs.get(fact, "")) for fact in _FACTS}}
        for name, array in group.items()
    ]
    return pd.DataFrame(rows, columns=["trace_name", *_FACTS])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.item() if isinstance(value, np.generic) else value


def _text(column: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]


def _events(metadata: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Ids of sources; a record of noise, or of a source without an id, is for itself."""
    ids = [text if text not in ("None", "nan") else "" for text in _text(metadata["source_id"])]
    return [own or name for own, name in zip(ids, names, strict=True)]


def _onsets(column: pd.Series) -> list[tuple[float, ...]]:
    return onsets_of([pd.to_numeric(column, errors="coerce").to_numpy(float)])
