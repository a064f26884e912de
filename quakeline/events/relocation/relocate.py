"""A catalog relocated by double differences: tables in, tables out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.core.geometry import azimuthal_gap, distance_azimuth, neighbours
from quakeline.core.schemas import RELOCATIONS
from quakeline.core.timeline import SECOND
from quakeline.events.location.locator import Locator
from quakeline.events.location.observations import Observations, gathered
from quakeline.events.relocation import relative
from quakeline.events.relocation.bootstrap import deviations
from quakeline.events.relocation.differences import links_of
from quakeline.io.products import tables

NAME = "double-difference"


@dataclass(frozen=True)
class Relocated:
    """EVENTS and ARRIVALS with new hypocentres, and RELOCATIONS, one for each event that moved."""

    events: pd.DataFrame
    arrivals: pd.DataFrame
    moves: pd.DataFrame


def relocated(
    locator: Locator,
    events: pd.DataFrame,
    pairs: pd.DataFrame,
    differentials: pd.DataFrame,
    most: int = 20,
    within_km: float = 5.0,
    draws: int = 50,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Relocated:
    """Relocate neighbouring events relative to each other.

    Parameters
    ----------
    locator
        Sites, velocities and the limits of depth.
    events
        EVENTS. Their stated errors, which are those of the absolute places, stay.
    pairs
        ARRIVALS with the columns of their PICKS.
    differentials
        DIFFERENTIALS, perhaps empty: then all differences are those of the picks.
    most, within_km
        How many neighbours an event has at most, and how far away.
    draws
        Of the bootstrap that tells how far off relative places may be.
    progress
        Is told the draws done and those of all.

    Events without neighbours, and arrivals of stations without a position, stay as they are.
    """
    rows = _rows(locator, events, pairs)
    own = events[events["event_id"].isin(rows["event_id"])].reset_index(drop=True)
    if own.empty:
        return Relocated(events, pairs, tables.empty(RELOCATIONS))
    seen = _seen(locator, rows)
    arrivals = relative.Arrivals.of(seen)
    numbered = rows.assign(event=arrivals.event, sigma_s=arrivals.seen.sigma_s)
    near = differentials[differentials["apart_km"] <= within_km]
    links = links_of(numbered, neighbours(own, most, within_km), near)
    if not len(links.one):
        return Relocated(events, pairs, tables.empty(RELOCATIONS))
    start = _points(locator, own, seen)
    ties = relative.ties(own)
    problem = relative.Problem(arrivals, links, start, ties, locator.times, locator.depth_km)
    solved = relative.solve(problem)
    sigma = deviations(problem, solved.points, draws, progress)
    points = relative.centred(problem, solved.points)
    moves = _moves(own, problem, solved, points, sigma)
    moved = own["event_id"].isin(moves["event_id"]).to_numpy()
    placed = _placed(locator, own[moved], points[moved], [seen[n] for n in np.flatnonzero(moved)])
    residual, _ = arrivals.residuals(points, locator.times)
    renewed = _renewed(locator, rows.assign(residual_s=residual)[moved[arrivals.event]], placed)
    return Relocated(
        _updated(events, _measured(placed, renewed), "event_id"),
        _updated(pairs, renewed, "pick_id"),
        moves,
    )


def _rows(locator: Locator, events: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Arrivals of stations with a position, event by event in the order of the events."""
    order = pd.Series(np.arange(len(events)), index=events["event_id"])
    known = pairs[(locator.sites.find(pairs) >= 0) & pairs["event_id"].isin(order.index)]
    rows = known.assign(_order=known["event_id"].map(order))
    return rows.sort_values(["_order", "time", "pick_id"], ignore_index=True).drop(columns="_order")


def _seen(locator: Locator, rows: pd.DataFrame) -> list[Observations]:
    """Observations of each event, less the station terms that its location took off."""
    seen = list(gathered(rows, locator.sites, locator.times, locator.min_pick_sigma_s))
    terms = rows["correction_s"].fillna(0.0).to_numpy(dtype=float)
    parts = np.split(terms, np.cumsum([len(some) for some in seen])[:-1])
    return [some.shifted(part) for some, part in zip(seen, parts, strict=True)]


