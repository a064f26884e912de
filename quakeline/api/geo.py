"""`quakeline.to_geopandas`: tables with coordinates as GeoDataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.extras import require

if TYPE_CHECKING:
    import geopandas

#: Tables of a run that have places, of their own or at their stations.
TABLES = ("events", "stations", "arrivals", "picks")
_PLACE = ["longitude", "latitude"]


def to_geopandas(table: pd.DataFrame) -> geopandas.GeoDataFrame:
    """A table as a GeoDataFrame: all its columns, and `geometry` with a point for each row.

    Parameters
    ----------
    table
        Any table with the columns `longitude` and `latitude` (degrees, WGS84): events of
        `quakeline.catalog`, stations.

    Returns
    -------
    geopandas.GeoDataFrame
        In EPSG:4326; a row without coordinates has no point. Depths stay a column: `depth_km` is
        down, and the third coordinate of a point would be up.

    Raises
    ------
    DataError
        The table has no such columns.
    QuakelineError
        The extra `geo` is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> import quakeline
    >>> stations = pd.DataFrame({"station": ["A"], "longitude": [11.6], "latitude": [48.1]})
    >>> quakeline.to_geopandas(stations).to_crs("EPSG:25832").geometry.x.floordiv(1000).tolist()
    [693.0]
    """
    absent = [name for name in _PLACE if name not in table.columns]
    if absent:
        raise DataError(f"the table has no column {' and '.join(absent)}")
    require("geo", "to_geopandas")
    import geopandas

    places = table[_PLACE].apply(pd.to_numeric)
    known = places.notna().all(axis=1)
    points = geopandas.points_from_xy(places["longitude"], places["latitude"])
    geometry = pd.Series(points, index=table.index, dtype=object).where(known, None)
    return geopandas.GeoDataFrame(table, geometry=geometry, crs="EPSG:4326")


def at_stations(table: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:
    """Rows of network and station with the coordinates of the stations; of others NaN."""
    keys = ["network", "station"]
    places = stations.drop_duplicates(keys)[[*keys, *_PLACE]]
    return table.drop(columns=_PLACE, errors="ignore").merge(places, on=keys, how="left")
