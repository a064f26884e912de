"""Picks of a table that anybody made, for the stations of a network."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.earth.sites import Sites
from quakeline.io.formats import pick_tables


def given_picks(
    picks: Path | pd.DataFrame, stations: pd.DataFrame, named: str, sites: Sites | None = None
) -> pd.DataFrame:
    """Read picks (PICKS) of stations (STATIONS), which messages call `named`.

    `picks` are a file or what is in one. `sites` are those of the stations and perhaps of channels
    of fibres.

    Raises DataError where the table cannot be used, or no pick belongs to any of the stations.
    """
    places = sites or Sites.of(stations)
    fibres = frozenset(places.table["network"]) - frozenset(stations["network"])
    if isinstance(picks, Path):
        table, name = pick_tables.read(picks, fibres=fibres), str(picks)
    else:
        name = "the table given"
        cells = picks.rename(columns=lambda column: str(column).lower())
        table = pick_tables.of_frame(cells.reset_index(drop=True), name, fibres=fibres)
    table = pick_tables.with_networks(table, stations)
    if len(table) and (places.find(table) < 0).all():
        row, first = table.iloc[0], stations.iloc[0]
        raise DataError(
            f"no pick of {name} belongs to a station of {named}; e.g. the picks'"
            f" {row['network']}.{row['station']}, the stations' {first['network']}."
            f"{first['station']}"
        )
    return table
