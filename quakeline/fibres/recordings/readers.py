"""Readers of fibre files: the engines of xdas, DASCore, and plain matrices.

DASCore and the plain matrix become engines of xdas, so that a file of any kind is one or several
virtual `xdas.DataArray`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, to_ns
from quakeline.fibres.recordings import xdas_core as xdas
from quakeline.fibres.recordings.axes import prodml_is_by_channel
from quakeline.fibres.recordings.description import AutoFormat, Format, MatrixFormat
from quakeline.fibres.recordings.xdas_core import Coordinate, Engine, TileArray

#: Steps of time that differ by a smaller share are the same (headers round to the nanosecond).
STEP_TOLERANCE = 1e-5
_MOST_REFUSALS = 3
#: Warnings that are not about files.
_OF_CODE = (DeprecationWarning, FutureWarning, PendingDeprecationWarning, ResourceWarning)
_TDMS = b"TDSm"
#: What DASCore says of a file of none of its formats.
_UNKNOWN = "Could not determine"
#: So many arrays of an unknown HDF5 file are named.
_MOST_NAMED = 4
#: Engines of xdas for seismometer files: they open nearly everything, one channel at a time.
_NOT_FIBRE = ("obspy", "miniseed")
#: Orders of the axes as the names of the first and the last one.
_ORDERS = {"time_channel": ("time", "distance"), "channel_time": ("distance", "time")}


def arrays_of(path: Path, form: Format) -> tuple[list[xdas.DataArray], str, tuple[Reason, ...]]:
    """All arrays that a file holds, the name of the reader, what it warns of. Raises DataError."""
    if isinstance(form, MatrixFormat):
        return [_matrix(path, form)], "matrix", ()
    refusals = []
    names = [form.engine] if form.engine else [*_engines_of_xdas(), "dascore"]
    for name in names:
        try:
            arrays, warned = _with_warnings(path, name, form)
            return arrays, name, warned
        except DataError:
            raise
        except KeyError as error:
            if form.engine and "no engine registered" in str(error):
                raise DataError(str(error.args[0])) from None
            refusals.append(f"{name}: {short(error)}")
        except Exception as error:  # any file may come: every library raises its own errors
            refusals.append(f"{name}: {short(error)}")
    if _UNKNOWN in refusals[-1] and not _of_a_fibre(path):
        raise DataError("no reader opens it: neither HDF5 nor TDMS, nor what DASCore knows")
    raise DataError(f"no reader opens it{_held(path)} (" + "; ".join(_telling(refusals)) + ")")


def _with_warnings(
    path: Path, name: str, form: AutoFormat
) -> tuple[list[xdas.DataArray], tuple[Reason, ...]]:
    """The arrays of a file by one engine, and what the engine warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        arrays = _read(path, name, form)
    texts = [short(one.message) for one in caught if not issubclass(one.category, _OF_CODE)]
    return arrays, tuple(
        Reason.of(Code.READER_WARNS, why=f"its reader, {name}, warns: {text}")
        for text in dict.fromkeys(texts)
    )


def _of_a_fibre(path: Path) -> bool:
    """Whether a file begins as those do that readers of xdas open: HDF5 and TDMS."""
    with path.open("rb") as file:
        return file.read(len(_TDMS)) == _TDMS or h5py.is_hdf5(path)


def _held(path: Path) -> str:
    """What an HDF5 file holds whose layout nobody knows."""
    found: list[str] = []
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            file.visititems(
                lambda name, item: (
                    found.append(f"{name} {item.shape}") if isinstance(item, h5py.Dataset) else None
                )
            )
    return f", an HDF5 file with {', '.join(found[:_MOST_NAMED])}" if found else ""


def _read(path: Path, name: str, form: AutoFormat) -> list[xdas.DataArray]:
    """The arrays of a file by one engine, their axes as the file, or the configuration, says."""
    if name == "dascore":
        patches = range(len(_dascore_headers(str(path), path.stat().st_mtime_ns)))
        arrays = [_patch(str(path), number) for number in patches]
    elif name == "prodml":
        by_channel = form.order == "channel_time" if form.order else prodml_is_by_channel(path)
        return [xdas.open_dataarray(str(path), engine=name, swapped_dims=by_channel)]
    else:
        try:
            arrays = [xdas.open_dataarray(str(path), engine=name)]
        except Exception:
            arrays = _collected(path) if name == "xdas" else []
            if not arrays:
                raise
    return [_ordered(array, form.order) for array in arrays]


