import os
import pathlib

import pytest

from quakeline.io.products import checksums


@pytest.fixture
def results(tmp_path):
    results = tmp_path / "results/run"
    store = results / "waveforms/chunk.zarr"
    (store / "data/c").mkdir(parents=True)
    (store / "data/c/0").write_bytes(bytes(1000))
    (store / "zarr.json").write_text("{}")
    (results / "picks").mkdir()
    (results / "picks/chunk.parquet").write_bytes(b"PAR1" * 10)
    for product in (store, results / "picks/chunk.parquet"):
        checksums.seal(product, results)
    return results


def flip(path, place, keep_time=True):
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_nothing_differs_from_a_fresh_seal(results):
    (results / "waveforms/chunk.zarr/.snakemake_timestamp").touch()
    for product in ("waveforms/chunk.zarr", "picks/chunk.parquet"):
        assert checksums.damage(results / product, results) == ""
    assert checksums.sweep(results) == {}


def test_a_flipped_bit_is_found_by_content(results):
    store = results / "waveforms/chunk.zarr"
    flip(store / "data/c/0", 500)
    assert "chunk.zarr/data/c/0 has another content" in checksums.damage(store, results)
    assert checksums.damage(store, results, digests=False) == ""


def test_a_flipped_bit_with_another_time_is_found_by_the_sweep(results):
    store = results / "waveforms/chunk.zarr"
    flip(store / "data/c/0", 500, keep_time=False)
    assert list(said := checksums.sweep(results)) == [store]
    assert "another content" in said[store]
    assert not store.exists()
    assert (results / "picks/chunk.parquet").exists()
    assert checksums.sweep(results) == {}


def test_a_copy_with_other_times_is_sound_and_read_once(results):
    product = results / "picks/chunk.parquet"
    os.utime(product, ns=(1, 1))
    assert checksums.sweep(results) == {}
    flip(product, 5)
    assert checksums.sweep(results) == {}
    assert "another content" in checksums.damage(product, results)


@pytest.mark.parametrize("product", ["waveforms/chunk.zarr", "picks/chunk.parquet"])
def test_a_truncated_file_is_found_by_its_size(results, product):
    path = results / product
    part = path / "data/c/0" if path.is_dir() else path
    part.write_bytes(part.read_bytes()[:-1])
    assert "bytes, " in checksums.damage(path, results, digests=False)


def test_a_chunk_that_is_gone_is_named(results):
    store = results / "waveforms/chunk.zarr"
    (store / "data/c/0").unlink()
    assert checksums.damage(store, results, digests=False).endswith("data/c/0 is missing")


def test_only_what_was_sealed_is_removed(results):
    store = results / "waveforms/chunk.zarr"
    (store / "data/notes.txt").write_text("of the user")
    checksums.discard(store, results)
    assert [path.name for path in sorted(store.rglob("*"))] == ["data", "notes.txt"]

    table = results / "picks/chunk.parquet"
    table.unlink()
    table.mkdir()
    (table / "notes.txt").write_text("of the user")
    assert "is missing" in checksums.damage(table, results)
    assert list(checksums.sweep(results)) == [table]
    assert (table / "notes.txt").read_text() == "of the user"


def test_files_that_are_made_again_break_the_seal_of_their_folder(results):
    store = results / "waveforms/chunk.zarr"
    checksums.unseal(store / "data/c/0", results)
    (store / "data/c/0").unlink()
    assert checksums.damage(store, results) == ""
    (results / "picks/chunk.parquet").unlink()
    assert checksums.damage(results / "picks/chunk.parquet", results)


def test_what_has_no_seal_is_not_judged(results, tmp_path):
    outside = tmp_path / "table.csv"
    outside.write_text("x")
    (results / "new.parquet").write_text("x")
    assert checksums.damage(outside, results) == ""
    assert checksums.damage(results / "new.parquet", results) == ""
    assert not checksums.covers(outside, results)
    assert checksums.covers(results / "new.parquet", results)
    with pytest.raises(ValueError, match="is not in"):
        checksums.seal(outside, results)


def test_a_damaged_seal_is_none(results):
    for text in ("", "[1]", '{"": [1]}', "{", '{"": 3}'):
        (results / ".checksums/picks/chunk.parquet.json").write_text(text)
        assert checksums.damage(results / "picks/chunk.parquet", results) == ""


@pytest.mark.parametrize("log", ["logs/pick/all.log", "logs/das_index/CABLE/chunk.log"])
@pytest.mark.parametrize("run", ["mine", "results"])
def test_the_results_of_a_job_from_its_log(run, log):
    folder = pathlib.Path("results") / run
    assert checksums.results_of(folder / log) == folder
