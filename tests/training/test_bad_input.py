"""What cannot be trained with: one line each, and what was learnt is not lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from labelled_records import labelled, small, wavelets

from quakeline.core.errors import DataError, OutputError, QuakelineError, WeightsError
from quakeline.models import weights
from quakeline.models.ancestry import NOT_STATED
from quakeline.models.cards import GPD
from quakeline.models.phasenet import PhaseNet
from quakeline.training.beginning import from_scratch, of_parent
from quakeline.training.datasets.opening import open_dataset
from quakeline.training.datasets.records import Dataset
from quakeline.training.jobs import Job
from quakeline.training.loop import Fit
from quakeline.training.settings import Settings
from quakeline.training.tuning import tune
from quakeline.training.windows import Windows


def job(data: Dataset, folder: Path, network: str = "gpd") -> Job:
    settings = Settings(epochs=1, batch=4, norms="train")
    return Job(data, settings, folder / "mine.safetensors", "mine", network=network)


def refused(work: Job, words: str) -> None:
    with pytest.raises(QuakelineError, match=words) as told:
        tune(work, lambda row: None)
    assert "\n" not in str(told.value)
    assert not work.target.exists()


BOTH = labelled("1", 100, 200), labelled("2", 100, 200, "dev")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (({"split": "train"}, {"split": "dev"}), "has no labels of P or S: nothing to learn"),
        ((labelled("1", 100, None), labelled("2", 90, None, "dev")), "labels of P alone; gpd"),
        ((labelled("1", 100, 600), BOTH[1]), "1 records have a label outside their samples"),
        ((BOTH[0], labelled("1", 100, 200, "dev")), "1 events are in more than one part"),
        ((BOTH[0], labelled("2", 100, 200, "holdout")), "split 'holdout'; allowed: train, dev, te"),
        ((BOTH[0],), "has no records in the part dev"),
        ((BOTH[1],), "has no records in the part train"),
    ],
)
def test_records_of_no_use(tmp_path: Path, rows: tuple[dict[str, object], ...], words: str) -> None:
    refused(job(open_dataset(small(tmp_path / "ds", *rows)), tmp_path), words)


def test_another_rate(tmp_path: Path) -> None:
    data = open_dataset(small(tmp_path / "ds", *BOTH))
    refused(job(data, tmp_path, "earthquake-cnn"), "has records at 100 Hz; earthquake-cnn takes 40")


@pytest.mark.parametrize("row", [0, 1, 2])
def test_nan_is_told_before_anything_is_learnt(tmp_path: Path, row: int) -> None:
    folder = small(tmp_path / "ds", *BOTH, labelled("3", 100, 200, "test"))
    with h5py.File(folder / "waveforms.hdf5", "a") as file:
        file["data/bucket0"][row, 1, 7] = np.nan
    work = job(open_dataset(folder), tmp_path)
    refused(work, f"record bucket0.{row}.* holds NaN or infinite samples")
    assert not work.checkpoint.exists()


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(
        path,
        PhaseNet().state_dict(),
        replace(GPD, name="other", citation=NOT_STATED, licence=NOT_STATED, digest=""),
    )
    with pytest.raises(WeightsError, match=r"does not hold the weights of other: \d+ tensors are"):
        of_parent(path, "mine")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_loses_no_epoch(tmp_path: Path, disk: Path) -> None:
    data = wavelets(tmp_path / "ds", 8, n=700).resampled(40.0)
    settings = Settings(epochs=3, batch=4, norms="train")

    def fit() -> Fit:
        begun = from_scratch("earthquake-cnn", "mine", 0)
        train = Windows(data, data.rows("train"), begun.card, settings, training=True)
        dev = Windows(data, data.rows("dev"), begun.card, settings, training=False)
        return Fit(begun.network, begun.card, train, dev, settings, torch.device("cpu"), "r")

    place = disk / "c.safetensors"

    def fill(row: dict[str, float]) -> None:
        if row["epoch"] == 1:
            state = os.statvfs(disk)
            (disk / "filler").write_bytes(b"\0" * state.f_bavail * state.f_bsize)

    with pytest.raises(OutputError, match=r"cannot write .*No space left on device; make space"):
        fit().run(place, fill)
    assert sorted(path.name for path in disk.iterdir()) == ["c.safetensors", "filler"]
    (disk / "filler").unlink()
    resumed = fit().run(place, lambda row: None)
    whole = fit().run(tmp_path / "other.safetensors", lambda row: None)
    assert resumed.history == whole.history
    assert all(torch.equal(resumed.best[name], whole.best[name]) for name in whole.best)


def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 8, n=900)
    work = job(data, tmp_path, "spec-cnn")
    wild = replace(work, settings=work.settings.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(DataError, match="is not finite: a smaller learning rate"):
        tune(wild, lambda row: None)
