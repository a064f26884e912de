"""Files of fibre data, opened lazily: by xdas, else by DASCore, or as a plain matrix.

Each file gives the gapless parts of all arrays that it holds, of dimensions time and distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from quakeline.core.clock import tolerance
from quakeline.core.errors import DataError
from quakeline.core.reasons import Reason
from quakeline.core.terminal import libraries_muted
from quakeline.core.timeline import SECOND
from quakeline.fibres.recordings import xdas_core as xdas
from quakeline.fibres.recordings.description import Format
from quakeline.fibres.recordings.readers import STEP_TOLERANCE, arrays_of, short
from quakeline.io.formats.plausible import require_name, require_plausible

#: An array of a file that is not read is told where it has this share of the numbers of those read.
_TOLD_SHARE = 0.25


@dataclass(frozen=True)
class Stretch:
    """A gapless, evenly sampled part of a file: a virtual array of dimensions time and distance.

    The array has no coordinates (xdas cannot cut those of some Terra15 files): `start_ns` is the
    time of the first sample, `distances` are in m along the fibre. `known`, int64 of shape (m, 2),
    are samples and their times (ns) where these do not lie evenly; None: they do. `warned` is what
    the reader warns of.
    """

    path: Path
    engine: str
    array: xdas.DataArray
    start_ns: int
    rate_hz: float
    distances: np.ndarray
    known: np.ndarray | None = None
    warned: tuple[Reason, ...] = ()

    @property
    def n_samples(self) -> int:
        """Samples of each channel."""
        return int(self.array.sizes["time"])

    @property
    def end_ns(self) -> int:
        """Time just behind the last sample."""
        return self.start_ns + round(self.n_samples * SECOND / self.rate_hz)


def open_file(path: Path, form: Format) -> list[Stretch]:
    """The gapless parts of a file in order of time.

    Raises
    ------
    DataError
        No reader opens it, or it does not hold channels over time.
    """
    if not path.is_file():
        raise DataError("the file does not exist")
    require_name(path)
    require_plausible(path)
    _check_hdf5(path)
    with libraries_muted():
        arrays, engine, warned = arrays_of(path, form)
    parts = [
        replace(part, warned=warned) for array in arrays for part in _parts(path, engine, array)
    ]
    return sorted(parts, key=lambda part: part.start_ns)


def _parts(path: Path, engine: str, array: xdas.DataArray) -> list[Stretch]:
    """The gapless parts of one array of a file."""
    if array.ndim != 2 or "time" not in array.dims:
        raise DataError(f"{engine} finds dimensions {', '.join(array.dims)}; two with time needed")
    (across,) = (name for name in array.dims if name != "time")
    if 0 in array.shape:
        raise DataError("it holds no samples")
    if "time" not in array.coords or array["time"].ndim != 1:
        raise DataError("it does not say the time of each sample")
    kind = array["time"].dtype
    if not np.issubdtype(kind, np.datetime64):
        raise DataError(f"its times are {kind}, not datetime64: it does not say of which day")
    distances = _distances(array, across)
    return [
        Stretch(path, engine, _bare(part), *_times(part["time"]), distances, _uneven(part["time"]))
        for part in _gapless(array)
        if part.sizes["time"] > 1
    ]


def _check_hdf5(path: Path) -> None:
    """Raise DataError where the headers of an HDF5 file are damaged, before a dozen readers try.

    Some of them (h5netcdf) print on the terminal when they fail on such a file.
    """
    if path.stat().st_size == 0:
        raise DataError("the file is empty")
    if not h5py.is_hdf5(path):
        return
    try:
        with h5py.File(path, "r") as file:
            file.visititems(lambda name, item: None)
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"a damaged HDF5 file: {short(error)}") from error


def _gapless(array: xdas.DataArray) -> list[xdas.DataArray]:
    if array["time"].get_discontinuities().empty:
        return [array]
    return list(xdas.split(array, "discontinuities", "time"))


def _bare(array: xdas.DataArray) -> xdas.DataArray:
    dims = ["time" if name == "time" else "distance" for name in array.dims]
    return xdas.DataArray(array.data, dims=dims)


def missing_members(path: Path) -> list[str]:
    """Files that a virtual HDF5 dataset joins and that do not exist: xdas reads them as NaN."""
    missing: set[str] = set()

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.is_virtual:
            for source in item.virtual_sources():
                member = Path(path.parent, source.file_name)
                if source.file_name != "." and not member.is_file():
                    missing.add(source.file_name)

    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    return sorted(missing)


def unread(path: Path, parts: Sequence[Stretch]) -> list[str]:
    """Names of large arrays of an HDF5 file that its reader does not give, as a second zone's."""
    if not parts or not h5py.is_hdf5(path):
        return []
    least = _TOLD_SHARE * max(part.array.size for part in parts)
    sizes: dict[str, int] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim > 1 and item.dtype.kind in "iuf":
            sizes[name] = item.size

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    given = {name for part in parts for name in _datasets(part.array.data)}
    if not given:
        return []
    return [name for name, size in sizes.items() if size >= least and name not in given]


def _datasets(data: Any) -> set[str]:
    """Names of the HDF5 datasets of a virtual array; empty where it does not tell them.

    DASCore does not; all of its patches are read.
    """
    if hasattr(data, "sources"):
        return {name for source in data.sources for name in _datasets(source)}
    name = getattr(getattr(data, "vsource", None), "name", None)
    stated = getattr(data, "engine", None)
    name = stated.get("dataset") if isinstance(stated, dict) else name
    return {str(name).lstrip("/")} if name else set()


def _times(times: Any) -> tuple[int, float]:
    """Time of the first sample in ns, and the rate in Hz to a thousandth."""
    first, last = (
        int(times[at].values.astype("datetime64[ns]").astype(np.int64)) for at in (0, -1)
    )
    step_ns = (last - first) / (len(times) - 1)
    if step_ns <= 0:
        raise DataError(
            f"its times step by {step_ns:g} ns from {times[0].values} to {times[-1].values}: they"
            " must increase"
        )
    rate = SECOND / step_ns
    whole = round(rate * 1000) / 1000
    return first, whole if abs(whole / rate - 1) < STEP_TOLERANCE else rate


def _uneven(times: Any) -> np.ndarray | None:
    """Samples and their times in ns where they are known, None where all lie on one line."""
    n = len(times)
    first, rate_hz = _times(times)
    at = getattr(times, "tie_indices", np.arange(0, n, max(round(rate_hz), 1)))
    at = np.unique(np.append(at, [0, n - 1])).astype(np.int64)
    if len(at) < 3:
        return None
    known = times[at].values.astype("datetime64[ns]").astype(np.int64)
    late = (known - first) * (rate_hz / SECOND) - at
    off = late - np.interp(at, at[[0, -1]], late[[0, -1]])
    return np.stack([at, known], axis=1) if np.abs(off).max() > tolerance(rate_hz) else None


def _distances(array: xdas.DataArray, across: str) -> np.ndarray:
    if across not in array.coords:
        return np.arange(array.sizes[across], dtype=float)
    values = np.asarray(array[across].values)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.number):
        return np.arange(array.sizes[across], dtype=float)
    return values.astype(float)
