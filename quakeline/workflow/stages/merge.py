"""The catalog of the run: all picks, events and arrivals as tables, QuakeML, CSV, exports."""

from __future__ import annotations

from pathlib import Path

from quakeline.events.chain.merge import Settings

VERSION = 3

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
    were trained from others, which the QuakeML then names. Everything is sorted by time. A run
    without events gives empty products.

    Raises
    ------
    DataError
        An event_id is not unique, or an arrival has no event, no pick, or the pick of another one.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATION_MAGNITUDES, STATIONS
    from quakeline.events.chain.merge import assembled
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
    catalog.put(events, arrivals, picks, quakeml, csv, exports)