def _points(locator: Locator, events: pd.DataFrame, seen: list[Observations]) -> np.ndarray:
    """Hypocentres x, y, z, t0 in local km and in s after the zero of each event, (m, 4)."""
    x, y = locator.sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    zero = np.array([some.zero_ns for some in seen])
    seconds = (events["time"].astype("int64").to_numpy() - zero) / SECOND
    return np.column_stack([x, y, events["depth_km"], seconds])


def _moves(
    own: pd.DataFrame,
    problem: relative.Problem,
    solved: relative.Solved,
    points: np.ndarray,
    sigma: np.ndarray,
) -> pd.DataFrame:
    """RELOCATIONS of the events that have links, which are at `points`."""
    table = pd.DataFrame(
        {
            "event": problem.events.ravel(),
            "waves": np.tile(problem.links.correlated, 2),
            "before": np.tile(np.abs(solved.before_s), 2),
            "after": np.tile(np.abs(solved.after_s), 2),
        }
    )
    groups = table.groupby("event")
    middle, waves = groups[["before", "after"]].median(), groups["waves"].sum()
    number = waves.index.to_numpy(dtype=np.int64)
    away = (points - problem.start)[number]
    off = sigma[number]
    made = tables.conform(
        pd.DataFrame(
            {
                "event_id": own["event_id"].to_numpy()[number],
                "east_km": away[:, 0],
                "north_km": away[:, 1],
                "down_km": away[:, 2],
                "later_s": away[:, 3],
                "east_sigma_km": off[:, 0],
                "north_sigma_km": off[:, 1],
                "down_sigma_km": off[:, 2],
                "links": groups.size().to_numpy(),
                "correlated_links": waves.to_numpy(dtype=np.int64),
                "misfit_before_s": middle["before"].to_numpy(),
                "misfit_after_s": middle["after"].to_numpy(),
            }
        ),
        RELOCATIONS,
    )
    return pd.DataFrame(made.to_pandas())


def _placed(
    locator: Locator, events: pd.DataFrame, points: np.ndarray, seen: list[Observations]
) -> pd.DataFrame:
    """Events at other hypocentres."""
    latitude, longitude = locator.sites.frame.to_latlon(points[:, 0], points[:, 1])
    zero = np.array([some.zero_ns for some in seen], dtype=np.int64)
    origin_ns = zero + np.round(points[:, 3] * SECOND).astype(np.int64)
    return events.assign(
        time=pd.to_datetime(origin_ns, unit="ns", utc=True),
        latitude=latitude,
        longitude=longitude,
        depth_km=points[:, 2],
        locator=NAME,
    )


def _renewed(locator: Locator, rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Arrivals with distance and azimuth to where their events are now."""
    place = locator.sites.table.iloc[locator.sites.find(rows)]
    latitude, longitude = (place[name].to_numpy() for name in ("latitude", "longitude"))
    distance, azimuth = np.zeros(len(rows)), np.zeros(len(rows))
    order = pd.Index(events["event_id"]).get_indexer(rows["event_id"])
    sources = events[["latitude", "longitude"]].to_numpy()
    for event in np.unique(order):
        own = order == event
        at = float(sources[event, 0]), float(sources[event, 1])
        distance[own], azimuth[own] = distance_azimuth(*at, latitude[own], longitude[own])
    return rows.assign(distance_km=distance, azimuth_deg=azimuth)


def _measured(events: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    """Events with what follows from their arrivals."""
    groups = arrivals.groupby("event_id", sort=False)
    ids = events["event_id"]
    rms = groups["residual_s"].agg(lambda left: float(np.sqrt(np.mean(left**2))))
    gap = groups["azimuth_deg"].agg(lambda some: azimuthal_gap(some.to_numpy()))
    return events.assign(
        rms_s=rms.reindex(ids).to_numpy(),
        azimuthal_gap_deg=gap.reindex(ids).to_numpy(),
        min_distance_km=groups["distance_km"].min().reindex(ids).to_numpy(),
    )


def _updated(frame: pd.DataFrame, rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """A table of which some rows are given anew, in its own order."""
    rest = frame[~frame[key].isin(rows[key])]
    both = pd.concat([rows[frame.columns], rest], ignore_index=True)
    place = pd.Series(np.arange(len(frame)), index=frame[key])
    order = np.argsort(place[both[key]].to_numpy(), kind="stable")
    return both.iloc[order].reset_index(drop=True).astype(frame.dtypes)
