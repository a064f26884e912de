"""Arrays of dask and xarray: the same results as of arrays in memory, every block computed once."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import fibre
import h5netcdf
import numpy as np
import pandas as pd
import pytest
import xarray
import xdas

from quakeline import DASPickingCallback, InMemoryCollectionCallback, MultiCallback
from quakeline.core.errors import DataError
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.recordings.arrays import ArraySource, as_source

N, CHANNELS = 3600, 16
SAMPLES = fibre.wave(N, CHANNELS)


class Counted:
    """Blocks of 700 samples by 10 and 6 channels that count how often each is computed."""

    def __init__(self, samples: np.ndarray = SAMPLES, fail: Any = None, axis: int = 0) -> None:
        self.count: Counter[tuple[int, ...]] = Counter()
        self.alive: list[Any] = []
        self.fail = fail
        chunks = [tuple(min(700, N - k) for k in range(0, N, 700)), (10, 6)]
        if axis:
            samples, chunks = samples.T, chunks[::-1]
        template = da.zeros(samples.shape, chunks=tuple(chunks), dtype=samples.dtype)
        self.samples = samples
        self.array = da.map_blocks(self._block, template, dtype=samples.dtype, meta=samples[:0, :0])

    def _block(self, zeros: np.ndarray, block_info: Any = None) -> np.ndarray:
        index = tuple(block_info[0]["chunk-location"])
        self.count[index] += 1
        if index == self.fail:
            raise OSError("no route to\nthe tape")
        (a, b), (c, d) = block_info[0]["array-location"]
        return self.samples[a:b, c:d].copy()


def in_xdas(data: Any, *stretches: tuple[float, int]) -> Any:
    return xdas.DataArray(data, fibre.array(SAMPLES, *stretches).coords)


def in_xarray(data: Any, channel: Any = None) -> xarray.DataArray:
    channel = np.arange(CHANNELS) * 10.0 if channel is None else channel
    times = fibre.START + np.arange(N) * np.timedelta64(10, "ms")
    return xarray.DataArray(data, {"time": times, "distance": channel}, ("time", "distance"))


def results(data: Any, model: DASModel | None = None, **options: Any) -> tuple[Any, Any, Any]:
    """Picks, curves, and the report."""
    picks, curves = DASPickingCallback(0.3), InMemoryCollectionCallback("avg")
    model = model or fibre.Loud(width=CHANNELS)
    report = model.annotate(data, MultiCallback([picks, curves]), overlap_samples=300, **options)
    return picks.get_results_dataframe(), curves.get_results_dict(), report


def compare(one: Any, other: Any) -> None:
    """Bit for bit."""
    assert len(one[0]) > 50
    pd.testing.assert_frame_equal(one[0], other[0], check_exact=True)
    for key in ("P", "S"):
        for a, b in zip(sections(one[1][key]), sections(other[1][key]), strict=True):
            assert np.array_equal(a.values, b.values)
            assert np.array_equal(a.coords["time"].values, b.coords["time"].values)


def sections(array: Any) -> list[Any]:
    return array if isinstance(array, list) else [array]


def resampled(**options: Any) -> DASModel:
    """A network behind a resampling, which reads around every window."""
    return fibre.Loud(width=CHANNELS, dt_range=(0.004, 0.006), **options)


@pytest.mark.parametrize(
    ("laid", "model"), [(in_xdas, None), (in_xarray, None), (in_xdas, resampled)]
)
def test_each_block_is_computed_once_and_nothing_changes(laid: Any, model: Any) -> None:
    counted = Counted()
    compare(
        results(laid(counted.array), model and model()), results(laid(SAMPLES), model and model())
    )
    assert set(counted.count.values()) == {1}
    assert len(counted.count) == 6 * 2


def test_xarray_gives_what_xdas_gives() -> None:
    compare(results(in_xarray(SAMPLES)), results(in_xdas(SAMPLES)))


def test_arrays_by_channel_with_gaps() -> None:
    stretches = (0.0, 1600), (60.0, 2000)
    counted = Counted(axis=1)
    coords = in_xdas(SAMPLES, *stretches).coords
    turned = xdas.DataArray(counted.array, coords, dims=("distance", "time"))
    made = results(turned)
    assert [problem.kind for problem in made[2].problems] == ["gap"]
    compare(made, results(in_xdas(SAMPLES, *stretches)))
    assert set(counted.count.values()) == {1}


def test_classify_takes_them() -> None:
    model = fibre.Loud(width=CHANNELS)
    options = {"thresholds": 0.3, "overlap_samples": 300}
    one = model.classify(in_xarray(Counted().array), **options)
    other = model.classify(in_xarray(SAMPLES), **options)
    assert len(other.P) > 20
    assert [str(pick) for pick in one.P] == [str(pick) for pick in other.P]


def test_blocks_are_let_go_behind_the_reads() -> None:
    source = as_source(in_xdas(Counted().array))
    assert isinstance(source, ArraySource)
    reader: Any = source._reader
    held = 0
    for first in range(0, N - 600, 100):
        block = source.read(first, first + 600)
        assert np.array_equal(block, SAMPLES[first : first + 600])
        held = max(held, sum(kept.nbytes for kept in reader._kept.values()))
    del block
    gc.collect()
    assert held == 2 * 700 * CHANNELS * 4
    assert source.read(N, N + 10).shape == (0, CHANNELS)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_block_that_fails_is_named_in_one_line(axis: int) -> None:
    fail = (4, 1) if axis == 0 else (1, 4)
    coords = in_xdas(SAMPLES).coords
    dims = ("time", "distance") if axis == 0 else ("distance", "time")
    data = xdas.DataArray(Counted(fail=fail, axis=axis).array, coords, dims=dims)
    with pytest.raises(DataError) as caught:
        results(data)
    assert str(caught.value) == (
        f"block {fail} of the dask array, samples 2800 to 3499 (2024-01-01T00:00:28.000Z to"
        " 2024-01-01T00:00:34.990Z): OSError: no route to the tape"
    )


def test_a_block_of_another_shape_is_named() -> None:
    short = da.map_blocks(lambda block: block[:-1], Counted().array, dtype="f4")
    with pytest.raises(DataError, match=r"^block \(0, 0\) .* shape \(699, 10\); \(700, 10\) is pr"):
        as_source(in_xdas(short)).read(0, 10)


def test_blocks_of_unknown_size_are_refused() -> None:
    some = Counted().array[da.ones(N, chunks=700, dtype=bool)]
    with pytest.raises(DataError, match=r"blocks of unknown size: call its compute_chunk_sizes"):
        as_source(xdas.DataArray(some, dims=("time", "distance")))


def test_channels_may_have_names_and_another_coordinate() -> None:
    names = np.array([f"CH{k:02}" for k in range(CHANNELS)])
    array = in_xarray(Counted().array, names).rename(distance="channel")
    array = array.assign_coords(metres=("channel", np.arange(CHANNELS) * 10.0))
    by_name, by_metres = results(array)[0], results(array, channel_coord_name="metres")[0]
    assert set(by_name["channel"]) <= set(names)
    expected = results(in_xarray(SAMPLES))[0]
    pd.testing.assert_frame_equal(by_metres, expected, check_exact=True)
    at = (expected["channel"] / 10).astype(int)
    assert list(by_name["channel"]) == list(names[at])


def test_a_file_that_xarray_opened_is_read_window_by_window(tmp_path: Path, monkeypatch) -> None:
    in_xarray(SAMPLES).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    read: list[int] = []
    get = h5netcdf.Variable.__getitem__

    def noted(self: Any, key: Any) -> Any:
        block = get(self, key)
        if np.ndim(block) == 2:
            read.append(len(block))
        return block

    with xarray.open_dataarray(tmp_path / "a.nc", engine="h5netcdf") as lazy:
        monkeypatch.setattr(h5netcdf.Variable, "__getitem__", noted)
        made = results(lazy)
    assert sum(read) == N
    assert max(read) <= 600
    compare(made, results(in_xarray(SAMPLES)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (in_xarray(SAMPLES).drop_vars("distance"), "the array has no coordinate distance"),
        (in_xarray(SAMPLES).to_dataset(name="x"), "an xarray.Dataset was given; give one of its"),
        (in_xarray(SAMPLES).rename(time="t"), "the array has the dimensions t, distance"),
        (in_xarray(SAMPLES).assign_coords(time=np.arange(N)), "coordinate time holds int64"),
        (da.zeros((3, 3)), "a Array was given; allowed are one xdas.DataArray or xarray.DataArray"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        results(data)


def test_dask_decides_how_blocks_are_computed() -> None:
    counted = Counted()
    with dask.config.set(scheduler="synchronous"):
        compare(results(in_xdas(counted.array)), results(in_xdas(SAMPLES)))
    assert set(counted.count.values()) == {1}
