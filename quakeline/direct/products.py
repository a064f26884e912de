"""The products of a catalog that no workflow made."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from quakeline.io import provenance, tables
from quakeline.schemas import ARRIVALS, EVENTS, PICKS, STATION_MAGNITUDES, STATIONS
from quakeline.stages import merge

#: Names of all files that `write` may make.
FILES = (
    *(f"{name}.parquet" for name in ("events", "arrivals", "picks", "stations")),
    *("catalog.qml", "catalog.csv"),
)


def write(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    output: Path,
    record: provenance.Record,
) -> None:
    """Write EVENTS, ARRIVALS and PICKS, QuakeML and CSV to a folder, as the stage merge does.

    STATIONS, if there are any, lie beside them for whatever reads the catalog again.
    """
    with provenance.recording(record), tempfile.TemporaryDirectory() as folder:
        between = {
            "origins": (events, EVENTS),
            "origin_arrivals": (arrivals, ARRIVALS),
            "chunk_picks": (picks, PICKS),
            "station_magnitudes": (tables.empty(STATION_MAGNITUDES), STATION_MAGNITUDES),
            "stations": (stations, STATIONS),
        }
        paths = {name: Path(folder) / f"{name}.parquet" for name in between}
        for name, (frame, table) in between.items():
            tables.write(frame, table, paths[name])
        merge.run(
            merge.Config(),
            origins=paths["origins"],
            origin_arrivals=paths["origin_arrivals"],
            chunk_picks=[paths["chunk_picks"]],
            station_magnitudes=paths["station_magnitudes"],
            stations=paths["stations"],
            weights=[],
            events=output / "events.parquet",
            arrivals=output / "arrivals.parquet",
            picks=output / "picks.parquet",
            quakeml=output / "catalog.qml",
            csv=output / "catalog.csv",
            exports=[],
        )
        if len(stations):
            tables.write(stations, STATIONS, output / "stations.parquet")
