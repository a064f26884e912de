"""Writes SeisBench's data set format: what is made here, others can use."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import pandas as pd

from quakeline.training.datasets.seisbench import METADATA, WAVEFORMS

#: Records in one array at most.
_BUCKET = 256


class Writer:
    """Writes records one by one; a bucket of them is in memory.

    Samples are float32, in the component order that is given.
    """

    def __init__(self, folder: Path, components: str, rate_hz: float, **facts: str) -> None:
        self._folder, self._components = folder, components
        self._rate_hz = rate_hz
        self._rows: list[dict[str, Any]] = []
        self._held: dict[int, list[np.ndarray]] = {}
        self._numbers: Counter[str] = Counter()
        self._names: dict[int, int] = {}
        self._file = h5py.File(folder / WAVEFORMS.format(""), "w")
        common = {
            "component_order": components,
            "dimension_order": "CW",
            "sampling_rate": rate_hz,
            **facts,
        }
        for name, value in common.items():
            self._file[f"data_format/{name}"] = value

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                for length in sorted(self._held):
                    self._flush(length)
                frame = pd.DataFrame(self._rows)
                frame.to_csv(self._folder / METADATA.format(""), index=False, lineterminator="\n")
        finally:
            self._file.close()

    def add(self, samples: np.ndarray, facts: dict[str, Any]) -> None:
        """Take a record, samples (components, n), and its columns of the metadata."""
        n = samples.shape[1]
        held = self._held.setdefault(n, [])
        if not held:
            self._names[n] = self._numbers["bucket"]
            self._numbers["bucket"] += 1
        name = f"bucket{self._names[n]}${len(held)},:{len(self._components)},:{n}"
        held.append(np.asarray(samples, np.float32))
        stated = {"trace_sampling_rate_hz": self._rate_hz, "trace_npts": n}
        self._rows.append({"trace_name": name, **facts, **stated})
        if len(held) == _BUCKET:
            self._flush(n)

    def _flush(self, length: int) -> None:
        held = self._held.pop(length, [])
        if held:
            self._file[f"data/bucket{self._names[length]}"] = np.stack(held)
