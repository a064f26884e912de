"""Picks to events: which picks belong together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from quakeline.core.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.sites import Sites
    from quakeline.earth.velocity import Model
    from quakeline.events.association import Search
    from quakeline.events.association.grid import Grid
    from quakeline.events.location import Locator

logger = logging.getLogger("quakeline")

Auto = Literal["auto"]
_Length = Annotated[float, Field(ge=0)] | Auto
_Positive = Annotated[float, Field(gt=0)] | Auto
_Count = Annotated[int, Field(ge=0)] | Auto
#: What association asks of picks (PICKS).
USED = [
    "pick_id", "network", "station", "location", "instrument", "phase", "time", "time_sigma_s",
    "probability",
]  # fmt: skip


class Settings(Section):
    """Stacking of picks over a grid, and what makes an event; see docs/catalog.md.

    `auto` is chosen from the network and its picks, and written to the log.
    """

    margin_km: _Length = Field(
        "auto",
        description="sources are searched this far around the stations, in km; auto: a third of"
        " the network's extent, 5 to 150",
    )
    depth_km: tuple[float, float] | Auto = Field(
        "auto",
        description="shallowest and deepest source, km below sea level; auto: from the highest"
        " station to half the extent of the network, 15 to 250",
    )
    min_picks: Annotated[int, Field(ge=3)] | Auto = Field(
        "auto",
        description="picks that an event needs; auto: 6, of fewer than 16 stations and phases with"
        " picks 5",
    )
    min_p_picks: _Count = Field(
        "auto", description="P picks that an event needs; auto: 2, where there are no P picks 0"
    )
    min_s_picks: _Count = Field("auto", description="S picks that an event needs; auto: 0")
    min_p_and_s: _Count = Field(
        "auto", description="stations with both P and S that an event needs; auto: 0"
    )
    tolerance_s: _Positive = Field(
        "auto",
        description="largest difference of a pick from its predicted time, in seconds; auto: 0.25"
        " and 3 % of the time that S takes through half the extent of the network (of 200 km at"
        " most), 0.5 to 2.5",
    )
    min_interevent_s: _Length = Field(
        "auto",
        description="least time between events that share stations and lie within 5 km, in"
        " seconds; auto: twice tolerance_s, 1 to 1.5, of picks that are hardly ever S 1 to 4",
    )
    same_onset_s: float = Field(
        0.3,
        ge=0,
        description="picks of one phase by several instruments of a station this close together,"
        " in seconds, are one onset: the most probable counts",
    )
    node_km: _Positive = Field(
        "auto",
        description="size of a cell, in km, at which an event is tried; auto: the way of P in 1.5"
        " times tolerance_s, 1 to 10",
    )
    max_distance_km: _Positive = Field(
        "auto",
        description="stations farther than this from an event do not count for it, in km, but for"
        " its six nearest up to twice as far, and only what nearer ones leave over is searched with"
        " those beyond half of it; auto: in networks wider than 400 three times the distance of the"
        " tenth nearest station, 600 at least; else all count",
    )
    min_log_odds: float | Auto = Field(
        "auto",
        description="natural logarithm of the odds against chance that an event needs; auto: 3"
        " (docs/catalog.md shows what chance makes)",
    )
    known_events: str | None = Field(
        None,
        description="catalog folder of another run (events.parquet, arrivals.parquet): its events"
        " keep their ids here; those of this run always do",
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if not isinstance(self.depth_km, str) and self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        return self

    def times(self) -> dict[str, float]:
        """The least time between events and the tolerance, for `locate`; -1 for `auto`."""
        said = {"min_interevent_s": self.min_interevent_s, "tolerance_s": self.tolerance_s}
        return {name: -1.0 if isinstance(s, str) else s for name, s in said.items()}

    def known_files(self) -> list[str]:
        """The tables of the earlier catalog, if there is one: events and arrivals."""
        if self.known_events is None:
            return []
        folder = Path(self.known_events)
        return [str(folder / name) for name in ("events.parquet", "arrivals.parquet")]


#: So many picks close to another, and such a share of all, are not by chance.
_FEW_CLOSE, _SHARE_CLOSE = 10, 0.01


@dataclass(frozen=True)
class Network:
    """Where and how events of a network are searched, and what locates while they are.

    `sites` are those of stations with picks and around them; settings follow from them.
    `chosen` has a line for each setting that follows from the network. `grids` holds the travel
    times of the search, so that a network that is searched again and again has them once.
    """

    sites: Sites
    search: Search
    finder: Locator
    chosen: list[str]
    grids: dict[Search, Grid] = field(default_factory=dict)


@dataclass(frozen=True)
class Ready(Network):
    """The same with what is associated: PICKS with each onset once."""

    picks: pd.DataFrame = field(kw_only=True)


def network_of(
    settings: Settings, picks: pd.DataFrame, sites: Sites, model: Model, threads: int = 1
) -> Network:
    """Complete the settings from the stations and phases of picks (network, station, phase).

    What locates while picks may still change has no settings of its own: `locate` may be set
    otherwise without other picks in the events.
    """
    from quakeline.events import association
    from quakeline.events.location import Locator

    given = settings.model_dump(exclude={"same_onset_s", "known_events"})
    used = sites.with_picks(picks)
    search, chosen = association.suggested(given, used, model, picks)
    return Network(used, search, Locator(used, model, search.depth_km, threads=threads), chosen)


def ready(
    settings: Settings,
    picks: pd.DataFrame,
    sites: Sites,
    model: Model,
    threads: int = 1,
    network: Network | None = None,
) -> Ready:
    """Reduce picks (PICKS) to one for each onset, for a network; None: the one that they tell."""
    from quakeline.earth.sites import strongest

    again = picks["pick_id"].duplicated()
    doubt = doubled(picks, settings.same_onset_s)
    if doubt:
        logger.warning("associate: %s", doubt)
    distinct = strongest(picks[~again] if again.any() else picks, settings.same_onset_s)
    known = network or network_of(settings, distinct, sites, model, threads)
    return Ready(known.sites, known.search, known.finder, known.chosen, known.grids, picks=distinct)


def doubled(picks: pd.DataFrame, within_s: float) -> str:
    """Say that PICKS without codes of instruments look like those of several; empty: they do not.

    Two picks of one instrument that close may be of two events, and both count; of two instruments
    they are one onset (`same_onset_s`), which a table that does not name them cannot tell.
    """
    if len(picks) == 0 or (picks["location"] + picks["instrument"] != "").any():
        return ""
    ordered = picks[["network", "station", "phase", "time"]].sort_values("time")
    apart = ordered.groupby(["network", "station", "phase"])["time"].diff().dt.total_seconds()
    close = int(apart.between(0.1, within_s, inclusive="right").sum())
    if close < _FEW_CLOSE or close < _SHARE_CLOSE * len(picks):
        return ""
    return (
        f"{close} of {len(picks)} picks come within {within_s:g} s after another of their phase and"
        " station, and the table names no channels: if they are of several instruments, give a"
        " column channel (or ids NET.STA.LOC.CHAN), so that each onset counts once"
    )


def associated(
    settings: Settings,
    picks: pd.DataFrame,
    sites: Sites,
    model: Model,
    threads: int = 1,
    *,
    earlier: Sequence[tuple[pd.DataFrame, pd.DataFrame]] = (),
    network: Network | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Group picks (PICKS) to events.

    Parameters
    ----------
    settings, picks, sites, model, threads
        The section, picks of any number of chunks, where stations are, velocities, cores.
    earlier
        Events and picks of earlier catalogs (EVENTS, ARRIVALS), whose ids stay; the first that
        knows an event names it.
    network
        What `network_of` gave; None: the network that the picks tell.
    progress
        Is told the blocks of time that are done, and those of all.
    tell
        Is told each setting that was chosen for the network; None: the log is.

    Returns
    -------
    EVENTS with preliminary origins, and ARRIVALS.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS
    from quakeline.events import association
    from quakeline.io.formats.station_list import elevation_doubts
    from quakeline.io.products import provenance, tables

    if sites.table.empty:
        logger.warning("associate: no station and no channel of a fibre has a position: no events")
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    logger.info("associate: velocities: %s", model.reading)
    for doubt in model.doubts_for(sites.table):
        logger.warning("associate: velocities: %s", doubt)
    for doubt in elevation_doubts(sites.heights):
        logger.warning("associate: %s", doubt)
    # Tables of many picks hold much that does not matter here; what is kept is copied.
    own = picks if picks.columns.tolist() == USED else picks[USED]
    made = ready(settings, own, sites, model, threads, network)
    provenance.chose("associate", settings.plain(), asdict(made.search))
    for line in made.chosen:
        (tell or _log)(line)
    found, grouped = association.associate(
        made.picks,
        made.sites,
        model,
        made.search,
        threads,
        finder=made.finder,
        grids=None if network is None else made.grids,
        taken={name for events, _ in earlier for name in events["event_id"]},
        progress=progress,
    )
    ids = association.kept_of_all(found, grouped, earlier)
    if earlier:
        logger.info("associate: %d of %d events were found before: ids kept", len(ids), len(found))
    found = found.assign(event_id=found["event_id"].replace(ids))
    grouped = grouped.assign(event_id=grouped["event_id"].replace(ids))
    logger.info("associate: %d events, %d of %d picks", len(found), len(grouped), len(picks))
    return tables.typed(found, EVENTS), tables.typed(grouped, ARRIVALS)


def known_catalog(files: Sequence[Path]) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """The earlier catalog of `Settings.known_files`, for `associated`; none where there is none."""
    from quakeline.core.schemas import ARRIVALS, EVENTS
    from quakeline.io.products import tables

    return [(tables.read(files[0], EVENTS), tables.read(files[1], ARRIVALS))] if files else []


def _log(line: str) -> None:
    logger.info("associate: chosen for this network: %s", line)
