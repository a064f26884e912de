"""What is written to disk can be opened again and is what was computed."""

import fibre
import numpy as np
import pytest
import xdas
import zarr

from quakeline import InMemoryCollectionCallback, MultiCallback, WriterCallback
from quakeline.core.errors import ConfigError, OutputError

SAMPLES = fibre.wave(5000, 40)
DATA = fibre.array(SAMPLES, (0, 3000), (50, 2000))


@pytest.mark.parametrize("stacking", ["avg", "max", "weighted"])
def test_written_files_open_with_xdas(tmp_path, stacking):
    kept, written = InMemoryCollectionCallback(stacking), WriterCallback(tmp_path / "o", stacking)
    fibre.Loud().annotate(DATA, MultiCallback([kept, written]))
    assert written.get_results_dict() == {"P": tmp_path / "o" / "P", "S": tmp_path / "o" / "S"}
    for key, array in kept.get_results_dict().items():
        found = xdas.open_mfdataarray(str(tmp_path / "o" / key / "*"))
        assert np.array_equal(found.values, array.values)
        assert np.array_equal(found["time"].values, DATA["time"].values)
        assert np.array_equal(found["distance"].values, DATA["distance"].values)


def test_zarr(tmp_path):
    kept, written = InMemoryCollectionCallback(), WriterCallback(tmp_path, format="zarr")
    fibre.Loud().annotate(DATA, MultiCallback([kept, written]))
    group = zarr.open_group(written.get_results_dict()["S"], mode="r")
    assert np.array_equal(group["annotation"][:], kept.annotations["S"].values)
    assert np.array_equal(group["time"][:], DATA["time"].values.astype(np.int64))
    assert np.array_equal(group["distance"][:], DATA["distance"].values)
    assert group["annotation"].metadata.dimension_names == ("time", "distance")


def test_nothing_is_overwritten(tmp_path):
    fibre.Loud().annotate(DATA, WriterCallback(tmp_path))
    with pytest.raises(OutputError, match="holds output already; give another folder"):
        fibre.Loud().annotate(DATA, WriterCallback(tmp_path))
    with pytest.raises(ConfigError, match="'hdf' given; allowed: xdas, zarr"):
        WriterCallback(tmp_path, format="hdf")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make"):
        WriterCallback(tmp_path / "file" / "x")
