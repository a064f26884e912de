import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest

from quakeline.core.errors import OutputError
from quakeline.core.schemas import COVERAGE, WAVEFORMS
from quakeline.io.formats import inventory
from quakeline.io.products import stores, tables
from quakeline.io.products.atomic import clear_leftovers, replacing, require_space, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_product_appears_whole_when_the_block_ends(tmp_path):
    target = tmp_path / "sub" / "product.txt"
    with replacing(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert target.read_text() == "half"
    assert names(target.parent) == ["product.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_the_old_product_and_nothing_else(tmp_path, failure):
    target = tmp_path / "product.txt"
    target.write_text("old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_text("new")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["product.txt"]


def test_what_other_threads_still_write_after_a_failure_is_removed(tmp_path):
    def write_late(folder: Path) -> None:
        for number in range(5):
            time.sleep(0.03)
            with suppress(FileNotFoundError):
                folder.mkdir(exist_ok=True)
                (folder / str(number)).write_text("late")

    def fail(threads: ThreadPoolExecutor) -> None:
        with replacing(tmp_path / "product") as path:
            threads.submit(write_late, path)
            raise ValueError("stop")

    with ThreadPoolExecutor() as threads, pytest.raises(ValueError, match="stop"):
        fail(threads)
    assert not list(tmp_path.iterdir())


def make_folder(target, name, **options):
    with replacing(target, **options) as temporary:
        temporary.mkdir()
        (temporary / name).write_text("x")


def test_a_folder_replaces_an_empty_one_or_one_of_the_programs_own(tmp_path):
    target = tmp_path / "store.zarr"
    target.mkdir()
    make_folder(target, "first")
    assert names(target) == ["first"]
    with pytest.raises(OutputError, match=r"it is a folder with other things in it"):
        make_folder(target, "second")
    assert names(target) == ["first"]
    make_folder(target, "second", is_own=lambda folder: (folder / "first").is_file())
    assert names(target) == ["second"]
    assert names(tmp_path) == ["store.zarr"]


def test_files_and_folders_never_replace_each_other(tmp_path):
    file, folder, link = tmp_path / "file", tmp_path / "folder", tmp_path / "link"
    file.write_text("of the user")
    link.symlink_to("folder")
    folder.mkdir()
    for target in (folder, link):
        with pytest.raises(OutputError, match=r"it is a folder, not a file"):
            write_text(target, "x")
    for target in (file, link):
        with pytest.raises(OutputError, match=r"it is a file, not a folder"):
            make_folder(target, "x")
    assert file.read_text() == "of the user"
    assert names(folder) == []
    assert names(tmp_path) == ["file", "folder", "link"]


def test_stores_replace_stores_alone(tmp_path):
    labels = {"instruments": ["XX.A..HH"], "components": ["Z"]}

    def create(path):
        with stores.create(path, WAVEFORMS, stores.Grid(0, 10, 100.0), labels, units={}):
            pass

    for _ in range(2):
        create(tmp_path / "w.zarr")
    assert stores.is_store(tmp_path / "w.zarr")
    (tmp_path / "own.zarr").mkdir()
    (tmp_path / "own.zarr/zarr.json").write_text('{"attributes": {}}')
    with pytest.raises(OutputError, match="other things in it"):
        create(tmp_path / "own.zarr")
    assert names(tmp_path / "own.zarr") == ["zarr.json"]


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    target = tmp_path / "store.zarr"
    leftovers = tmp_path / ".store.zarr.123.part", tmp_path / ".store.zarr.456.part"
    leftovers[0].mkdir()
    (leftovers[0] / "chunk").write_text("x")
    leftovers[1].write_text("x")
    others = [".other.zarr.123.part", ".store.zarr.best.part"]
    for name in others:
        (tmp_path / name).write_text("x")
    clear_leftovers(target)
    assert names(tmp_path) == others


def mounted(folder: Path, options: str):
    """A small file system of its own in memory."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    yield from mounted(tmp_path / "small", "size=256k")


@pytest.fixture
def read_only_disk(tmp_path):
    yield from mounted(tmp_path / "locked", "ro,size=1m")


def text(folder):
    write_text(folder / "report.html", "x" * 4_000_000)


def parquet(folder):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"notes": rng.bytes(3_000_000).hex(), "coverage": rng.random(3)})
    columns = ("network", "station", "location", "instrument", "component", "channels", "status")
    frame = frame.assign(**dict.fromkeys(columns, "x"), units="counts")
    frame = frame.assign(n_gaps=0, longest_gap_s=0.0)
    tables.write(frame, COVERAGE, folder / "coverage.parquet")


def zarr(folder):
    labels = {"instruments": ["XX.A..HH"], "components": ["Z"]}
    grid = stores.Grid(0, 500_000, 100.0)
    with stores.create(folder / "w.zarr", WAVEFORMS, grid, labels, units={}) as store:
        store["data"][:] = np.random.default_rng(0).normal(size=(1, 1, 500_000)).astype("f4")


def stationxml(folder):
    received = obspy.read_inventory()
    for _ in range(4):
        received += obspy.read_inventory()
    inventory.write(received, inventory.table_of(received), folder / "stations.xml")


WRITERS = pytest.mark.parametrize(
    "write", [text, parquet, zarr, stationxml], ids=lambda function: function.__name__
)


@WRITERS
def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk, write):
    with pytest.raises(OutputError, match=r"cannot write .*No space left on device; make space"):
        write(small_disk)
    assert names(small_disk) == []


@WRITERS
def test_a_read_only_disk_is_one_line(read_only_disk, write):
    with pytest.raises(OutputError, match=r"cannot write .*Read-only file system; make it writ"):
        write(read_only_disk)


def test_space_is_probed(tmp_path, small_disk, read_only_disk):
    require_space(tmp_path / "new")
    assert names(tmp_path / "new") == []
    require_space(small_disk)
    (small_disk / "ballast").write_bytes(b"\0" * 220_000)
    for folder, message in ((small_disk, "No space left"), (read_only_disk, "Read-only")):
        with pytest.raises(OutputError, match=message):
            require_space(folder)
    assert names(small_disk) == ["ballast"]
