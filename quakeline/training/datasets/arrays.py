"""Data sets in one file of arrays: NumPy archives, and windows of one class in HDF5."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from quakeline.core.errors import DataError
from quakeline.picking import scoring
from quakeline.training.datasets.records import PHASES, Dataset, onsets_of, table_of

#: Classes of Seismo-Performer's files, whose windows have 100 samples a second: Stepnov et al.
#: (2021), doi:10.3390/s21186290.
_CLASSES, _RATE_HZ, _COMPONENTS = ("P", "S", "N"), 100.0, "NEZ"


def read_npz(path: Path) -> Dataset:
    """Open a NumPy archive as `quakeline evaluate picks` takes it; it is held in memory.

    Raises DataError as `quakeline.picking.scoring.read`.
    """
    found = scoring.read(path)
    with np.load(path, allow_pickle=False) as archive:
        names = archive["id"].astype(str).tolist() if "id" in archive.files else []
    n = len(found.samples)
    table = table_of(
        {
            "name": names if len(names) == n else [f"{number}" for number in range(n)],
            "rate_hz": found.sampling_rate_hz,
            "npts": found.samples.shape[2],
            "components": found.components,
            **{phase: onsets_of([found.onsets[phase]]) for phase in PHASES},
        }
    )
    return Dataset(
        path,
        "NumPy archive",
        table,
        lambda row: np.asarray(found.samples[row], np.float32),
        (path,),
    )


def is_windows(path: Path) -> bool:
    """Whether a file holds windows and their classes, as Seismo-Performer's do."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path, "r") as file:
        return "X" in file and "Y" in file


def read_windows(path: Path) -> Dataset:
    """Open a file of windows: `X` (records, samples, 3), components N, E, Z, 100 Hz; `Y` classes.

    The class is 0 for P and 1 for S, whose onset is the middle of the window, and 2 for noise. They
    are cut from records behind the filter of the networks.

    Raises
    ------
    DataError
        Arrays of other shapes, or other classes.
    """
    file = h5py.File(path, "r")
    waveforms, classes = file["X"], np.asarray(file["Y"]).reshape(-1)
    if waveforms.ndim != 3 or waveforms.shape[2] != 3 or len(classes) != len(waveforms):
        raise DataError(
            f"{path}: X {waveforms.shape} and Y {file['Y'].shape} do not fit; needed are"
            " (records, samples, 3) and (records,)"
        )
    strange = sorted(set(classes.tolist()) - set(range(len(_CLASSES))))
    if strange:
        raise DataError(f"{path}: class {strange[0]} in Y; allowed: 0 (P), 1 (S), 2 (noise)")
    middle = float(waveforms.shape[1] // 2)
    onsets = {
        phase: [(middle,) if found == number else () for found in classes.astype(int)]
        for number, phase in enumerate(PHASES)
    }
    table = table_of(
        {
            "name": [str(number) for number in range(len(classes))],
            "rate_hz": _RATE_HZ,
            "npts": waveforms.shape[1],
            "components": _COMPONENTS,
            **onsets,
        }
    )
    return Dataset(
        path,
        "windows (X, Y)",
        table,
        lambda row: np.asarray(waveforms[row], np.float32).T,
        (path,),
        prepared=True,
    )
