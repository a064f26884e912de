"""Focal mechanisms of the run's events from polarities, of networks or of a table."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.events.mechanisms.settings import Settings

VERSION = 4

logger = logging.getLogger("quakeline")

Config = Settings


def run(
    config: Config,
    *,
    origins: Path,
    arrivals: Path,
    picks: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    velocity_parts: list[Path],
    waveforms: list[Path],
    networks: list[Path],
    table: list[Path],
    reversed_stations: list[Path],
    model: str,
    mechanisms: Path,
    polarities: Path,
) -> None:
    """Write MECHANISMS, a row for each event, and POLARITIES.

    `waveforms` are the stores of all chunks; `networks`, `table` and `reversed_stations` are the
    files that the section names. `model` is the section `velocity` as JSON, `velocity` and
    `velocity_parts` its files.
    """
    from quakeline.core.schemas import (
        ARRIVALS,
        EVENTS,
        FIBRE_CHANNELS,
        MECHANISMS,
        PICKS,
        POLARITIES,
        STATIONS,
    )
    from quakeline.earth.sections import model_of
    from quakeline.earth.sites import Sites
    from quakeline.events.chain import mechanism as steps
    from quakeline.events.measurement.kept_waveforms import Waveforms
    from quakeline.io.exports import Tables
    from quakeline.io.products import tables

    events = tables.read(origins, EVENTS)
    if table:
        read = steps.read_of_table(table[0], events)
        if read.left_out:
            logger.warning("mechanism: %s", read.left_out)
    else:
        used = tables.read(arrivals, ARRIVALS)
        made = tables.read_many(picks, PICKS, of=used["pick_id"]).drop_duplicates("pick_id")
        pairs = Tables(events, used, made).pairs
        at = Waveforms(waveforms[0].parent).at
        read = steps.read_by_networks(config, events, pairs, at, networks)
        told = read.told
        names = " and ".join(read.names)
        logger.info("mechanism: %d of %d polarities, by %s", told, read.asked, names)
    found = steps.mechanisms_of(
        config,
        events,
        read,
        Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS)),
        model_of(velocity, model),
        steps.reversals_of(reversed_stations[0] if reversed_stations else None),
    )
    logger.info("mechanism: %s", steps.told(found.mechanisms))
    for line in steps.doubted(found.mechanisms, found.polarities):
        logger.warning("mechanism: reversed? %s", line)
    tables.write(found.mechanisms, MECHANISMS, mechanisms)
    tables.write(found.polarities, POLARITIES, polarities)
