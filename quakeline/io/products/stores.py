"""Zarr v3 stores that follow a schema of `quakeline.core.schemas`, on the absolute sample grid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.schemas import Array, Store
from quakeline.core.timeline import Span
from quakeline.io.products import provenance
from quakeline.io.products.atomic import replacing

if TYPE_CHECKING:
    import zarr

#: Samples in one Zarr chunk, one hour at 100 Hz: shorter chunks read several times slower.
CHUNK_SAMPLES = 360_000
_CHUNKS_PER_SHARD = 8
_FORMAT_KEYS = ("quakeline_store", "quakeline_store_version")


@dataclass(frozen=True)
class Grid:
    """The samples of a store: first sample index since 1970, number of samples, rate in Hz."""

    start_sample: int
    n_samples: int
    rate_hz: float


@contextmanager
def create(
    path: Path, schema: Store, grid: Grid, labels: dict[str, list[str]], **attributes: Any
) -> Iterator[zarr.Group]:
    """Create a store and give its group for filling; it appears at `path` when the block ends.

    `labels` names the entries of each dimension but time, keyed by the dimension's plural
    ("instruments", "components", "classes"). Values that are never written read as zero.
    """
    import zarr

    sizes = {"time": grid.n_samples, **{_singular(k): len(v) for k, v in labels.items()}}
    given = {
        "start_sample": grid.start_sample,
        "sampling_rate_hz": grid.rate_hz,
        **labels,
        **attributes,
    }
    missing = sorted(set(schema.attributes) - set(given))
    if missing:
        raise ValueError(f"store {schema.name}: attributes missing: {', '.join(missing)}")
    with replacing(path, is_store) as temporary:
        group = zarr.open_group(temporary, mode="w", zarr_format=3)
        group.attrs.update(
            {
                **dict(zip(_FORMAT_KEYS, (schema.name, schema.version), strict=True)),
                **given,
                provenance.KEY: provenance.current(),
            }
        )
        for array in schema.arrays:
            _create_array(group, array, sizes)
        yield group


def of_chunks(folder: Path) -> dict[Span, Path]:
    """The stores in a folder that are named by the chunks of a run."""
    return {Span.parse(path.stem): path for path in folder.glob("*T*_*T*.zarr")}


def is_store(folder: Path) -> bool:
    """Whether a folder is a store of this program, of any kind or version."""
    try:
        metadata = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
        return _FORMAT_KEYS[0] in metadata["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


# LZ4 compresses waveforms as much as Zstandard at level 1 (1.08) at half the cost.
def _create_array(group: zarr.Group, array: Array, sizes: Mapping[str, int]) -> None:
    from zarr.codecs import BloscCodec

    n = max(sizes["time"], 1)
    samples = min(n, CHUNK_SAMPLES)
    shards = min(_CHUNKS_PER_SHARD, -(-n // samples))
    others = [max(sizes[dim], 1) if dim in array.together else 1 for dim in array.dims[:-1]]
    group.create_array(
        array.name,
        shape=tuple(sizes[dim] for dim in array.dims),
        dtype=array.dtype,
        chunks=(*others, samples),
        shards=(*others, samples * shards),
        compressors=BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"),
        dimension_names=array.dims,
        fill_value=0,
    )


def _singular(plural: str) -> str:
    return plural[:-2] if plural.endswith("sses") else plural[:-1]


def open_store(path: Path, schema: Store) -> zarr.Group:
    """Open a store for reading. Raises DataError for another kind, version or a broken store."""
    import zarr

    try:
        group = zarr.open_group(path, mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot open {path} as a store of {schema.name}: {error}") from error
    name, version = (group.attrs.get(key) for key in _FORMAT_KEYS)
    if (name, version) != (schema.name, schema.version):
        raise DataError(
            f"{path} holds {name} version {version},"
            f" expected {schema.name} version {schema.version}"
        )
    return group


def grid_of(group: zarr.Group) -> Grid:
    """The sample grid of an open store."""
    start, rate = group.attrs["start_sample"], group.attrs["sampling_rate_hz"]
    valid: Any = group["valid"]
    return Grid(int(str(start)), int(valid.shape[-1]), float(str(rate)))


def labels_of(group: zarr.Group, plural: str) -> list[str]:
    """The names along a dimension of an open store, e.g. "instruments"."""
    labels = group.attrs[plural]
    if not isinstance(labels, list):
        raise DataError(f"{group.store_path}: attribute {plural} is not a list")
    return [str(label) for label in labels]


def samples(array: Any, index: int, start: int, stop: int) -> np.ndarray:
    """Read [start, stop) of one entry of the first dimension; outside the array zeros."""
    n = array.shape[-1]
    inside = slice(max(start, 0), min(stop, n))
    block = np.zeros((*array.shape[1:-1], stop - start), dtype=array.dtype)
    if inside.start < inside.stop:
        block[..., inside.start - start : inside.stop - start] = array[index, ..., inside]
    return block


def window(group: zarr.Group, index: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Motion and mask of an instrument in WAVEFORMS, samples [start, stop) of the store.

    Both have shape (components, stop - start); outside the store, in gaps and where samples are
    clipped the mask is false.
    """
    data, valid = (samples(group[name], index, start, stop) for name in ("data", "valid"))
    label = labels_of(group, "instruments")[index]
    clipped: Any = group.attrs.get("clipped", {})
    first_of_store = grid_of(group).start_sample
    for runs in clipped.get(label, ()):
        first, end = (max(int(sample) - first_of_store - start, 0) for sample in runs)
        valid[:, first:end] = False
    return data, valid
