"""Small data sets of labelled records."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from quakeline.training.datasets.opening import open_dataset
from quakeline.training.datasets.records import Dataset
from quakeline.training.datasets.writing import Writer


def small(folder: Path, *rows: dict[str, object], n: int = 500) -> Path:
    """A data set of records with random samples and these columns of the metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    with Writer(folder, "ZNE", 100.0) as writer:
        for row in rows:
            writer.add(random.standard_normal((3, n)), dict(row))
    return folder


def labelled(event: str, p: float, s: float | None, split: str = "train") -> dict[str, object]:
    return {
        "source_id": event,
        "trace_P_arrival_sample": p,
        "trace_S_arrival_sample": s,
        "split": split,
    }


def wavelets(folder: Path, count: int, n: int = 320, split: str | None = None) -> Dataset:
    """Records with a P and a stronger S, seen by eye."""
    random = np.random.default_rng(3)
    folder.mkdir()
    at = np.arange(n)
    parts = ["train", "train", "dev", "test"]
    with Writer(folder, "ENZ", 100.0) as writer:
        for number in range(count):
            p = int(random.integers(60, n // 2))
            s = p + int(random.integers(50, 100))
            samples = 0.05 * random.standard_normal((3, n))
            for onset, row, size in ((p, 2, 1.0), (s, 0, 2.0), (s, 1, 2.0)):
                later = np.maximum(at - onset, 0)
                samples[row] += size * np.sin(later / 3) * np.exp(-later / 25) * (later > 0)
            writer.add(samples, labelled(f"e{number}", p, s, split or parts[number % 4]))
    return open_dataset(folder)