def _collected(path: Path) -> list[xdas.DataArray]:
    """The arrays of a collection that xdas wrote; none where the file is no collection."""
    try:
        return list(_leaves(xdas.open_datacollection(str(path))))
    except Exception:  # any file may come: every library raises its own errors
        return []


def _leaves(collection: Any) -> Iterator[xdas.DataArray]:
    """The arrays of a collection of xdas, whatever its levels."""
    if isinstance(collection, xdas.DataArray):
        yield collection
        return
    for one in collection.values() if hasattr(collection, "values") else collection:
        yield from _leaves(one)


def _ordered(array: xdas.DataArray, order: str | None) -> xdas.DataArray:
    """An array whose axes have the names that the order gives, where the file names none."""
    if order is None or array.ndim != 2:
        return array
    names = _ORDERS[order]
    if "time" in array.dims:
        if array.dims.index("time") != names.index("time"):
            raise DataError(
                f"format.order is {order}, but the file says ({', '.join(array.dims)}): leave it"
                " out"
            )
        return array
    coords = {new: array[old].values for new, old in zip(names, array.dims, strict=True)
              if old in array.coords}  # fmt: skip
    return xdas.DataArray(array.data, coords or None, dims=names)


def _engines_of_xdas() -> list[str]:
    """All engines of xdas for fibre data, the one that opened the last file first."""
    names = [n for n in Engine._registry if n not in (*_NOT_FIBRE, "dascore", "matrix")]
    return sorted(names, key=lambda name: name != "xdas")


def _telling(refusals: list[str]) -> list[str]:
    """Reasons that tell most: last those of readers that merely miss their own headings."""
    dull = ("Unable to synchronously open", "not a", "utf-8", _UNKNOWN)
    return sorted(refusals, key=lambda r: any(word in r for word in dull))[:_MOST_REFUSALS]


def short(error: BaseException | str) -> str:
    """What an error or warning of a library says, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."


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
        return _patch(str(fname), 0)

    @staticmethod
    def load_tile(path: str, selection: tuple[slice, ...], *, patch: int) -> np.ndarray:
        """The selected (samples, channels) of one of the file's patches."""
        import dascore

        times, distances, _ = _dascore_headers(path, Path(path).stat().st_mtime_ns)[patch]
        rows = selection[0]
        wanted = times[rows.start : rows.stop]
        for found in dascore.read(path, time=(wanted[0], wanted[-1])):
            own, along = _coordinates(one := found.transpose("time", "distance"))
            if np.array_equal(own, wanted) and np.array_equal(along, distances):
                return np.asarray(one.data[(slice(None, None, rows.step), *selection[1:])])
        raise DataError(f"patch {patch + 1} of {path} is not what its header says")


def _patch(path: str, number: int) -> xdas.DataArray:
    """A patch of a file that DASCore reads, as a virtual array (time, distance)."""
    times, distances, dtype = _dascore_headers(path, Path(path).stat().st_mtime_ns)[number]
    shape = (len(times), len(distances))
    engine = {"name": "dascore", "patch": number}
    return xdas.DataArray(
        TileArray.from_tiles(path, shape, dtype.newbyteorder("<"), engine),
        {"time": _axis(times, "time"), "distance": _axis(distances, "distance")},
    )


def _axis(values: np.ndarray, dim: str) -> Any:
    """A coordinate of xdas, evenly sampled where the values are."""
    steps = np.diff(values)
    if len(steps) and (np.abs(steps - steps[0]) <= np.abs(steps[0]) * STEP_TOLERANCE).all():
        return Coordinate["sampled"].from_block(values[0], len(values), steps[0], dim=dim)
    return Coordinate["dense"](values, dim)


_Header = tuple[np.ndarray, np.ndarray, "np.dtype[Any]"]


@lru_cache(maxsize=4096)
def _dascore_headers(path: str, changed_ns: int) -> tuple[_Header, ...]:
    """Times (ns), distances (m) and type of the patches of a file, in order of time.

    `changed_ns` forgets a file that changed.
    """
    import dascore

    if not dascore.get_format(path)[0]:
        raise ValueError("DASCore does not know the format")
    patches = [patch.transpose("time", "distance") for patch in dascore.spool(path)]
    headers = [(*_coordinates(patch), patch.data.dtype) for patch in patches]
    return tuple(sorted(headers, key=lambda header: header[0][0]))


def _coordinates(patch: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times in ns and distances in m of a patch of DASCore."""
    times = patch.coords.get_array("time").astype("datetime64[ns]")
    return times, patch.coords.get_array("distance").astype(float)
