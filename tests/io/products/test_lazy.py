"""Stores of a run as one object of xarray over dask."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest

import quakeline
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import PROBABILITIES, WAVEFORMS
from quakeline.core.timeline import SECOND, Span, sample_time
from quakeline.io.products import stores
from quakeline.io.products.lazy import open_stores

RATE, START, CHUNK_S, MARGIN_S = 12.5, 1_588_291_200, 80, 15
A, B, C = "XX.A..HH", "XX.B.00.EH", "YY.C..SH"
#: Begin of each chunk in s, and its instruments; the third does not follow the second.
CHUNKS = ((0, (B, A)), (80, (A, C)), (320, (A,)))
N = round(400 * RATE)


def truth(label: str, component: int) -> np.ndarray:
    return np.random.default_rng([ord(label[3]), component]).normal(size=N).astype("f4")


def spans() -> list[Span]:
    firsts = [START + first for first, _ in CHUNKS]
    return [Span(at * SECOND, (at + CHUNK_S) * SECOND) for at in firsts]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks, whose margins hold something else than what counts."""
    folder = tmp_path_factory.mktemp("run")
    for span, (begin, instruments) in zip(spans(), CHUNKS, strict=True):
        own = slice(round(begin * RATE), round((begin + CHUNK_S) * RATE))
        margin = int(MARGIN_S * RATE)
        n = own.stop - own.start + 2 * margin
        grid = stores.Grid(round(START * RATE) + own.start - margin, n, RATE)
        of_motion = {"instruments": list(instruments), "components": ["Z", "N", "E"]}
        units = {"units": dict.fromkeys(instruments, "m/s" if begin else "counts")}
        runs = [[grid.start_sample, grid.start_sample + margin + 3]]
        path = folder / "waveforms" / f"{span.id}.zarr"
        with stores.create(path, WAVEFORMS, grid, of_motion, clipped={A: runs}, **units) as group:
            group["data"][:] = 99
            for k, label in enumerate(instruments):
                for c in range(3):
                    group["data"][k, c, margin:-margin] = truth(label, c)[own]
            group["valid"][:] = True
            group["valid"][0, 1, margin + 10 : margin + 20] = False
        of_curves = {"instruments": list(instruments), "classes": ["P", "S"]}
        more = {"model": "phasenet", "weights_id": "w", "thresholds": {"P": 0.3}}
        path = folder / "probabilities" / f"{span.id}.zarr"
        with stores.create(path, PROBABILITIES, grid, of_curves, **more) as group:
            group["probability"][:] = 0.25
            group["valid"][:] = True
    return folder


def test_margins_are_left_out_and_gaps_stay(run: Path) -> None:
    opened = quakeline.open_stores(run)
    assert opened["data"].dims == ("instrument", "component", "time")
    assert opened["data"].shape == (3, 3, N)
    assert list(opened["instrument"].values) == [A, B, C]
    assert list(opened["component"].values) == ["Z", "N", "E"]
    assert dask.is_dask_collection(opened["data"].data)
    expected = np.full((3, 3, N), np.nan, "f4")
    valid = np.zeros((3, 3, N), bool)
    for begin, instruments in CHUNKS:
        own = slice(round(begin * RATE), round((begin + CHUNK_S) * RATE))
        for label in instruments:
            at = [A, B, C].index(label)
            expected[at, :, own] = [truth(label, c)[own] for c in range(3)]
            valid[at, :, own] = True
        valid[[A, B, C].index(instruments[0]), 1, own.start + 10 : own.start + 20] = False
    np.testing.assert_array_equal(opened["data"].values, expected)
    np.testing.assert_array_equal(opened["valid"].values, valid)
    assert opened["valid"].dtype == bool


def test_what_is_said_of_the_whole(run: Path) -> None:
    opened = open_stores(run)
    assert opened.attrs["sampling_rate_hz"] == RATE
    assert list(opened["units"].values) == ["counts or m/s", "counts", "m/s"]
    first = round(START * RATE)
    assert opened.attrs["clipped"] == {
        A: [[first + round(b * RATE), first + round(b * RATE) + 3] for b, _ in CHUNKS]
    }
    curves = open_stores(str(run), "probabilities")
    assert curves["probability"].dims == ("instrument", "class", "time")
    assert curves["valid"].dims == ("instrument", "time")
    assert curves.attrs["thresholds"] == {"P": 0.3}
    assert np.nanmax(curves["probability"]) == np.nanmin(curves["probability"]) == 0.25
    assert "SampleIndex" in repr(curves)


def test_times_are_those_of_the_grid(run: Path) -> None:
    opened = open_stores(run)
    first = round(START * RATE)
    expected = [sample_time(first + k, RATE) for k in range(N)]
    assert opened["time"].values.astype("int64").tolist() == expected
    assert opened.indexes["time"].equals(pd.DatetimeIndex(expected))
    assert (
        opened["time"].isel(time=slice(5, None, 7)).values.astype("int64").tolist()
        == (expected[5::7])
    )


