"""Callbacks that keep the whole output of a DAS model: in memory, or on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from quakeline.core.errors import ConfigError, OutputError
from quakeline.fibres.das.callbacks import DASAnnotateCallback, SectionData
from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure
from quakeline.fibres.das.stack import Stackers, checked
from quakeline.fibres.recordings.arrays import TIME

Format = Literal["xdas", "zarr"]
#: About so many values make a chunk of a Zarr array.
_CHUNK_VALUES = 1 << 20


class _Stacked(DASAnnotateCallback):
    """Stacks patches and passes on what is final."""

    def __init__(self, stacking: str) -> None:
        self.stacking = checked(stacking)

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """See `DASAnnotateCallback.setup`."""
        super().setup(data, patching_structure, annotate_keys)
        self.channel_coord_name = data.channel_coord_name
        self._stackers = Stackers(self.stacking, data, patching_structure, annotate_keys)

    def handle_patch(
        self,
        annotations: dict[str, np.ndarray],
        in_coords: PatchCoordinate,
        out_coords: PatchCoordinate,
    ) -> None:
        """See `DASAnnotateCallback.handle_patch`."""
        for key, first, values in self._stackers.add(annotations, out_coords):
            self._keep(key, first, values)

    def finalize(self) -> None:
        """See `DASAnnotateCallback.finalize`."""
        for key, first, values in self._stackers.finish():
            self._keep(key, first, values)

    def _keep(self, key: str, first: int, values: np.ndarray) -> None:
        raise NotImplementedError

    def _array(self, first: int, values: np.ndarray) -> Any:
        """Values of the section from a sample on as an `xdas.DataArray`."""
        import xdas

        coords = self._stackers.coords
        time = coords[TIME][first : first + len(values)]
        own = {TIME: time, self.channel_coord_name: coords[self.channel_coord_name]}
        return xdas.DataArray(values, own, dims=(TIME, self.channel_coord_name))


class InMemoryCollectionCallback(_Stacked):
    """Keeps the whole output in memory, one `xdas.DataArray` per annotation key.

    Sections behind a gap follow in the same array; its time coordinate has the gap. `annotations`
    are the arrays by key once `annotate` is done.

    Parameters
    ----------
    stacking
        "avg", "max" or "weighted"; see `quakeline.fibres.das.stack.Stacker`.

    Examples
    --------
    >>> import quakeline
    >>> import xdas.synthetics
    >>> data = xdas.synthetics.randn_wavefronts()[:4000, :4]
    >>> callback = quakeline.InMemoryCollectionCallback()
    >>> report = quakeline.DASWaveformModelWrapper("phasenet").annotate(data, callback)
    >>> {key: array.shape for key, array in callback.annotations.items()}
    {'P': (3500, 4), 'S': (3500, 4)}
    """

    def __init__(self, stacking: str = "weighted") -> None:
        super().__init__(stacking)
        self.reset()

    def reset(self) -> None:
        """Forget all output."""
        self.annotations: dict[str, Any] = {}
        self._values: dict[str, np.ndarray] = {}

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """See `DASAnnotateCallback.setup`."""
        super().setup(data, patching_structure, annotate_keys)
        self._values = {key: np.zeros(self._stackers.shape, np.float32) for key in annotate_keys}

    def _keep(self, key: str, first: int, values: np.ndarray) -> None:
        self._values[key][first : first + len(values)] = values

    def finalize(self) -> None:
        """See `DASAnnotateCallback.finalize`."""
        import xdas

        super().finalize()
        for key, values in self._values.items():
            section = self._array(0, values)
            before = self.annotations.get(key)
            known = [section] if before is None else [before, section]
            self.annotations[key] = section if before is None else xdas.concat(known, TIME)
        self._values = {}

    def get_results_dict(self) -> dict[str, Any]:
        """An `xdas.DataArray` by annotation key."""
        return self.annotations


class WriterCallback(_Stacked):
    """Writes the whole output to disk while it is computed, with constant memory.

    Format "xdas": a folder per annotation key with one NetCDF file for each stretch of time; open
    it with `xdas.open_mfdataarray("<output_path>/<key>/*")`. Format "zarr": one Zarr v3 array per
    key in `<output_path>/<key>.zarr`, with "time" (int64 ns since 1970) and the channel coordinate
    beside it.

    Parameters
    ----------
    output_path
        Folder; it is made where it is missing.
    stacking
        "avg", "max" or "weighted"; see `quakeline.fibres.das.stack.Stacker`.
    format
        "xdas" or "zarr".

    Raises
    ------
    ConfigError
        An unknown way to stack or format.
    OutputError
        The folder cannot be made, or holds output already.

    Examples
    --------
    >>> import quakeline
    >>> import xdas.synthetics
    >>> import zarr
    >>> data = xdas.synthetics.randn_wavefronts()[:4000, :4]
    >>> callback = quakeline.WriterCallback("curves", format="zarr")
    >>> report = quakeline.DASWaveformModelWrapper("phasenet").annotate(data, callback)
    >>> sorted(callback.get_results_dict()), zarr.open("curves/P.zarr")["annotation"].shape
    (['P', 'S'], (3500, 4))
    """

    def __init__(
        self, output_path: Path | str, stacking: str = "weighted", format: str = "xdas"
    ) -> None:
        super().__init__(stacking)
        if format not in get_args(Format):
            raise ConfigError(f"format: {format!r} given; allowed: {', '.join(get_args(Format))}")
        self.output_path = Path(output_path)
        self.format = format
        self._writers: dict[str, Any] = {}
        try:
            self.output_path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {self.output_path}: {error.strerror}") from error

    def reset(self) -> None:
        """Begin with new folders."""
        self._writers = {}

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """See `DASAnnotateCallback.setup`."""
        super().setup(data, patching_structure, annotate_keys)
        for key in annotate_keys:
            if key not in self._writers:
                kind = _XdasWriter if self.format == "xdas" else _ZarrWriter
                self._writers[key] = kind(self._path(key))

    def _path(self, key: str) -> Path:
        return self.output_path / (key if self.format == "xdas" else f"{key}.zarr")

    def _keep(self, key: str, first: int, values: np.ndarray) -> None:
        if len(values):
            try:
                self._writers[key].write(self._array(first, values))
            except OSError as error:
                raise OutputError(f"cannot write {self._path(key)}: {error}") from error

    def get_results_dict(self) -> dict[str, Any]:
        """The folder by annotation key."""
        return {key: self._path(key) for key in self._writers}


def _fresh(folder: Path) -> Path:
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is no folder; give another one")
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} holds output already; give another folder")
    folder.mkdir(exist_ok=True)
    return folder


class _XdasWriter:
    """One NetCDF file for each stretch of time."""

    def __init__(self, folder: Path) -> None:
        self._folder = _fresh(folder)
        self._count = 0

    def write(self, array: Any) -> None:
        # not xdas' DataArrayWriter: it joins all files at the end, and only that
        array.to_netcdf(str(self._folder / f"{self._count:09d}.nc"))
        self._count += 1


class _ZarrWriter:
    """One Zarr group whose arrays grow along time."""

    def __init__(self, folder: Path) -> None:
        self._folder = _fresh(folder)
        self._group: Any = None

    def write(self, array: Any) -> None:
        times = np.asarray(array.coords[TIME].values).astype("datetime64[ns]").astype(np.int64)
        if self._group is None:
            self._begin(array)
        values, time = self._group["annotation"], self._group[TIME]
        n = time.shape[0]
        values.resize((n + len(times), values.shape[1]))
        time.resize((n + len(times),))
        values[n:] = array.values
        time[n:] = times

    def _begin(self, array: Any) -> None:
        import zarr

        name = next(dim for dim in array.dims if dim != TIME)
        channels = np.asarray(array.coords[name].values)
        rows = max(_CHUNK_VALUES // len(channels), 1)
        self._group = zarr.create_group(self._folder)
        self._group.create_array(
            "annotation",
            shape=(0, len(channels)),
            chunks=(rows, len(channels)),
            dtype="float32",
            dimension_names=(TIME, name),
        )
        self._group.create_array(
            TIME,
            shape=(0,),
            chunks=(_CHUNK_VALUES,),
            dtype="int64",
            dimension_names=(TIME,),
            attributes={"units": "nanoseconds since 1970-01-01", "calendar": "proleptic_gregorian"},
        )
        self._group.create_array(
            name, data=channels, chunks=(len(channels),), dimension_names=(name,)
        )
