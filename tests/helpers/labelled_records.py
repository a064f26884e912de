"""Small data sets of labelled records."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
