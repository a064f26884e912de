"""Station metadata: from StationXML, a table or a web service to one row per channel epoch."""

from __future__ import annotations

import logging
from glob import glob
from pathlib import Path

from pydantic import Field, model_validator

from quakeline.errors import ConfigError
from quakeline.section import Section
from quakeline.sources.fdsn_stations import FdsnStations
from quakeline.timeline import Span

VERSION = 1

logger = logging.getLogger("quakeline")


class Config(Section):
    """Where the stations of the run are described; at least one of the three."""

    table: str | None = Field(
        None,
        description="CSV file: network, station, latitude, longitude, elevation_m (or elevation,"
        " metres), optional location, channel, depth_m, start, end",
    )
    stationxml: list[str] = Field(
        default_factory=list,
        description="StationXML files (glob patterns); they also carry the instrument responses",
    )
    fdsn: FdsnStations | None = Field(
        None, description="stations of a region or of networks, from FDSN web services"
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if not self.table and not self.stationxml and not self.fdsn:
            raise ValueError("give stations.table or stations.stationxml or stations.fdsn")
        return self

    def files(self) -> list[str]:
        """The files that the section names. Raises ConfigError for one that does not exist."""
        found = [self.table] if self.table else []
        for pattern in self.stationxml:
            matches = sorted(glob(pattern, recursive=True))
            if not matches:
                raise ConfigError(f"stations.stationxml: no file matches {pattern!r}")
            found += matches
        if self.table and not Path(self.table).is_file():
            raise ConfigError(f"stations.table: file {self.table!r} does not exist")
        return found


def run(
    config: Config, *, sources: list[Path], stations: Path, inventory: Path, span: str = ""
) -> None:
    """Write the station table (STATIONS) and the inventory (StationXML).

    Stations of the table replace those of the same code in the StationXML, so that a table can
    correct coordinates; responses come from StationXML alone. Of stations that files and web
    services describe, the files count. `span` is that of the run as the id of a chunk; only web
    services are asked for it.
    """
    from quakeline.io import inventory as inventories
    from quakeline.io import tables
    from quakeline.schemas import STATIONS

    files = [path for path in sources if not config.table or path != Path(config.table)]
    received = inventories.read(files)
    if config.fdsn:
        fetched = config.fdsn.inventory(Span.parse(span), stations.parent / "archive")
        received = inventories.joined(received, fetched)
    frame = inventories.table_of(received)
    if config.table:
        frame = inventories.overlaid(frame, inventories.read_table(Path(config.table)))
    frame = inventories.checked(frame)
    count = len(frame[["network", "station"]].drop_duplicates())
    with_response = int((frame["response"] != "none").sum())
    logger.info("stations: %d, %d channel epochs with response", count, with_response)
    tables.write(frame, STATIONS, stations)
    inventories.write(received, frame, inventory)
