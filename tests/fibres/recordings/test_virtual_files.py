"""Virtual arrays of many files: what is read, and what of it."""

from __future__ import annotations

from pathlib import Path

import fibre
import numpy as np
import pytest
import xdas
from xdas.virtual import VirtualSource

from quakeline import DASPickingCallback
from quakeline.fibres.recordings.virtual_files import Members, filled

N, CHANNELS = 1000, 20


def joined(folder: Path, samples: np.ndarray, n_files: int = 5) -> xdas.DataArray:
    """Samples (time, channels) as files that follow each other, joined to a virtual array."""
    whole = fibre.array(samples)
    for number, part in enumerate(np.array_split(np.arange(len(samples)), n_files)):
        some = whole.isel(time=slice(int(part[0]), int(part[-1]) + 1))
        some.to_netcdf(str(folder / f"m{number}.nc"))
    return xdas.open_mfdataarray(str(folder / "m*.nc"))


@pytest.mark.parametrize("axis", [0, 1])
def test_every_stretch_is_that_of_the_whole(tmp_path: Path, axis: int) -> None:
    samples = fibre.wave(N, CHANNELS)
    data = joined(tmp_path, samples).data if axis == 0 else samples.T
    members = Members(data, axis)
    for first, stop in [(0, 1), (0, N), (199, 201), (200, 400), (150, 850), (990, 1200), (5, 5)]:
        assert np.array_equal(members.read(first, stop), samples[first:stop])
    assert not members.absent


def test_files_that_are_not_asked_for_are_not_touched(tmp_path: Path, monkeypatch) -> None:
    """A read costs the same however many files there are."""
    members = Members(joined(tmp_path, fibre.wave(N, CHANNELS)).data, 0)
    touched = []
    whole = VirtualSource.__getitem__
    monkeypatch.setattr(
        VirtualSource, "__getitem__", lambda self, key: touched.append(self) or whole(self, key)
    )
    members.read(250, 450)
    assert len(touched) == 2


@pytest.mark.parametrize("dtype", ["f4", "i2", "i4"])
def test_an_absent_file_is_named_and_its_samples_give_nothing(tmp_path: Path, dtype: str) -> None:
    """Xdas fills integers with their smallest number, which no look for NaN finds."""
    samples = (100 * fibre.wave(5000, CHANNELS)).astype(dtype)
    data = joined(tmp_path, samples)
    (tmp_path / "m2.nc").unlink()
    filled_by_xdas = np.asarray(data.data[2000:3000])
    assert np.isnan(filled_by_xdas).all() or filled(filled_by_xdas).all()
    callback = DASPickingCallback(0.3)
    report = fibre.Loud(width=CHANNELS).annotate(data, callback)
    (absent,) = report.of("absent")
    assert absent.detail == f"{tmp_path / 'm2.nc'} does not exist"
    seconds = [(t - fibre.START) / np.timedelta64(1, "s") for t in (absent.start, absent.end)]
    assert seconds == pytest.approx([20, 29.99])
    assert report.missing_samples == 1000 * CHANNELS
    times = callback.get_results_dataframe()["time"] - fibre.START
    at = times.dt.total_seconds()
    assert not at.between(19.0, 30.99).any()
    assert (at < 19).any()
    assert (at > 31).any()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    data = joined(tmp_path, fibre.wave(N, CHANNELS))
    (tmp_path / "m1.nc").write_bytes(b"nothing")
    members = Members(data.data, 0)
    read = members.read(0, N)
    assert np.flatnonzero(np.isnan(read).all(axis=1)).tolist() == list(range(200, 400))
    ((reason, span),) = members.absent.items()
    assert "m1.nc cannot be read: " in str(reason)
    assert span == (200, 400)
