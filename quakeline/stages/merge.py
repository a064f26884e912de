"""The catalog of the run: all picks, events and arrivals as tables, QuakeML, CSV, exports."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from quakeline.errors import DataError
from quakeline.section import Section

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2

logger = logging.getLogger("quakeline")


class Config(Section):
    """How the catalog is signed."""

    agency_id: str = Field(
        "quakeline",
        min_length=1,
        max_length=64,
        description="agency that the QuakeML names as the maker of events and picks",
    )
    author: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description='author that the QuakeML names; null: "quakeline" and its version',
    )
    earth_model: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="name of the velocity model in the QuakeML; null: the first 12 digits of the"
        " SHA-256 of the velocity table",
    )
    exports: list[Literal["fdsn-text", "nonlinloc", "hypodd", "nordic"]] = Field(
        default_factory=list,
        description="further formats of the catalog: files catalog.txt and catalog.nordic, folders"
        " nonlinloc/ and hypodd/ beside events.parquet; `quakeline export` makes them of any run",
    )

    @field_validator("exports")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("names a format twice")
        return value


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
    from quakeline.io import events as catalogs
    from quakeline.io import exports as formats
    from quakeline.io import tables
    from quakeline.models.names import described
    from quakeline.models.weights import card_of
    from quakeline.schemas import ARRIVALS, EVENTS, PICKS, STATION_MAGNITUDES, STATIONS

    found = tables.read(origins, EVENTS).sort_values(["time", "event_id"], ignore_index=True)
    used = tables.read(origin_arrivals, ARRIVALS)
    made = _without_repeats(tables.read_many(chunk_picks, PICKS))
    _check(found, used, made)
    used = _in_order(used, found, made)
    measured = tables.read(station_magnitudes, STATION_MAGNITUDES)
    made = _with_amplitudes(_with_events(made, used), measured)
    labels = catalogs.Labels(
        config.agency_id,
        config.author,
        _earth_model(config, origin_arrivals),
        tuple(described(card_of(path)[0]) for path in weights),
    )
    tables.write(found, EVENTS, events, points=True)
    tables.write(used, ARRIVALS, arrivals)
    tables.write(made, PICKS, picks)
    known = tables.read(stations, STATIONS)
    catalogs.write_quakeml(found, used, made, quakeml, known, labels)
    catalogs.write_csv(found, csv)
    catalog = formats.Tables(found, used, made, known)
    for name, path in formats.targets(config.exports, exports):
        formats.write(name, catalog, path, labels)
    logger.info("merge: %d events, %d of %d picks used", len(found), len(used), len(made))
    if found.empty:
        logger.warning("merge: the catalog has no events")


def _without_repeats(picks: pd.DataFrame) -> pd.DataFrame:
    """Sort picks by time and id; of several with one id keep that of the first chunk."""
    repeated = int(picks.duplicated("pick_id").sum())
    differing = int(picks.drop_duplicates().duplicated("pick_id").sum())
    if repeated:
        logger.info("merge: %d picks of several chunks dropped as repeats", repeated)
    if differing:
        logger.warning("merge: %d repeated picks differ between chunks", differing)
    kept = picks.drop_duplicates("pick_id")
    return kept.sort_values(["time", "pick_id"], ignore_index=True)


def _check(events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame) -> None:
    """Refuse tables that contradict each other."""
    known_event = arrivals["event_id"].isin(events["event_id"])
    known_pick = arrivals["pick_id"].isin(picks["pick_id"])
    mistakes = {
        "event_id occurs more than once": events["event_id"][events["event_id"].duplicated()],
        "arrivals belong to no event": arrivals["event_id"][~known_event],
        "arrivals belong to no pick": arrivals["pick_id"][~known_pick],
        "pick has more than one arrival": arrivals["pick_id"][arrivals["pick_id"].duplicated()],
    }
    for mistake, ids in mistakes.items():
        if len(ids):
            raise DataError(f"{mistake}: {ids.iloc[0]} ({len(ids)} in all)")


def _in_order(arrivals: pd.DataFrame, events: pd.DataFrame, picks: pd.DataFrame) -> pd.DataFrame:
    """Sort arrivals as their events and, inside an event, as their picks."""
    order = arrivals.assign(
        _event=_positions(arrivals["event_id"], events["event_id"]),
        _pick=_positions(arrivals["pick_id"], picks["pick_id"]),
    )
    return order.sort_values(["_event", "_pick"], ignore_index=True)[list(arrivals.columns)]


def _positions(ids: pd.Series, table: pd.Series) -> pd.Series:
    return ids.map({value: position for position, value in enumerate(table)})


def _with_events(picks: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    events = dict(zip(arrivals["pick_id"], arrivals["event_id"], strict=True))
    return picks.assign(event_id=picks["pick_id"].map(events).astype("str"))


def _with_amplitudes(picks: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Fill in the Wood-Anderson amplitudes behind magnitudes of stations."""
    used = measured[measured["magnitude"].notna()]
    amplitudes = dict(zip(used["pick_id"], used["wood_anderson_mm"], strict=True))
    found = picks["pick_id"].map(amplitudes).astype(float)
    return picks.assign(wood_anderson_mm=found.fillna(picks["wood_anderson_mm"].astype(float)))


def _earth_model(config: Config, located: Path) -> str | None:
    """Name the velocity model: as the config says, else by the digest that the locator recorded."""
    from quakeline.io import provenance

    digest = provenance.read(located).get("inputs", {}).get("velocity")
    return config.earth_model or (digest[:12] if digest else None)
