"""Points of events as GeoParquet 1.1: a column that geographic programs open by themselves.

The specification (https://geoparquet.org/releases/v1.1.0/) asks for a geometry column of WKB and a
JSON text under the key `geo`. It is written here because it is five lines for points, where its
libraries bring GEOS and GDAL along.
"""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

COLUMN = "geometry"
#: WKB of a point: byte order (1: little endian), type 1, then x and y.
_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])


def with_points(table: pa.Table) -> pa.Table:
    """Append a column of points from `longitude` and `latitude`, and the metadata of GeoParquet.

    Coordinates are longitude and latitude of WGS84 (OGC:CRS84, what the specification takes where
    no `crs` is named). Depths stay in their own column: its down is no axis of that system.
    """
    longitude = table["longitude"].to_numpy()
    latitude = table["latitude"].to_numpy()
    points = np.zeros(len(table), _POINT)
    points["order"], points["type"] = 1, 1
    points["x"], points["y"] = longitude, latitude
    field = pa.field(
        COLUMN, pa.binary(), nullable=False, metadata={"meaning": "epicentre, WKB", "unit": "deg"}
    )
    column = pa.array([point.tobytes() for point in points], pa.binary())
    about: dict[str, object] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if len(table):
        corners = (longitude.min(), latitude.min(), longitude.max(), latitude.max())
        about["bbox"] = [float(value) for value in corners]
    geo = {"version": "1.1.0", "primary_column": COLUMN, "columns": {COLUMN: about}}
    metadata = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    return table.append_column(field, column).replace_schema_metadata(metadata)
