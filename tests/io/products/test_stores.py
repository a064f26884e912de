import json

import numpy as np
import pytest
import zarr

from quakeline.core.errors import DataError
from quakeline.core.schemas import PROBABILITIES, WAVEFORMS
from quakeline.io.products import provenance, stores

GRID = stores.Grid(127_497_747_315, 1000, 100.0)
LABELS = {"instruments": ["XX.A..HH", "XX.B.00.EH"], "components": ["Z", "N", "E"]}


def written(path, n=1000, labels=LABELS):
    grid = stores.Grid(GRID.start_sample, n, 100.0)
    data = np.random.default_rng(0).normal(size=(len(labels["instruments"]), 3, n)).astype("f4")
    with stores.create(path, WAVEFORMS, grid, labels, units={"XX.A..HH": "m/s"}) as store:
        assert not path.exists()
        store["data"][:] = data
        store["valid"][:] = data > 0
    return data


def test_round_trip(tmp_path):
    data = written(tmp_path / "w.zarr")
    store = stores.open_store(tmp_path / "w.zarr", WAVEFORMS)
    assert stores.grid_of(store) == GRID
    assert stores.labels_of(store, "instruments") == LABELS["instruments"]
    assert store.attrs["units"] == {"XX.A..HH": "m/s"}
    assert np.array_equal(store["data"][:], data)
    assert np.array_equal(store["valid"][:], data > 0)
    assert store["data"].metadata.dimension_names == ("instrument", "component", "time")
    assert store.metadata.zarr_format == 3


def test_longer_than_a_chunk_and_sharded(tmp_path):
    n = stores.CHUNK_SAMPLES + 1234
    data = written(tmp_path / "w.zarr", n)
    store = stores.open_store(tmp_path / "w.zarr", WAVEFORMS)
    assert store["data"].chunks == (1, 1, stores.CHUNK_SAMPLES)
    assert store["data"].shards[:2] == (1, 1)
    assert np.array_equal(store["data"][0, 1, -2000:], data[0, 1, -2000:])


@pytest.mark.parametrize("n", [0, 1])
def test_no_instruments_and_one_sample_are_valid_stores(tmp_path, n):
    labels = {"instruments": LABELS["instruments"][:n], "components": ["Z", "N", "E"]}
    written(tmp_path / "w.zarr", 1, labels)
    store = stores.open_store(tmp_path / "w.zarr", WAVEFORMS)
    assert store["data"].shape == (n, 3, 1)
    assert stores.labels_of(store, "instruments") == LABELS["instruments"][:n]


def test_what_is_never_written_reads_as_zero(tmp_path):
    with stores.create(tmp_path / "w.zarr", WAVEFORMS, GRID, LABELS, units={}) as store:
        store["data"][0, 0, 10:20] = 1
    store = stores.open_store(tmp_path / "w.zarr", WAVEFORMS)
    assert store["data"][:].sum() == 10
    assert not store["valid"][:].any()


def test_samples_beyond_the_store_are_zero(tmp_path):
    data = written(tmp_path / "w.zarr")
    array = stores.open_store(tmp_path / "w.zarr", WAVEFORMS)["data"]
    block = stores.samples(array, 1, -5, 7)
    assert block.shape == (3, 12)
    assert not block[:, :5].any()
    assert np.array_equal(block[:, 5:], data[1, :, :7])
    assert np.array_equal(stores.samples(array, 0, 990, 1010)[:, :10], data[0, :, 990:])
    assert not stores.samples(array, 0, 2000, 2010).any()


def test_missing_attributes_are_a_defect_of_the_program(tmp_path):
    with (
        pytest.raises(ValueError, match="store waveforms: attributes missing: units"),
        stores.create(tmp_path / "w.zarr", WAVEFORMS, GRID, LABELS),
    ):
        pass


def test_a_failure_leaves_nothing(tmp_path):
    def fail():
        with stores.create(tmp_path / "w.zarr", WAVEFORMS, GRID, LABELS, units={}) as store:
            store["data"][0] = 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_another_kind_another_version_and_no_store_are_refused(tmp_path):
    path = tmp_path / "w.zarr"
    written(path)
    with pytest.raises(DataError, match=r"holds waveforms version \d+,\s+expected probabilities"):
        stores.open_store(path, PROBABILITIES)
    group = zarr.open_group(path, mode="r+")
    group.attrs["quakeline_store_version"] = 99
    with pytest.raises(DataError, match="holds waveforms version 99"):
        stores.open_store(path, WAVEFORMS)
    (path / "zarr.json").write_text("{broken")
    with pytest.raises(DataError, match="cannot open"):
        stores.open_store(path, WAVEFORMS)
    with pytest.raises(DataError, match="cannot open"):
        stores.open_store(tmp_path / "none.zarr", WAVEFORMS)


def test_the_record_of_the_stage_lies_inside(tmp_path):
    path = tmp_path / "w.zarr"
    record = provenance.Record("prepare", 1, {"a": [1, 2]}, {"manifest": "abc"})
    with provenance.recording(record):
        written(path)
    stored = json.loads((path / "zarr.json").read_text())["attributes"][provenance.KEY]
    assert stored == record.as_json() == provenance.read(path)
    assert provenance.identify(path) == record.product_id


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("a.zarr", "b.zarr"):
        written(tmp_path / name)
    for path in sorted((tmp_path / "a.zarr").rglob("*")):
        other = tmp_path / "b.zarr" / path.relative_to(tmp_path / "a.zarr")
        assert path.is_dir() or path.read_bytes() == other.read_bytes()
