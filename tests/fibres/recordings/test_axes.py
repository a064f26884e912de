"""Files that store the samples of a channel one after the other."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from das_files import array
from hypothesis import given
from hypothesis import strategies as st

from quakeline.core.errors import DataError
from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.files import open_file
from quakeline.fibres.recordings.recording import runs

SAMPLES = np.random.default_rng(2).integers(-999, 999, (3000, 8)).astype(np.int16)


def prodml(path: Path, by_channel: bool, dimensions: object = None, loci: int | None = 8) -> Path:
    """A ProdML file of 3000 samples at 100 Hz of 8 channels."""
    with h5py.File(path, "w") as file:
        acquisition = file.create_group("Acquisition")
        acquisition.attrs.update({"SpatialSamplingInterval": 5.0, "StartLocusIndex": 0})
        raw = acquisition.create_group("Raw[0]")
        raw.attrs["OutputDataRate"] = 100.0
        if loci is not None:
            raw.attrs["NumberOfLoci"] = loci
        data = raw.create_dataset("RawData", data=SAMPLES.T if by_channel else SAMPLES)
        data.attrs["PartStartTime"] = np.bytes_("2023-01-01T00:00:00+00:00")
        data.attrs["PartEndTime"] = np.bytes_("2023-01-01T00:00:29.990000+00:00")
        if dimensions is not None:
            data.attrs["Dimensions"] = dimensions
    return path


def samples_of(path: Path, **form: str) -> np.ndarray:
    (part,) = open_file(path, AutoFormat(**form))
    assert part.rate_hz == 100.0
    assert len(part.distances) == 8
    (run,) = runs([part])
    return run.members.read(0, run.n_samples)


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("stated", ["list", "text", "counts", "counts alone"])
def test_a_file_says_its_axes(tmp_path: Path, by_channel: bool, stated: str) -> None:
    names = ["locus", "time"] if by_channel else ["time", "locus"]
    dimensions = {"list": np.array(names, "S5"), "text": f"{names[0]}, {names[1]}"}.get(stated)
    path = prodml(tmp_path / "a.h5", by_channel, dimensions, None if stated == "text" else 8)
    assert np.array_equal(samples_of(path), SAMPLES)


@pytest.mark.parametrize("by_channel", [False, True])
def test_the_configuration_says_what_the_file_does_not(tmp_path: Path, by_channel: bool) -> None:
    path = prodml(tmp_path / "a.h5", by_channel, loci=None)
    order = "channel_time" if by_channel else "time_channel"
    assert np.array_equal(samples_of(path, order=order), SAMPLES)


def test_a_file_that_contradicts_itself_is_refused_until_the_order_is_said(tmp_path: Path) -> None:
    path = prodml(tmp_path / "a.h5", True, np.array(["time", "locus"], "S5"))
    with pytest.raises(DataError, match=r"Dimensions are \(time, locus\).*format\.order says"):
        open_file(path, AutoFormat())
    assert np.array_equal(samples_of(path, order="channel_time"), SAMPLES)


def test_an_order_against_what_the_file_says_is_refused(tmp_path: Path) -> None:
    array(np.ones((50, 3))).to_netcdf(str(tmp_path / "a.nc"))
    with pytest.raises(DataError, match=r"channel_time, but the file says \(time, distance\)"):
        open_file(tmp_path / "a.nc", AutoFormat(order="channel_time"))


def test_files_by_channel_are_joined_too(tmp_path: Path) -> None:
    first, second = (array(SAMPLES[a:b].astype(float), a) for a, b in ((0, 50), (50, 100)))
    for n, one in enumerate((first, second)):
        one.transpose("distance", "time").to_netcdf(str(tmp_path / f"{n}.nc"))
    parts = [p for n in (0, 1) for p in open_file(tmp_path / f"{n}.nc", AutoFormat())]
    (run,) = runs(parts)
    assert np.array_equal(run.members.read(40, 60), SAMPLES[40:60])


@given(order=st.sampled_from(["time, locus", "(locus; time)", "LOCUS TIME", "Time,Channel"]))
def test_names_of_axes_in_any_writing(tmp_path_factory: pytest.TempPathFactory, order: str) -> None:
    path = tmp_path_factory.mktemp("axes") / "a.h5"
    by_channel = not order.lower().startswith("time")
    assert np.array_equal(samples_of(prodml(path, by_channel, order, None)), SAMPLES)
