"""Picks of all stations and chunks to events: which picks belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from quakeline.section import Section

if TYPE_CHECKING:
    import pandas as pd

VERSION = 8

logger = logging.getLogger("quakeline")

Auto = Literal["auto"]
_Length = Annotated[float, Field(ge=0)] | Auto
_Positive = Annotated[float, Field(gt=0)] | Auto
_Count = Annotated[int, Field(ge=0)] | Auto


class Config(Section):
    """PyOcto (Muenchmeyer 2024, doi:10.26443/seismica.v3i1.1130) and what makes an event.

    Where picks are so many that chance fills half of an event, stacking (docs/catalog.md).
    `auto` is chosen from the geometry of the network and written to the log.
    """

    kind: Literal["pyocto"] = Field("pyocto", description="the associator")
    margin_km: _Length = Field(
        "auto", description="sources are searched this far around the stations, in km"
    )
    depth_km: tuple[float, float] | Auto = Field(
        "auto", description="shallowest and deepest source, km below sea level"
    )
    min_picks: Annotated[int, Field(ge=3)] | Auto = Field(
        "auto", description="picks that an event needs"
    )
    min_p_picks: _Count = Field("auto", description="P picks that an event needs")
    min_s_picks: _Count = Field("auto", description="S picks that an event needs")
    min_p_and_s: _Count = Field(
        "auto", description="stations with both P and S that an event needs"
    )
    tolerance_s: _Positive = Field(
        "auto", description="largest difference of a pick from its predicted time, in seconds"
    )
    min_interevent_s: _Length = Field("auto", description="least time between events, in seconds")
    same_onset_s: float = Field(
        0.3,
        ge=0,
        description="picks of one phase by several instruments of a station this close together,"
        " in seconds, are one onset: the most probable counts",
    )
    node_km: _Positive = Field(
        "auto", description="size of a cell, in km, at which an event is tried"
    )
    max_distance_km: _Positive = Field(
        "auto",
        description="stations farther than this from an event do not count for it, in km; auto:"
        " 300 in networks wider than 400, else all count",
    )
    known_events: str | None = Field(
        None,
        description="catalog folder of another run (events.parquet, arrivals.parquet): its events"
        " keep their ids here; those of this run always do",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if not isinstance(self.depth_km, str) and self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        return self

    def known_files(self) -> list[str]:
        """The tables of the earlier catalog, if there is one: events and arrivals."""
        if self.known_events is None:
            return []
        folder = Path(self.known_events)
        return [str(folder / name) for name in ("events.parquet", "arrivals.parquet")]


def run(
    config: Config,
    *,
    picks: list[Path],
    coverage: list[Path],
    manifests: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    vp_vs: float,
    interpolation: str,
    known: list[Path],
    threads: int,
    events: Path,
    arrivals: Path,
) -> None:
    """Write events (EVENTS, with preliminary origins) and their picks (ARRIVALS).

    `vp_vs` above 0 makes the S velocities, `interpolation` is `velocity.interpolation`; `known`
    are the events and arrivals of an earlier catalog, or none. Events that the run has found
    before keep their ids, by its ledger.

    Raises DataError when no station of the run has any usable data, or the ledger is damaged.
    """
    from quakeline import association
    from quakeline.io import tables
    from quakeline.location import Locator
    from quakeline.schemas import ARRIVALS, EVENTS, FIBRE_CHANNELS, PICKS, STATIONS
    from quakeline.sites import Sites, strongest
    from quakeline.velocity import doubts, load

    _require_data(coverage, manifests)
    chunk_picks = tables.read_many(picks, PICKS)
    sites = Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS))
    if sites.table.empty:
        logger.warning("associate: no station and no channel of a fibre has a position: no events")
        tables.write(tables.empty(EVENTS), EVENTS, events)
        tables.write(tables.empty(ARRIVALS), ARRIVALS, arrivals)
        return
    model = load(velocity, vp_vs, interpolation)
    logger.info("associate: velocities: %s", model.reading)
    for doubt in doubts(model, sites.table["depth_km"].to_numpy()):
        logger.warning("associate: velocities: %s", doubt)
    settings = config.model_dump(exclude={"kind", "same_onset_s"})
    search, chosen = association.suggested(settings, sites, model)
    for line in chosen:
        logger.info("associate: chosen for this network: %s", line)
    ledger = _ledger(ledger_of(events))
    earlier = [*_earlier(known), (ledger.drop_duplicates("event_id"), ledger)]
    taken = {name for frame, _ in earlier for name in frame["event_id"]}
    distinct = strongest(chunk_picks, config.same_onset_s)
    found, grouped = association.associate(
        distinct,
        sites,
        model,
        search,
        threads,
        finder=Locator(sites, model, search.depth_km, threads=threads),
        taken=taken,
        progress=_tell,
    )
    ids = association.kept_of_all(found, grouped, earlier)
    found, grouped = _with_ids(found, grouped, ids)
    logger.info("associate: %d events, %d of %d picks", len(found), len(grouped), len(chunk_picks))
    _extend(ledger_of(events), ledger, association.with_ledger(ledger, found, grouped))
    tables.write(found, EVENTS, events)
    tables.write(grouped, ARRIVALS, arrivals)


def _tell(done: int, total: int) -> None:
    if done % max(1, total // 20) == 0:
        logger.info("associate: %d of %d blocks of time", done, total)


def ledger_of(events: Path) -> Path:
    """The ledger of ids (EVENT_IDS) of a run, from the path of its preliminary events.

    It is no product that Snakemake knows: that would be removed before the stage can read it.
    """
    return events.parents[1] / "ids.parquet"


def _ledger(path: Path) -> pd.DataFrame:
    from quakeline.io import tables
    from quakeline.schemas import EVENT_IDS

    return tables.read(path, EVENT_IDS) if path.exists() else tables.empty(EVENT_IDS)


def _extend(path: Path, ledger: pd.DataFrame, extended: pd.DataFrame) -> None:
    from quakeline.io import tables
    from quakeline.schemas import EVENT_IDS

    if not extended.equals(ledger):
        tables.write(extended, EVENT_IDS, path)


def _earlier(known: list[Path]) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    from quakeline.io import tables
    from quakeline.schemas import ARRIVALS, EVENTS

    return [(tables.read(known[0], EVENTS), tables.read(known[1], ARRIVALS))] if known else []


def _with_ids(
    events: pd.DataFrame, arrivals: pd.DataFrame, ids: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    logger.info("associate: %d of %d events were found before: ids kept", len(ids), len(events))
    return (
        events.assign(event_id=events["event_id"].replace(ids)),
        arrivals.assign(event_id=arrivals["event_id"].replace(ids)),
    )


def _require_data(coverage: list[Path], manifests: list[Path]) -> None:
    """Refuse a run without any usable data, naming the reasons; a day without data is no error.

    A run that begins at a table of picks has no data to look at.
    """
    from quakeline import remarks
    from quakeline.errors import DataError
    from quakeline.io import tables
    from quakeline.schemas import COVERAGE

    if not coverage or (tables.read_many(coverage, COVERAGE)["coverage"] > 0).any():
        return
    found = [r for r in remarks.collect(manifests, coverage) if r.status != "used"]
    causes = [r for r in found if r.status != "no data"] or found
    why = "; ".join(f"{r.text} ({remarks.some(r.where, 2)})" for r in causes[:3])
    raise DataError(f"no data of the whole run can be used: {why}")
