"""Fibre data as the models read them: piece by piece, never as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.reasons import Reason
from quakeline.fibres.recordings.blocks import Blocks, is_dask
from quakeline.fibres.recordings.virtual_files import Members

TIME = "time"
_USUAL = ("channel", "distance")
#: Channels lie evenly when their steps differ by less than this part of a step.
_UNEVEN = 1e-3


class Source(Protocol):
    """Data (samples, channels) that are read in pieces; an `ArraySource` has those of an array.

    `coords` maps "time" and `channel_coord_name` to coordinates of xdas.
    """

    @property
    def channel_coord_name(self) -> str:
        """Name of the coordinate along the fibre."""

    @property
    def shape(self) -> tuple[int, int]:
        """(samples, channels)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""

    @property
    def coords(self) -> Mapping[str, Any]:
        """Coordinates of xdas by name."""

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of all channels, shape (samples, channels); missing are NaN."""


class Transform(Protocol):
    """A step between reading and the network: a filter, a unit, the removal of the common mode.

    It is local: a sample depends on input within `reach_s` seconds of it, all channels of its
    time included. What it gives must not depend on how the data were cut beyond that.
    """

    @property
    def reach_s(self) -> float:
        """Seconds on both sides of a sample that what is given for it depends on."""

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """A new array like `block`, (samples, channels) float32, at steps dt (s) and dx (m)."""


class ArraySource:
    """An array of xdas or xarray of time and channels, in either order; read as far as needed.

    Virtual arrays of xdas and files that xarray opened stay on disk, and of dask arrays each block
    is computed once (`quakeline.fibres.recordings.blocks.Blocks` says how many are held).

    Parameters
    ----------
    data
        An `xdas.DataArray` or `xarray.DataArray`; "time" must be one of its two dimensions.
    channel_coord_name
        Name of the other one, of xarray also of another coordinate along it; None: as the array
        says.

    Attributes
    ----------
    data
        The array.

    Raises
    ------
    DataError
        The array has other dimensions.
    """

    def __init__(self, data: Any, channel_coord_name: str | None = None) -> None:
        data = _along(data, channel_coord_name)
        dims = tuple(data.dims)
        name = channel_coord_name or next((d for d in dims if d != TIME), "channel")
        if len(dims) != 2 or set(dims) != {TIME, name}:
            wanted = channel_coord_name or " or ".join(_USUAL)
            raise DataError(
                f"the array has the dimensions {', '.join(map(str, dims))}; two are needed:"
                f" {TIME} and {wanted}"
            )
        self.data = data
        self.channel_coord_name = name
        self.coords = {key: _coord(data, key) for key in (TIME, name) if key in data.coords}
        self.dtype = np.dtype(data.dtype)
        self._reader = _reader(data, dims.index(TIME), self.coords.get(TIME))
        self._shape = (int(data.sizes[TIME]), int(data.sizes[name]))

    @property
    def shape(self) -> tuple[int, int]:
        """(samples, channels)."""
        return self._shape

    @property
    def absent(self) -> dict[Reason, tuple[int, int]]:
        """Files that could not be read so far, and their samples [first, stop)."""
        return self._reader.absent

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of all channels, shape (samples, channels)."""
        return self._reader.read(first, stop)


def _is_xarray(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "xarray"


def _along(data: Any, name: str | None) -> Any:
    """An array of xarray with a coordinate along the fibre as its dimension; others as they are."""
    if not _is_xarray(data) or name is None or name in data.dims or name not in data.coords:
        return data
    dims = data.coords[name].dims
    return data.swap_dims({dims[0]: name}) if len(dims) == 1 and dims[0] != TIME else data


def _coord(data: Any, name: str) -> Any:
    """A coordinate of xdas."""
    if not _is_xarray(data):
        return data.coords[name]
    from xdas.coordinates import Coordinate

    return Coordinate(data.coords[name].values, dim=name)


def _reader(data: Any, axis: int, time: Any) -> Blocks | Members:
    xarray = _is_xarray(data)
    if data.chunks is not None if xarray else is_dask(data.data):
        return Blocks(data.data, axis, time)
    # Of a file that xarray opened, `data` would be all of it; a variable is read by slices.
    return Members(data.variable if xarray else data.data, axis)


def as_source(data: Any, channel_coord_name: str | None = None) -> Source:
    """Give what `annotate` was given as a source. Raises DataError for anything else."""
    if _is_xarray(data) and not hasattr(data, "variable"):
        raise DataError("an xarray.Dataset was given; give one of its arrays, as dataset[name]")
    if hasattr(data, "read") and hasattr(data, "channel_coord_name"):
        found: Source = data
    elif hasattr(data, "dims") and hasattr(data, "coords"):
        found = ArraySource(data, channel_coord_name)
    else:
        raise DataError(
            f"a {type(data).__name__} was given; allowed are one xdas.DataArray or xarray.DataArray"
            " per call, or an object with read() as in quakeline.fibres.recordings.arrays.Source"
        )
    if np.issubdtype(found.dtype, np.complexfloating) or not np.issubdtype(found.dtype, np.number):
        raise DataError(f"the array holds {found.dtype}; real numbers are needed")
    _check_coords(found)
    if 0 in found.shape:
        raise DataError(f"the array is empty: {found.shape[0]} samples, {found.shape[1]} channels")
    return found


def _check_coords(source: Source) -> None:
    """Raise DataError where a coordinate is not one value for each sample or channel."""
    for name, n in zip((TIME, source.channel_coord_name), source.shape, strict=True):
        if name not in source.coords:
            raise DataError(f"the array has no coordinate {name}; it needs {n} values of it")
        try:
            count = len(source.coords[name])
        except TypeError:
            raise DataError(
                f"the coordinate {name} of the array is a single value; {n} are needed"
            ) from None
        if count != n:
            raise DataError(f"the coordinate {name} of the array has {count} values; not {n}")


def spacing(source: Source) -> float | None:
    """Step between channels in the unit of their coordinate; None where they lie unevenly."""
    values = np.asarray(source.coords[source.channel_coord_name].values)
    if len(values) < 2 or not np.issubdtype(values.dtype, np.number):
        return None
    steps = np.diff(values.astype(float))
    typical = float(np.median(steps))
    if typical == 0 or np.abs(steps - typical).max() > _UNEVEN * abs(typical):
        return None
    return abs(float(values[-1]) - float(values[0])) / (len(values) - 1)
