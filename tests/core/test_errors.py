"""Why a file cannot be read, in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from quakeline.core.errors import DataError, why_unread
from quakeline.core.schemas import DIFFERENTIALS
from quakeline.earth.velocity.formats import load
from quakeline.io.formats.csv_cells import text_of
from quakeline.io.products import tables


def test_a_folder_names_the_table_in_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"it is a folder, and a file is needed$"):
        text_of(tmp_path, "picks")
    (tmp_path / "catalog").mkdir()
    inside = tmp_path / "catalog/picks.parquet"
    inside.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        text_of(tmp_path, "picks")
    assert str(caught.value).endswith(f"and a file is needed: give {inside}")
    tables.write(tables.empty(DIFFERENTIALS), DIFFERENTIALS, tmp_path / "differentials.parquet")
    with pytest.raises(DataError, match=r"give .*differentials\.parquet"):
        tables.read(tmp_path, DIFFERENTIALS)


def test_what_is_not_there_or_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"differentials: No such file or directory$"):
        tables.read(tmp_path / "nowhere.parquet", DIFFERENTIALS)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: it is no text \(UTF-8\)$"):
        load(tmp_path / "a.parquet")
    assert why_unread(ValueError("two\n lines"), tmp_path / "a.parquet") == "two lines"
