"""A disk for the results that is full or read-only: one line, and nothing is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import required
from runs import refused
from workfolder import WorkFolder

from quakeline.core.schemas import EVENTS
from quakeline.io.products import tables

CATALOG = "catalog/events.parquet"


class Disk:
    """A small disk of its own, as far as programs can tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def leave(self, n_bytes: int) -> None:
        """Fill the disk but for some bytes."""
        filler = self.folder / "filler"
        filler.unlink(missing_ok=True)
        state = os.statvfs(self.folder)
        filler.write_bytes(b"\0" * max(state.f_bavail * state.f_bsize - n_bytes, 0))


@pytest.fixture
def disk(demo_copy: WorkFolder) -> Iterator[Disk]:
    """The results of the finished demo, moved to a disk of their own."""
    folder, aside = demo_copy.folder / "results", demo_copy.folder / "aside"
    disk = Disk(folder)
    mounted = None
    if os.geteuid() == 0:
        folder.rename(aside)
        folder.mkdir()
        with suppress(OSError, subprocess.CalledProcessError):
            disk.mount("size=12m")
            mounted = folder
    required("root", mounted, "only root can mount a disk for a test")
    shutil.copytree(aside, folder, dirs_exist_ok=True)
    yield disk
    disk.unmount()


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_a_full_disk(disk: Disk, demo_copy: WorkFolder) -> None:
    earlier = disk.folder / "unterhaching"
    before = digests(earlier)
    again = ["run", demo_copy.demo_overlay("run: again\n"), "--cores", "2"]

    disk.leave(20_000)
    done = demo_copy.quakeline(*again)
    refused(done, "cannot write", "results/again: No space left on device; make space, then run")
    assert len(done.stderr.splitlines()) == 1
    assert not (disk.folder / "again/logs").exists()

    for room, rule in ((700_000, "weights"), (1_500_000, "annotate")):
        disk.leave(room)
        done = demo_copy.quakeline(*again)
        refused(done, rule, "cannot write results/again/", "No space left", most=2)
    assert not list(disk.folder.rglob("*.part"))
    assert digests(earlier) == before
    kept = (disk.folder / "again/stations.parquet").stat().st_mtime_ns

    (disk.folder / "filler").unlink()
    done = demo_copy.quakeline(*again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(earlier) == before
    assert (disk.folder / "again/stations.parquet").stat().st_mtime_ns == kept
    events = [tables.read(folder / CATALOG, EVENTS) for folder in (earlier, disk.folder / "again")]
    assert events[0].equals(events[1])


def test_a_read_only_disk(disk: Disk, demo_copy: WorkFolder) -> None:
    before = digests(disk.folder)
    disk.mount("remount,ro")
    for overlay in ("unterhaching", demo_copy.demo_overlay("run: again\n")):
        done = demo_copy.quakeline("run", overlay)
        refused(done, "cannot write", "Read-only file system; make it writable, then run the same")
        assert len(done.stderr.splitlines()) == 1
    assert "events    " in demo_copy.quakeline("summary", "unterhaching").stdout
    assert digests(disk.folder) == before
    disk.mount("remount,rw")
    done = demo_copy.quakeline("run", "unterhaching")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_working_folder_that_is_read_only(disk: Disk, demo_copy: WorkFolder) -> None:
    """Snakemake keeps its records beside the results."""
    records = Disk(demo_copy.folder / ".snakemake")
    records.mount("ro")
    try:
        refused(demo_copy.quakeline("run"), "cannot write", ".snakemake: Read-only file system")
    finally:
        records.unmount()
