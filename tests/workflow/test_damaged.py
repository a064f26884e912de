"""Damaged products: found by size or checksum, named in one line, made again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from catalogs import same_catalog
from runs import refused
from workfolder import WorkFolder

from quakeline.io.products import checksums

CHUNK = "20100527T162400_20100527T162800"
RUN = "results/unterhaching"
WAVEFORMS = f"{RUN}/waveforms/{CHUNK}.zarr"
LAST = ("associations", "locations", "catalog", "report.html")
PICKS = f"{RUN}/picks/{CHUNK}.parquet"


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def rotten(path: Path) -> None:
    """A bit flips on the disk: no time of change tells of it."""
    state = path.stat()
    flipped(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def half_written(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def shard(store: Path) -> Path:
    return max((store / "data/c").rglob("0"), key=lambda path: path.stat().st_size)


def without(place: WorkFolder, *products: str) -> None:
    for product in products:
        path = place.folder / RUN / product
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def finished(place: WorkFolder, demo_run: WorkFolder) -> str:
    done = place.quakeline("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    same_catalog(place.folder / RUN, demo_run.folder / RUN)
    assert place.planned() == {}
    return done.stderr


@pytest.mark.parametrize(
    ("product", "later", "stage"),
    [
        pytest.param(
            WAVEFORMS,
            ("probabilities", "picks", *LAST),
            f"annotate {CHUNK}",
            marks=pytest.mark.slow,
        ),
        (PICKS, LAST, "associate"),
    ],
)
def test_a_bit_that_flips_on_the_disk(
    product: str, later: tuple[str, ...], stage: str, demo_copy: WorkFolder, demo_run: WorkFolder
) -> None:
    path = demo_copy.folder / product
    assert checksums.sweep(demo_copy.folder / RUN) == {}
    rotten(shard(path) if path.is_dir() else path)
    without(demo_copy, *later)
    done = demo_copy.quakeline("run", "--cores", "2")
    refused(
        done, f"{stage}: damaged: {product}", "has another content than was written", "same command"
    )
    assert not path.exists()
    finished(demo_copy, demo_run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "product", "said"),
    [
        (flipped, PICKS, "another content"),
        pytest.param(
            half_written,
            f"{RUN}/catalog/events.parquet",
            "were written",
            marks=pytest.mark.slow,
        ),
        pytest.param(half_written, WAVEFORMS, "were written", marks=pytest.mark.slow),
        pytest.param(half_written, PICKS, "were written", marks=pytest.mark.slow),
        pytest.param(Path.unlink, WAVEFORMS, "is missing", marks=pytest.mark.slow),
    ],
)
def test_a_changed_file_is_made_again_at_once(
    damage: Callable[[Path], None],
    product: str,
    said: str,
    demo_copy: WorkFolder,
    demo_run: WorkFolder,
) -> None:
    path = demo_copy.folder / product
    damage(shard(path) if path.is_dir() else path)
    told = finished(demo_copy, demo_run)
    (line,) = [line for line in told.splitlines() if line.startswith("quakeline: damaged")]
    assert product in line
    assert said in line
