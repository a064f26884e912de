"""The forms in which a run writes its own catalog: QuakeML, CSV and GeoParquet."""

from __future__ import annotations

from pathlib import Path

from quakeline.core.schemas import EVENTS
from quakeline.io.export_files import FILE
from quakeline.io.exports.base import Format, Tables
from quakeline.io.formats.quakeml import Labels, write_csv, write_quakeml
from quakeline.io.products import tables


def _quakeml(catalog: Tables, path: Path, labels: Labels) -> None:
    parts = catalog.events, catalog.arrivals, catalog.picks
    write_quakeml(*parts, path, catalog.stations, labels, catalog.focal)


def _csv(catalog: Tables, path: Path, labels: Labels) -> None:
    write_csv(catalog.events, path)


def _parquet(catalog: Tables, path: Path, labels: Labels) -> None:
    tables.write(catalog.events, EVENTS, path, points=True)


GEOPARQUET = Format("events, GeoParquet 1.1", FILE["geoparquet"], False, _parquet)
QUAKEML = Format("QuakeML 1.2", FILE["quakeml"], False, _quakeml)
CSV = Format("events, CSV", FILE["csv"], False, _csv)
