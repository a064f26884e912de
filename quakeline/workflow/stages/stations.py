"""Station metadata: from StationXML, a table or a web service to one row per channel epoch."""

from __future__ import annotations

import logging
from glob import glob
from pathlib import Path
from typing import Literal

from pydantic import Field

from quakeline.core.errors import ConfigError
from quakeline.core.section import Section
from quakeline.core.timeline import Span
from quakeline.waveforms.sources.fdsn_stations import FdsnStations

VERSION = 4

logger = logging.getLogger("quakeline")


class Config(Section):
    """Where the seismometers of the run are described; at least one of the three, if any."""

    table: str | None = Field(
        None,
        description="CSV file: network, station, latitude, longitude, elevation_m (or elevation,"
        " metres), optional location, channel, depth_m, start, end; or text of FDSN services, a"
        " table of PyOcto, GaMMA, SeisBench, QuakeFlow or REAL, stations.parquet of a run",
    )
    stationxml: list[str] = Field(
        default_factory=list,
        description="StationXML or dataless SEED files (glob patterns); they also carry the"
        " instrument responses",
    )
    responses: list[str] = Field(
        default_factory=list,
        description="files (glob patterns) of which only the instrument responses are used, before"
        " those of stationxml: RESP, SAC poles and zeros, dataless SEED, StationXML",
    )
    sac_pz_unit: Literal["m", "nm"] = Field(
        "m",
        description="unit of displacement of SAC poles and zeros whose header names none: m as"
        " rdseed and web services write them, nm as SAC's own manual has it",
    )
    fdsn: FdsnStations | None = Field(
        None, description="stations of a region or of networks, from FDSN web services"
    )

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return bool(self.table or self.stationxml or self.fdsn)

    def files(self) -> list[str]:
        """The files that the section names. Raises ConfigError for one that does not exist."""
        found = [self.table] if self.table else []
        found += self.matching("stationxml") + self.matching("responses")
        if self.table and not Path(self.table).is_file():
            raise ConfigError(f"stations.table: file {self.table!r} does not exist")
        return list(dict.fromkeys(found))

    def matching(self, key: Literal["stationxml", "responses"]) -> list[str]:
        """The files of one list of patterns. Raises ConfigError for a pattern without any."""
        found: list[str] = []
        for pattern in getattr(self, key):
            matches = sorted(glob(pattern, recursive=True))
            if not matches:
                raise ConfigError(f"stations.{key}: no file matches {pattern!r}")
            found += matches
        return found


def run(
    config: Config, *, sources: list[Path], stations: Path, inventory: Path, span: str = ""
) -> None:
    """Write the station table (STATIONS) and the inventory (StationXML).

    Stations of the table replace those of the same code in the StationXML, so that a table can
    correct coordinates. The inventory holds all responses. Of stations that files and web services
    describe, the files count. `span` is that of the run as the id of a chunk; only web services are
    asked for it. A run of fibres alone has no rows.
    """
    from quakeline.core.schemas import STATIONS
    from quakeline.io.formats import inventory as inventories
    from quakeline.io.formats import responses, station_list
    from quakeline.io.formats.station_tables import read_table
    from quakeline.io.products import tables

    described, given = (
        [path for path in sources if str(path) in config.matching(key)]
        for key in ("stationxml", "responses")
    )
    received = inventories.read(described)
    if config.fdsn:
        fetched = config.fdsn.inventory(Span.parse(span), stations.parent / "archive")
        received = inventories.joined(received, fetched)
    frame = inventories.table_of(received)
    if config.table:
        frame = station_list.overlaid(frame, read_table(Path(config.table)))
    frame = station_list.checked(frame) if config.given else tables.empty(STATIONS)
    if given:
        found = [one for path in given for one in responses.read(path, config.sac_pz_unit)]
        for label in responses.overlaps(found):
            logger.warning("epochs of responses overlap, the newest counts: %s", label)
        received, left = responses.attached(received, found, frame)
        frame = inventories.with_responses(frame, received)
        for label in left:
            logger.warning("response unused: %s: its station is not listed", label)
    count = len(frame[["network", "station"]].drop_duplicates())
    with_response = int((frame["response"] != "none").sum())
    logger.info("stations: %d, %d channel epochs with response", count, with_response)
    tables.write(frame, STATIONS, stations)
    inventories.write(received, frame, inventory)
