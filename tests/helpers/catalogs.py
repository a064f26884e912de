"""Comparison of catalogs that must not differ."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.io.products import tables


def same_catalog(results: Path, expected: Path) -> None:
    """Fail unless the catalogs of two runs are equal, the tables value by value."""
    same_tables(results, expected)
    for name in ("catalog.qml", "catalog.csv"):
        assert (results / "catalog" / name).read_bytes() == (
            expected / "catalog" / name
        ).read_bytes()


def same_tables(results: Path, expected: Path) -> None:
    """The same without the QuakeML, which says how the catalog was made (from which chunks)."""
    for name, table in (("events", EVENTS), ("arrivals", ARRIVALS), ("picks", PICKS)):
        found, wanted = (
            tables.read(folder / f"catalog/{name}.parquet", table) for folder in (results, expected)
        )
        assert len(wanted)
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)