@pytest.mark.parametrize(
    "part",
    [
        slice("2020-05-01T00:01:10", "2020-05-01T00:01:30.5"),
        slice("2020-05-01T00:01", "2020-05-01T00:02"),
        slice(None, pd.Timestamp("2020-05-01T00:00:03.04")),
        slice(np.datetime64("2020-05-01T00:06:39.9"), None),
        slice("2021", None),
        slice("2020-05-01T00:00:01", "2020-05-01T00:06", 3),
    ],
)
def test_slices_of_time_are_those_of_pandas(run: Path, part: slice) -> None:
    opened = open_stores(run)["data"]
    loaded = opened.load().drop_indexes("time").assign_coords(time=opened["time"].values)
    assert type(loaded.xindexes["time"]).__name__ == "PandasIndex"
    some, other = opened.sel(time=part), loaded.sel(time=part)
    np.testing.assert_array_equal(some.values, other.values)
    np.testing.assert_array_equal(some["time"].values, other["time"].values)
    again = some.sel(time=part)
    np.testing.assert_array_equal(again.values, other.sel(time=part).values)


def test_single_times(run: Path) -> None:
    opened = open_stores(run)["data"].sel(instrument=A, component="N")
    assert float(opened.sel(time="2020-05-01T00:00:00.08")) == truth(A, 1)[1]
    near = opened.sel(time="2020-05-01T00:00:00.09", method="nearest")
    assert float(near) == truth(A, 1)[1]
    times = pd.to_datetime(["2020-05-01T00:00:00.16", "2020-05-01T00:00:00.08"])
    some = opened.sel(time=times)
    assert some.values.tolist() == truth(A, 1)[[2, 1]].tolist()
    assert (some["time"].values == times.values).all()
    for missing in ("2020-05-01T00:00:00.09", "2021-01-01"):
        with pytest.raises(KeyError):
            opened.sel(time=missing)
    assert "time" not in opened.isel(time=3).xindexes


def test_arithmetic_and_pandas_work_as_ever(run: Path) -> None:
    opened = open_stores(run)
    real = opened["data"].where(opened["valid"]).sel(instrument=A, time=slice(None, "2020-05-01"))
    assert int(real.notnull().sum()) == 3 * 3 * round(CHUNK_S * RATE) - 2 * 10
    means = real.sel(component="Z").resample(time="80s").mean().values
    n = round(80 * RATE)
    assert means[0] == pytest.approx(truth(A, 0)[:n].mean(), abs=1e-6)
    assert np.isnan(means[2:4]).all()
    backwards = opened["data"].isel(instrument=0, component=slice(None, None, 2))[:, ::-1]
    assert backwards[0, 0] == opened["data"][0, 0, -1]


def test_only_what_is_asked_for_is_read(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    first, second, _ = (tmp_path / "run/waveforms" / f"{span.id}.zarr" for span in spans())
    opened = open_stores(tmp_path / "run")
    opened = pickle.loads(pickle.dumps(opened))
    for file in (second / "data").rglob("c/*/*/*"):
        file.write_bytes(b"damaged")
    assert np.isfinite(opened["data"].sel(instrument=A)[:, :900]).all()
    with pytest.raises(DataError) as caught:
        opened["data"].sel(instrument=C).compute()
    head = f"{second}: data of {C}, 2020-05-01T00:01:20.000Z to 2020-05-01T00:02:40.000Z: "
    assert str(caught.value).startswith(head)
    assert "\n" not in str(caught.value)
    assert first.is_dir()


def test_long_chunks_are_cut_where_the_store_is(tmp_path: Path) -> None:
    n, margin = stores.CHUNK_SAMPLES, 1000
    span = Span(START * SECOND, (START + n // 50) * SECOND)
    grid = stores.Grid(START * 100 - margin, 2 * n + 2 * margin, 100.0)
    labels: dict[str, Any] = {"instruments": [A], "components": ["Z"]}
    path = tmp_path / "waveforms" / f"{span.id}.zarr"
    with stores.create(path, WAVEFORMS, grid, labels, units={}) as group:
        group["data"][0, 0, margin : margin + 5] = 1
    opened = open_stores(tmp_path)
    assert opened["data"].chunks[-1] == (n - margin, n, margin)
    assert opened["data"].shape[-1] == 2 * n
    assert float(opened["data"].sum()) == 5


def test_what_cannot_be_opened_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kind: 'panels' given; allowed: waveforms, probab"):
        open_stores(run, "panels")
    with pytest.raises(DataError, match=r"holds no waveforms; a run keeps them with keep: \[wave"):
        open_stores(tmp_path)
    one = spans()[0]
    for name, rate in (("overlap", RATE), ("rate", 25.0)):
        folder = tmp_path / name / "waveforms"
        shutil.copytree(run / "waveforms" / f"{one.id}.zarr", folder / f"{one.id}.zarr")
        later = Span(one.start_ns + 20 * SECOND, one.end_ns + 20 * SECOND)
        grid = stores.Grid(round((START + 20) * rate), 10, rate)
        labels: dict[str, Any] = {"instruments": [A], "components": ["Z"]}
        with stores.create(folder / f"{later.id}.zarr", WAVEFORMS, grid, labels, units={}):
            pass
    with pytest.raises(DataError, match="are chunks of the same time: remove one"):
        open_stores(tmp_path / "overlap")
    with pytest.raises(DataError, match=r"has 12\.5 Hz and .* 25 Hz: of one run"):
        open_stores(tmp_path / "rate")
