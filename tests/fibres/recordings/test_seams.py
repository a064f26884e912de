"""Consecutive files of every maker are one recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from das_cuts import cut, repeated
from das_files import RATE, array

from quakeline.core.reasons import Code
from quakeline.core.timeline import SECOND, Span
from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.files import open_file, unread
from quakeline.fibres.recordings.recording import runs, survey

CUT = [
    *("ap_sensing_1.hdf5", "decimated_optodas.hdf5", "prodml_2.0.h5", "silixa_h5_1.hdf5"),
    *("terra15_v5_test_file.hdf5", "xdas_netcdf.nc"),
]
REPEATED = {"febus_2.h5": 1.0, "sample_tdms_file_v4713.tdms": 0.432}


@pytest.mark.parametrize("name", CUT)
def test_the_halves_of_a_file_are_the_file(shared: Path, tmp_path: Path, name: str) -> None:
    path = shared / "data/das_formats" / name
    (whole,) = open_file(path, AutoFormat())
    files = cut(path, tmp_path, whole.n_samples, whole.rate_hz)
    parts = [part for file in files for part in open_file(file, AutoFormat())]
    (run,) = runs(parts)
    assert abs(run.start_ns - whole.start_ns) < 100  # measured times of samples round
    seam = parts[0].n_samples
    around = run.members.read(seam - 20, seam + 20)
    axis = whole.array.dims.index("time")
    expected = np.asarray(whole.array.data)
    expected = expected if axis == 0 else expected.T
    assert np.array_equal(around, expected[seam - 20 : seam + 20])
    assert np.array_equal(run.members.read(0, run.n_samples), expected)


@pytest.mark.parametrize("name", REPEATED)
def test_files_that_follow_each_other_are_joined(shared: Path, tmp_path: Path, name: str) -> None:
    path = shared / "data/das_formats" / name
    (whole,) = open_file(path, AutoFormat())
    files = repeated(path, tmp_path, REPEATED[name])
    (run,) = runs([part for file in files for part in open_file(file, AutoFormat())])
    assert run.n_samples == 2 * whole.n_samples
    expected = np.asarray(whole.array.data)
    twice = run.members.read(0, run.n_samples)
    assert np.array_equal(twice, np.concatenate([expected, expected]), equal_nan=True)


def test_a_stack_a_cut_and_a_plain_array_are_one(tmp_path: Path) -> None:
    """xdas joins none of these to another."""
    samples = np.random.default_rng(3).normal(size=(90, 4)).astype(np.float32)
    files = []
    for n, (first, stop) in enumerate([(0, 30), (25, 60), (60, 90)]):
        path = tmp_path / f"{n}.nc"
        array(samples[first:stop], first).to_netcdf(str(path))
        files.append(path)
    (run,) = runs([part for path in files for part in open_file(path, AutoFormat())])
    assert np.array_equal(run.members.read(0, 90), samples)


def collection(tmp_path: Path, *arrays: object) -> Path:
    import xdas

    path = tmp_path / "collection.nc"
    xdas.DataCollection(list(arrays), "acquisition").to_netcdf(str(path))
    return path


def test_all_arrays_of_a_collection_are_used(tmp_path: Path) -> None:
    samples = np.random.default_rng(4).normal(size=(90, 4))
    path = collection(tmp_path, array(samples[50:], 50), array(samples[:50]))
    (run,) = runs(open_file(path, AutoFormat()))
    assert np.array_equal(run.members.read(0, 90), samples)


def test_arrays_of_other_channels_in_a_file_are_told(tmp_path: Path) -> None:
    path = collection(tmp_path, array(np.ones((90, 4))), array(np.ones((50, 3))))
    start = open_file(path, AutoFormat())[0].start_ns
    found = survey([path], AutoFormat(), Span(start, start + 60 * SECOND))
    assert sorted((one.status, len(one.stretch.distances)) for one in found if one.stretch) == [
        ("data", 4),
        ("unused", 3),
    ]
    (told,) = [one for one in found if one.status == "unused"]
    assert told.reasons[0].code is Code.OTHER_CHANNELS


def test_patches_of_dascore_are_all_read(tmp_path: Path) -> None:
    import dascore

    samples = np.random.default_rng(5).normal(size=(300, 5)).astype(np.float32)
    begun = np.datetime64("2023-01-01", "ns")
    patches = []
    for first in (100, 0, 200):  # out of order
        time = begun + (first + np.arange(100)) * np.timedelta64(SECOND // RATE, "ns")
        coords = {"time": time, "distance": np.arange(5) * 2.0}
        block = samples[first : first + 100]
        patches.append(dascore.Patch(data=block, coords=coords, dims=("time", "distance")))
    dascore.write(dascore.spool(patches), tmp_path / "three.h5", "dasdae")
    parts = open_file(tmp_path / "three.h5", AutoFormat())
    assert [part.n_samples for part in parts] == [100, 100, 100]
    (run,) = runs(parts)
    assert np.array_equal(run.members.read(0, 300), samples)
    assert np.array_equal(run.members.read(150, 250), samples[150:250])


def test_a_second_array_that_the_reader_does_not_give_is_told(shared: Path, tmp_path: Path) -> None:
    import h5py

    (path, _) = repeated(shared / "data/das_formats/febus_2.h5", tmp_path, 1.0)
    assert unread(path, open_file(path, AutoFormat())) == []
    with h5py.File(path, "r+") as file:
        (device,) = file
        file.copy(f"{device}/Source1/Zone1", f"{device}/Source1/Zone2")
        name = next(iter(file[f"{device}/Source1/Zone2"]))
    parts = open_file(path, AutoFormat())
    assert unread(path, parts) == [f"{device}/Source1/Zone2/{name}"]
    found = survey([path], AutoFormat(), Span(parts[0].start_ns, parts[0].end_ns))
    assert found[0].reasons[0].code is Code.ARRAYS_UNREAD
