"""Files of fibre data, opened lazily: by xdas, else by DASCore, or as a plain matrix.

DASCore and the plain matrix become engines of xdas, so that a file of any kind is one virtual
`xdas.DataArray` of dimensions time and distance, and files join to one virtual dataset.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import xdas
from xdas.coordinates import Coordinate
from xdas.io import Engine
from xdas.virtual import TileArray

from quakeline.clock import tolerance
from quakeline.das.description import Format, MatrixFormat
from quakeline.errors import DataError
from quakeline.timeline import SECOND, to_ns

#: Steps of time that differ by a smaller share are the same (headers round to the nanosecond).
_STEP_TOLERANCE = 1e-5
_MOST_REFUSALS = 3
#: Engines of xdas for seismometer files: they open nearly everything, one channel at a time.
_NOT_FIBRE = ("obspy", "miniseed")


@dataclass(frozen=True)
class Stretch:
    """A gapless, evenly sampled part of a file: a virtual array of dimensions time and distance.

    The array has no coordinates (xdas cannot cut those of some Terra15 files): `start_ns` is the
    time of the first sample, `distances` are in m along the fibre. `known`, int64 of shape (m, 2),
    are samples and their times (ns) where these do not lie evenly; None: they do.
    """

    path: Path
    engine: str
    array: xdas.DataArray
    start_ns: int
    rate_hz: float
    distances: np.ndarray
    known: np.ndarray | None = None

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
    _check_hdf5(path)
    array, engine = _opened(path, form)
    if array.ndim != 2 or "time" not in array.dims:
        raise DataError(f"{engine} finds dimensions {', '.join(array.dims)}; two with time needed")
    (across,) = (name for name in array.dims if name != "time")
    if 0 in array.shape:
        raise DataError("it holds no samples")
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
        raise DataError(f"a damaged HDF5 file: {_short(error)}") from error


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


def _opened(path: Path, form: Format) -> tuple[xdas.DataArray, str]:
    if isinstance(form, MatrixFormat):
        return _matrix(path, form), "matrix"
    refusals = []
    names = [form.engine] if form.engine else [*_engines_of_xdas(), "dascore"]
    for name in names:
        try:
            return xdas.open_dataarray(str(path), engine=name), name
        except KeyError as error:
            if form.engine and "no engine registered" in str(error):
                raise DataError(str(error.args[0])) from None
            refusals.append(f"{name}: {_short(error)}")
        except Exception as error:  # any file may come: every library raises its own errors
            refusals.append(f"{name}: {_short(error)}")
    raise DataError("no reader opens it (" + "; ".join(_telling(refusals)) + ")")


def _engines_of_xdas() -> list[str]:
    """All engines of xdas for fibre data, the one that opened the last file first."""
    names = [n for n in Engine._registry if n not in (*_NOT_FIBRE, "dascore", "matrix")]
    return sorted(names, key=lambda name: name != "xdas")


def _telling(refusals: list[str]) -> list[str]:
    """Reasons that tell most: last those of readers that merely miss their own headings."""
    dull = ("Unable to synchronously open", "not a", "utf-8", "Could not determine")
    return sorted(refusals, key=lambda r: any(word in r for word in dull))[:_MOST_REFUSALS]


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."


def _times(times: Any) -> tuple[int, float]:
    """Time of the first sample in ns, and the rate in Hz to a thousandth."""
    first, last = (
        int(times[at].values.astype("datetime64[ns]").astype(np.int64)) for at in (0, -1)
    )
    step_ns = (last - first) / (len(times) - 1)
    if step_ns <= 0:
        raise DataError("its times do not increase")
    rate = SECOND / step_ns
    whole = round(rate * 1000) / 1000
    return first, whole if abs(whole / rate - 1) < _STEP_TOLERANCE else rate


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
    if not np.issubdtype(values.dtype, np.number):
        return np.arange(array.sizes[across], dtype=float)
    return values.astype(float)


def _matrix(path: Path, form: MatrixFormat) -> xdas.DataArray:
    shape = (form.n_samples, form.n_channels)
    needed = form.offset_bytes + shape[0] * shape[1] * np.dtype(form.dtype).itemsize
    if path.stat().st_size < needed:
        raise DataError(f"it has {path.stat().st_size} bytes; the matrix needs {needed}")
    engine = {
        "name": "matrix",
        "offset": form.offset_bytes,
        "dtype": form.dtype,
        "shape": list(shape),
        "by_channel": form.order == "channel_time",
    }
    step = np.timedelta64(round(SECOND / form.rate_hz), "ns")
    start = np.datetime64(to_ns(form.start), "ns")
    return xdas.DataArray(
        TileArray.from_tiles(str(path), shape, np.dtype(form.dtype), engine),
        {
            "time": Coordinate["sampled"].from_block(start, shape[0], step, dim="time"),
            "distance": Coordinate["sampled"].from_block(
                form.first_distance_m, shape[1], form.spacing_m, dim="distance"
            ),
        },
    )


class _MatrixEngine(Engine, name="matrix"):  # type: ignore[misc, call-arg]
    """Reads parts of a plain matrix inside a file."""

    @staticmethod
    def load_tile(
        path: str,
        selection: tuple[slice, ...],
        *,
        offset: int,
        dtype: str,
        shape: list[int],
        by_channel: bool,
    ) -> np.ndarray:
        """The selected (samples, channels)."""
        stored = tuple(reversed(shape)) if by_channel else tuple(shape)
        matrix = np.memmap(path, dtype, "r", offset=offset, shape=stored)
        return np.array((matrix.T if by_channel else matrix)[selection])


class _DascoreEngine(Engine, name="dascore"):  # type: ignore[misc, call-arg]
    """Files that DASCore reads (OptoDAS before version 8, Silixa HDF5, Sintela, and others)."""

    _supported_vtypes: ClassVar[list[str]] = ["tiles"]

    def open_dataarray(self, fname: Any) -> xdas.DataArray:
        """The first patch of a file, as a virtual array (time, distance)."""
        times, distances, dtype = _dascore_header(str(fname), Path(fname).stat().st_mtime_ns)
        shape = (len(times), len(distances))
        return xdas.DataArray(
            TileArray.from_tiles(str(fname), shape, dtype.newbyteorder("<"), "dascore"),
            {"time": _axis(times, "time"), "distance": _axis(distances, "distance")},
        )

    @staticmethod
    def load_tile(path: str, selection: tuple[slice, ...]) -> np.ndarray:
        """The selected (samples, channels)."""
        import dascore

        times = _dascore_header(path, Path(path).stat().st_mtime_ns)[0]
        rows = selection[0]
        (patch,) = dascore.read(path, time=(times[rows.start], times[rows.stop - 1]))
        data = patch.transpose("time", "distance").data
        return np.asarray(data[(slice(None, None, rows.step), *selection[1:])])


def _axis(values: np.ndarray, dim: str) -> Any:
    """A coordinate of xdas, evenly sampled where the values are."""
    steps = np.diff(values)
    if len(steps) and (np.abs(steps - steps[0]) <= np.abs(steps[0]) * _STEP_TOLERANCE).all():
        return Coordinate["sampled"].from_block(values[0], len(values), steps[0], dim=dim)
    return Coordinate["dense"](values, dim)


@lru_cache(maxsize=4096)
def _dascore_header(path: str, changed_ns: int) -> tuple[np.ndarray, np.ndarray, np.dtype[Any]]:
    """Times (ns), distances (m) and type of a file; `changed_ns` forgets a file that changed."""
    import dascore

    if not dascore.get_format(path)[0]:
        raise DataError("DASCore does not know the format")
    patch = dascore.spool(path)[0].transpose("time", "distance")
    times = patch.coords.get_array("time").astype("datetime64[ns]")
    return times, patch.coords.get_array("distance").astype(float), patch.data.dtype
