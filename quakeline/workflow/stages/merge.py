"""The catalog of the run: all picks, events and arrivals as tables, QuakeML, CSV, exports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quakeline.events.chain.merge import Settings

VERSION = 5

Config = Settings


def run(
    config: Config,
    *,
    origins: Path,
    origin_arrivals: Path,
    chunk_picks: list[Path],
    station_magnitudes: Path,
    stations: Path,
    weights: list[Path],
    mechanisms: list[Path],
    polarities: list[Path],
    velocity: Path,
    velocity_parts: list[Path],
    model: str,
    events: Path,
    arrivals: Path,
    picks: Path,
    quakeml: Path,
    csv: Path,
    exports: list[Path],
) -> None:
    """Write the tables EVENTS, ARRIVALS and PICKS of the whole run, QuakeML, CSV and exports.

    Picks of all chunks are kept, each once, with the event that they belong to, if any; the
    QuakeML holds only picks of events, EVENTS is GeoParquet. `weights` are files of weights that
    were trained from others, which the QuakeML then names. `mechanisms` and `polarities` are
    those of the stage mechanism, in a run that has it; the QuakeML tells them, and without them the
    tables of an earlier run of that stage are removed. `model` is the section `velocity` as JSON,
    `velocity` and `velocity_parts` its files, which exports for HASH tell. Everything is sorted by
    time. A run without events gives empty products.

    Raises
    ------
    DataError
        An event_id is not unique, or an arrival has no event, no pick, or the pick of another one.
    """
    from quakeline.core.schemas import (
        ARRIVALS,
        EVENTS,
        MECHANISMS,
        PICKS,
        POLARITIES,
        STATION_MAGNITUDES,
        STATIONS,
    )
    from quakeline.earth.sections import model_of
    from quakeline.earth.velocity.profiles import p_profile
    from quakeline.events.chain.merge import assembled
    from quakeline.io.formats.focal_mechanisms import Focal
    from quakeline.io.products import provenance, tables
    from quakeline.models.names import described
    from quakeline.models.weights import card_of

    catalog = assembled(
        config,
        tables.read(origins, EVENTS),
        tables.read(origin_arrivals, ARRIVALS),
        tables.read_many(chunk_picks, PICKS),
        tables.read(stations, STATIONS),
        tables.read(station_magnitudes, STATION_MAGNITUDES),
        # The file of velocities, as the locator recorded it.
        provenance.read(origin_arrivals).get("inputs", {}).get("velocity"),
        tuple(described(card_of(path)[0]) for path in weights),
    )
    if mechanisms:
        focal = Focal(
            tables.read_many(mechanisms, MECHANISMS), tables.read_many(polarities, POLARITIES)
        )
        catalog = replace(catalog, focal=focal)
        if "hash" in config.exports:
            speeds = p_profile(model_of(velocity, model), catalog.stations)
            catalog = replace(catalog, velocities=speeds)
    else:
        _forget_mechanisms(events.parent)
    catalog.put(events, arrivals, picks, quakeml, csv, exports)


def _forget_mechanisms(folder: Path) -> None:
    """Remove tables that the stage mechanism made of an earlier catalog of the run."""
    from quakeline.io.exports import FOCAL_FILES
    from quakeline.io.products import provenance

    for path in (folder / name for name in FOCAL_FILES):
        if path.is_file() and provenance.read(path).get("stage") == "mechanism":
            path.unlink()
