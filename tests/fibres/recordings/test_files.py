"""Files of fibres: the real ones of many makers, plain matrices, and what nobody reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import xdas
from das_files import RATE, START, array, write

from quakeline.core.errors import DataError
from quakeline.core.reasons import text_of
from quakeline.core.timeline import SECOND, Span, iso
from quakeline.fibres.recordings.chunk import manifest_rows
from quakeline.fibres.recordings.description import AutoFormat, MatrixFormat
from quakeline.fibres.recordings.files import missing_members, open_file
from quakeline.fibres.recordings.recording import survey

#: Reader, samples, channels, first time, rate in Hz, first distance: as other programs read them.
REAL = {
    "ap_sensing_1.hdf5": ("apsensing", 150, 4082, "2023-09-24T12:46:31.740Z", 500.0, 124.15),
    "decimated_optodas.hdf5": ("dascore", 5000, 51, "2023-10-27T14:23:37.020Z", 500.0, 33192.26),
    "febus_2.h5": ("febus", 1050, 101, "2025-09-23T11:40:12.585Z", 1050.0, 101.0),
    "prodml_2.0.h5": ("prodml", 2500, 512, "1970-01-01T00:00:00.000Z", 200.0, -265.45),
    "sample_tdms_file_v4713.tdms": ("silixa", 216, 2432, "2019-04-15T03:33:35.812Z", 500.0, -0.51),
    "silixa_h5_1.hdf5": ("dascore", 100, 3840, "2023-09-22T18:29:26.158Z", 500.0, 8082.91),
    "terra15_v5_test_file.hdf5": ("terra15", 2060, 43, "2022-08-23T23:09:54.374Z", 3217.8, 30.22),
    "xdas_netcdf.nc": ("xdas", 300, 401, "2023-01-01T00:00:00.000Z", 50.0, 0.0),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_of_every_maker(shared: Path, name: str) -> None:
    engine, samples, channels, start, rate, distance = REAL[name]
    (part,) = open_file(shared / "data/das_formats" / name, AutoFormat())
    assert part.engine == engine
    assert part.array.shape == (samples, channels)
    assert iso(part.start_ns) == start
    assert part.rate_hz == pytest.approx(rate, rel=1e-3)
    assert part.distances[0] == pytest.approx(distance, abs=0.01)
    block = np.asarray(part.array.data[10:20, 3:9])
    assert block.shape == (10, 6)
    assert np.isfinite(block).all()
    assert np.ptp(block) > 0
    whole = np.asarray(part.array.data)
    assert np.array_equal(whole[10:20, 3:9], block)


def test_what_a_reader_warns_of_is_a_remark(shared: Path) -> None:
    """xdas guesses where the blocks of Febus files overlap, and says so."""
    path = shared / "data/das_formats/febus_2.h5"
    (part,) = open_file(path, AutoFormat())
    span = Span(part.start_ns, part.end_ns)
    (found,) = survey([path], AutoFormat(), span)
    text = text_of(found.reasons)
    assert "its reader, febus, warns: No overlap specified, Xdas will try its best" in text
    (row,) = manifest_rows("F", [found])
    assert row["status"] == "data"
    assert row["reason"] == text


@pytest.mark.parametrize("name", ["ap_sensing_1.hdf5", "terra15_v5_test_file.hdf5"])
def test_both_libraries_read_the_same_samples(shared: Path, name: str) -> None:
    path = shared / "data/das_formats" / name
    (one,), (other,) = (open_file(path, AutoFormat(engine=e)) for e in (REAL[name][0], "dascore"))
    assert np.array_equal(np.asarray(one.array.data[:50]), np.asarray(other.array.data[:50]))
    assert abs(one.start_ns - other.start_ns) < 1000


def test_what_nobody_reads_is_told_with_reasons(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no reader opens it"):
        open_file(shared / "data/das_formats/etna_9n_3chan_10s.mseed", AutoFormat())
    with pytest.raises(DataError, match="does not exist"):
        open_file(tmp_path / "none.h5", AutoFormat())
    path = write(tmp_path, "a", np.ones((10, 2)))
    with pytest.raises(DataError, match="no engine registered under 'febuss'"):
        open_file(path, AutoFormat(engine="febuss"))
    with pytest.raises(DataError, match="febus: "):
        open_file(path, AutoFormat(engine="febus"))


@pytest.mark.parametrize(
    ("first", "stop", "message"),
    [
        (0, 0, "the file is empty"),
        (0, 3000, "a damaged HDF5 file: .*truncated file"),
        (2000, 4000, "a damaged HDF5 file: .*metadata"),
    ],
)
def test_damaged_files_are_told_in_one_line(
    tmp_path: Path, first: int, stop: int, message: str
) -> None:
    """The end of a file is missing, or zeros are inside its headers."""
    path = write(tmp_path, "a", np.ones((2000, 40), np.float32))
    content = path.read_bytes()
    damaged = content[:stop] if first == 0 else content[:first] + bytes(stop) + content[stop:]
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=message):
        open_file(path, AutoFormat())


def test_a_file_with_a_gap_has_two_parts(tmp_path: Path) -> None:
    import xdas

    both = xdas.concat([array(np.ones((50, 3))), array(np.ones((40, 3)), 70)], "time")
    both.to_netcdf(str(tmp_path / "gap.nc"))
    first, second = open_file(tmp_path / "gap.nc", AutoFormat())
    assert (first.n_samples, second.n_samples) == (50, 40)
    assert second.start_ns - first.start_ns == round(0.7 * SECOND)


@pytest.mark.parametrize("order", ["channel_time", "time_channel"])
def test_a_matrix_inside_a_file(tmp_path: Path, order: str) -> None:
    samples = np.random.default_rng(1).normal(size=(200, 7))
    stored = samples.T if order == "channel_time" else samples
    path = tmp_path / "some.pkl"
    path.write_bytes(b"x" * 159 + np.ascontiguousarray(stored, "<f8").tobytes() + b"rest")
    form = MatrixFormat(
        offset_bytes=159,
        dtype="<f8",
        n_channels=7,
        n_samples=200,
        order=order,
        start=datetime(2023, 1, 1, tzinfo=UTC),
        rate_hz=RATE,
        spacing_m=2,
        first_distance_m=10,
    )
    (part,) = open_file(path, form)
    assert part.start_ns == START
    assert part.distances.tolist() == [10, 12, 14, 16, 18, 20, 22]
    assert np.array_equal(np.asarray(part.array.data[20:90:3, 2:5]), samples[20:90:3, 2:5])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="5000 bytes; the matrix needs 11359"):
        open_file(path, form)


def test_missing_members_of_a_virtual_dataset_are_named(tmp_path: Path) -> None:
    import xdas

    for k in range(3):
        write(tmp_path, f"m{k}", np.full((100, 4), k + 1.0, np.float32), 100 * k)
    joined = xdas.open_mfdataarray(str(tmp_path / "m*.nc"))
    joined.to_netcdf(str(tmp_path / "all.nc"), virtual=True)
    assert missing_members(tmp_path / "all.nc") == []
    (tmp_path / "m1.nc").unlink()
    (name,) = missing_members(tmp_path / "all.nc")
    assert name.endswith("m1.nc")


def test_times_that_are_numbers_are_called_so(tmp_path):
    seconds = 1.7e9 + np.arange(1000) / 100
    coords = {"time": seconds, "distance": np.arange(5) * 10.0}
    path = tmp_path / "float.nc"
    xdas.DataArray(np.zeros((1000, 5), np.float32), coords).to_netcdf(str(path))
    with pytest.raises(DataError, match="its times are float64, not datetime64"):
        open_file(path, AutoFormat())


def test_an_unknown_hdf5_file_is_described(tmp_path, capfd):
    path = tmp_path / "training.h5"
    with h5py.File(path, "w") as file:
        file["X"], file["Y"] = np.zeros((4, 300, 3), np.float32), np.zeros((4, 2))
    with pytest.raises(DataError) as caught:
        open_file(path, AutoFormat())
    said = str(caught.value)
    assert "no reader opens it, an HDF5 file with X (4, 300, 3), Y (4, 2)" in said
    assert "pickled" not in said
    assert capfd.readouterr().err == ""
