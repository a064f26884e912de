"""Seconds since 1970 in 32-bit floats are 128 s apart: picks that were 1 s apart became one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.io.formats import pick_tables

SECONDS = 1_704_067_200.25 + np.arange(21) * 7.0
LINE = "seconds since 1970 in 32-bit floats given, which are 128 s apart; allowed: 64-bit floats"


def table(times: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"station": "XX.AAA", "phase": "P", "time": times})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_they_are_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picks.{suffix}"
    narrow = table(SECONDS.astype(np.float32))
    if suffix == "csv":
        narrow.astype({"time": float}).to_csv(path, index=False)
    else:
        narrow.to_parquet(path)
    with pytest.raises(DataError, match=LINE):
        pick_tables.read(path)


def test_wide_ones_are_read(tmp_path: Path) -> None:
    path = tmp_path / "picks.parquet"
    table(SECONDS).to_parquet(path)
    found = pick_tables.read(path)["time"]
    expected = [1_704_067_200_250_000_000 + 7_000_000_000 * k for k in range(21)]
    assert found.astype("int64").tolist() == expected
