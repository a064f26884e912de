"""The stores of all chunks of a run as one object of xarray, read where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.extras import require
from quakeline.core.schemas import PROBABILITIES, WAVEFORMS, Store
from quakeline.io.products import provenance, stores
from quakeline.io.products.joined import PLURALS, Joined, Part

if TYPE_CHECKING:
    import xarray

_KINDS = {schema.name: schema for schema in (WAVEFORMS, PROBABILITIES)}
#: Attributes of a store that are told otherwise, or are not those of the whole.
_OWN = {"start_sample", "clipped", "units", provenance.KEY, *PLURALS.values()}


def open_stores(folder: Path | str, kind: str = "waveforms") -> xarray.Dataset:
    """Open the waveforms or probabilities that a run kept, of all chunks as one, without reading.

    Each sample is that of the chunk it belongs to: margins are left out. The times of all chunks
    are there, also between chunks that do not follow each other; where no chunk has data, or none
    of an instrument, the arrays are NaN and `valid` is false. Inside the stores values are as they
    were written, and `valid` says which are real.

    Parameters
    ----------
    folder
        Folder of a run, results/<run>.
    kind
        "waveforms" or "probabilities".

    Returns
    -------
    xarray.Dataset
        Over dask, a block for each instrument and hour or so, which a worker elsewhere reads
        itself. Arrays `data` (instrument, component, time) or `probability` (instrument, class,
        time), and `valid`; coordinates `time` (UTC), `instrument`, `component` or `class`, and of
        waveforms `units` of each instrument. Among the attributes, `clipped` has runs of clipped
        samples [first, stop) since 1970 by instrument.

    Raises
    ------
    ConfigError
        Another kind.
    DataError
        There are no such stores, or they cannot be read or do not fit together.

    Examples
    --------
    >>> import quakeline
    >>> waves = quakeline.open_stores("results/unterhaching")
    >>> dict(waves.sizes)
    {'instrument': 4, 'component': 3, 'time': 24000}
    >>> second = slice("2010-05-27T16:24:30.00", "2010-05-27T16:24:30.99")
    >>> waves["data"].sel(component="Z", time=second).shape
    (4, 100)
    """
    require("dask", "stores of a run as one")
    if kind not in _KINDS:
        raise ConfigError(f"kind: {kind!r} given; allowed: {', '.join(_KINDS)}")
    schema = _KINDS[kind]
    paths = stores.of_chunks(Path(folder).absolute() / kind)
    if not paths:
        raise DataError(
            f"{Path(folder) / kind} holds no {kind}; a run keeps them with keep: [{kind}]"
        )
    parts = [Part.of(schema, span, path) for span, path in sorted(paths.items())]
    for one, other in pairwise(parts):
        _require_together(one, other)
    return _dataset(schema, parts)


def _require_together(one: Part, other: Part) -> None:
    """Raise DataError where two stores that follow each other are not of one grid."""
    if one.rate_hz != other.rate_hz:
        raise DataError(
            f"{one.path} has {one.rate_hz:g} Hz and {other.path} {other.rate_hz:g} Hz: of one run"
            " all have the same rate"
        )
    if other.start < one.stop:
        raise DataError(f"{one.path} and {other.path} are chunks of the same time: remove one")


def _dataset(schema: Store, parts: list[Part]) -> xarray.Dataset:
    import dask.array
    import xarray

    from quakeline.io.products.sample_index import SampleIndex, SampleTimes

    labels = {dim: _union([part.labels[dim] for part in parts]) for dim in parts[0].labels}
    if "instrument" in labels:
        labels["instrument"].sort()
    arrays = {}
    for array in schema.arrays:
        joined = Joined(array, parts, labels)
        lazy = dask.array.from_array(
            joined, joined.chunks, name=False, asarray=False, fancy=False, meta=joined.meta
        )
        arrays[array.name] = (array.dims, lazy, {"units": array.unit, "long_name": array.meaning})
    first, last = parts[0], parts[-1]
    times = SampleTimes(first.start, last.stop - first.start, first.rate_hz)
    whole = xarray.Dataset(arrays, labels, _attributes(parts))
    if "units" in schema.attributes:
        units = [_units(parts, label) for label in labels["instrument"]]
        whole = whole.assign_coords(units=("instrument", units))
    return whole.assign_coords(xarray.Coordinates.from_xindex(SampleIndex(times)))


def _union(names: Sequence[list[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(names)))


def _units(parts: Sequence[Part], label: str) -> str:
    """Unit of an instrument; where chunks have different ones, all of them."""
    named = [part.attributes["units"].get(label) for part in parts]
    return " or ".join(_union([[str(unit)] for unit in named if unit]))


def _attributes(parts: Sequence[Part]) -> dict[str, Any]:
    """What all stores say alike, and clipped samples."""
    first = parts[0].attributes
    alike = {
        key: value
        for key, value in first.items()
        if key not in _OWN and all(part.attributes.get(key) == value for part in parts)
    }
    clipped: dict[str, list[list[int]]] = {}
    for part in parts:
        for label, runs in part.attributes.get("clipped", {}).items():
            inside = [[max(lo, part.start), min(hi, part.stop)] for lo, hi in runs]
            clipped.setdefault(label, []).extend(run for run in inside if run[0] < run[1])
    return {**alike, "clipped": clipped}
