import json
import time

import pytest
import torch

from quakeline.inference.backends import Torch
from quakeline.inference.tuning import best_batch, on_cpu
from quakeline.models import cache

CPU = [torch.device("cpu")]
WINDOW = (3, 200)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    return tmp_path


def heavy(size):
    """A network whose batches take the same time whatever their size, so that large ones win."""

    class Heavy(torch.nn.Module):
        def forward(self, x):
            time.sleep(0.005)
            return x

    return Torch(Heavy(), size, CPU)


def test_the_best_batch_is_measured_once_and_remembered(folder):
    made = []

    def make(size):
        made.append(size)
        return heavy(size)

    assert best_batch(make, WINDOW, "heavy", (1, 4, 16)) == 16
    assert sorted(set(made)) == [1, 4, 16]
    made.clear()
    assert best_batch(make, WINDOW, "heavy", (1, 4, 16)) == 16
    assert made == []
    assert json.loads((folder / "batches.json").read_text()) == {"heavy": 16}


def test_a_damaged_file_is_measured_anew(folder):
    (folder / "batches.json").write_text('{"heavy": 1')
    assert best_batch(heavy, WINDOW, "heavy", (1, 16)) == 16
    assert json.loads((folder / "batches.json").read_text()) == {"heavy": 16}


def test_a_batch_that_does_not_fit_into_the_memory_is_left_out():
    def make(size):
        if size == 16:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return heavy(size)

    assert best_batch(make, WINDOW, "heavy", (1, 4, 16)) == 4


def test_other_errors_are_passed_on():
    def make(size):
        raise RuntimeError("no kernel image is available")

    with pytest.raises(RuntimeError, match="no kernel image"):
        best_batch(make, WINDOW, "broken", (1,))


def test_words_for_a_device_tell_library_and_threads():
    assert on_cpu("torch", 1) != on_cpu("torch", 2)
    assert on_cpu("torch", 1).startswith(f"torch {torch.__version__}".partition("+")[0])
