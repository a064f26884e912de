"""From picks to preliminary events and their arrivals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pyarrow

from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model
from quakeline.events.association import blocks, parts
from quakeline.events.association.blocks import Found, Known, joined
from quakeline.events.association.grid import Grid, made_for
from quakeline.events.association.ids import new_ids
from quakeline.events.association.membership import refined
from quakeline.events.association.network import Finder, Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.revision import revised
from quakeline.events.association.rules import Search, settled
from quakeline.io.products import tables

logger = logging.getLogger("quakeline")

#: Searches of one kind at most, while they find more.
_LOOKS = 2


def associate(
    picks: pd.DataFrame,
    sites: Sites,
    model: Model,
    search: Search,
    threads: int = 1,
    *,
    finder: Finder,
    grids: dict[Search, Grid] | None = None,
    known: Known | None = None,
    taken: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Group picks (PICKS) to events; the same whatever their order and the number of threads.

    Parameters
    ----------
    picks, sites, model, search, threads
        Picks of any number of chunks; where and what to search.
    finder
        What locates: each pick is given to the event that it fits best, what is left over is
        searched again, and the origins are those of the finder.
    grids
        Travel times of the same sites, finder and searches from earlier calls; new ones are added.
        None: they are held only as long as they are needed.
    known
        What blocks of the same picks, sites and finder gave in earlier calls; new ones are added.
    taken
        Ids of events that new ones must not get.
    progress
        Is told the blocks done and those of all.

    Returns
    -------
    events, arrivals
        EVENTS with preliminary origins, and ARRIVALS. Several picks of one phase at one site keep
        only the most probable within the event.
    """
    table, names_of = numbered(picks, sites)
    # What texts took on the way is kept by Arrow, which nothing that follows uses.
    pyarrow.default_memory_pool().release_unused()
    if len(table) < search.min_picks:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    network = Network(sites, search, finder, PickErrors.expected(len(sites.local)))
    several = len(table) > parts.AT_MOST
    # Each part asks for the same ones again.
    held = {} if grids is None and several else grids
    looked = partial(
        _looked, network=network, threads=threads, grids=held, progress=progress, known=known
    )
    if several and held is not None:
        longest_s = max(_grid(network, one, held).longest_s for one in search.steps())
        found, assigned = _in_parts(table, looked, search, longest_s)
    else:
        found, assigned = looked(table)
    if found.empty:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    assigned = assigned.assign(pick_id=names_of[assigned["pick_id"]].to_numpy())
    return _tables(found, assigned, sites, model, taken)


def numbered(picks: pd.DataFrame, sites: Sites) -> tuple[pd.DataFrame, pd.Index]:
    """Picks of P and S at known sites, sorted by time, each once; and the ids by their numbers.

    `pick_id` is a number here, in the order of the ids, and `phase` a category: a long table with
    both as texts takes several times the memory.
    """
    owner = sites.find(picks)
    if (owner < 0).any():
        lost = picks[owner < 0]
        names = ", ".join(sorted(set(lost["network"] + "." + lost["station"])))
        logger.warning("associate: %d picks of stations without coordinates: %s", len(lost), names)
    rows = np.flatnonzero((owner >= 0) & picks["phase"].isin(["P", "S"]).to_numpy())
    rows = rows[~picks["pick_id"].iloc[rows].duplicated().to_numpy()]
    time_ns = picks["time"].astype("int64").to_numpy()[rows]
    number, names_of = pd.factorize(picks["pick_id"].iloc[rows], sort=True)
    order = np.lexsort((number, time_ns))
    rows = rows[order]
    table = pd.DataFrame(
        {
            "pick_id": number[order].astype(np.int32),
            "site": owner[rows],
            "probability": picks["probability"].to_numpy()[rows],
            "place": sites.place[owner[rows]],
            "phase": pd.Categorical(picks["phase"].iloc[rows], categories=["P", "S"]),
            "time_ns": time_ns[order],
            "sigma_s": picks["time_sigma_s"].astype(float).fillna(0.0).to_numpy()[rows],
        }
    )
    return table, names_of


def _in_parts(
    table: pd.DataFrame, looked: Callable[[pd.DataFrame], Found], search: Search, longest_s: float
) -> Found:
    """What the picks of a long time give, part by part."""
    whole = parts.parts_of(table["time_ns"].to_numpy(), longest_s, parts.AT_MOST)
    found = []
    for number, part in enumerate(whole, start=1):
        logger.info("associate: part %d of %d", number, len(whole))
        found.append(part.own(*looked(table.iloc[part.rows].reset_index(drop=True))))
    return parts.united(found, search)


def _looked(
    table: pd.DataFrame,
    network: Network,
    threads: int,
    grids: dict[Search, Grid] | None,
    progress: Callable[[int, int], None] | None,
    known: Known | None,
) -> Found:
    """Located events with the picks that fit them best, in several looks.

    Most events lie inside the network, where there is little to search; large ones are found first
    and hide the small ones. Where they are other origins may explain their picks better. What is
    left over is searched everywhere: what lies outside, and what they hid; at last with stations
    that are farther than those that record most events.
    """
    found: Found = pd.DataFrame(), pd.DataFrame()
    first, *_ = steps = network.search.steps()
    held: dict[Search, Grid] = {} if grids is None else grids
    for search in steps:
        if grids is None:
            _forget_others(held, search)
        _grid(network, search, held, len(table) if grids is None else None)
        for _ in range(_LOOKS):
            rest = network.undelayed(table).sort_values(["time_ns", "pick_id"])
            rest = rest[~rest["pick_id"].isin(found[1]["pick_id"])] if len(found[1]) else rest
            more = blocks.associate(rest, held[search], search, threads, progress, known)
            if more[0].empty:
                break
            more = settled(*more, search)
            if more[0].empty:
                break
            grown, errors = refined(*joined([_named(*found), _named(*more)]), table, network)
            network = replace(network, errors=errors)
            new = len(grown[0]) - len(found[0])
            found = grown
            if new <= 0:
                break
        if search == first and len(found[0]):
            chosen = _revised(found, table, network, held[search])
            if len(chosen[0]):
                found, errors = refined(*chosen, table, network)
                network = replace(network, errors=errors)
    return found


def _forget_others(grids: dict[Search, Grid], search: Search) -> None:
    """Leave no grid that cannot lend its travel times to a search."""
    for other in list(grids):
        if made_for(other) != made_for(search):
            del grids[other]


def _grid(
    network: Network, search: Search, grids: dict[Search, Grid], picks: int | None = None
) -> Grid:
    """The grid of a search, which is made where there is none yet; `picks` as in `Grid`."""
    if search not in grids:
        grids[search] = Grid(network.sites, search, network.finder, grids.values(), picks)
    return grids[search]


def _named(found: pd.DataFrame, assigned: pd.DataFrame) -> Found:
    """Events and which picks they have, without all that is known of the picks."""
    return found, assigned[["event_idx", "pick_id"]] if len(assigned) else assigned


def _revised(found: Found, table: pd.DataFrame, network: Network, grid: Grid) -> Found:
    """`revised` with what a grid tells of places and times."""
    width_s = min(grid.width_s, 2 * network.search.tolerance_s)
    return revised(*found, table, network, grid.cell_km, width_s, grid.longest_s)


def _tables(
    found: pd.DataFrame,
    assigned: pd.DataFrame,
    sites: Sites,
    model: Model,
    taken: Collection[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    ordered = found.sort_values(["time_ns", "x", "y"])
    time_ns = ordered["time_ns"].to_numpy()
    ids = dict(zip(ordered["idx"], new_ids(time_ns, taken), strict=True))
    best = assigned.sort_values(["event_idx", "time", "pick_id"])
    latitude, longitude = sites.frame.to_latlon(ordered["x"].to_numpy(), ordered["y"].to_numpy())
    events = pd.DataFrame(
        {
            "event_id": [ids[n] for n in ordered["idx"]],
            "time": pd.to_datetime(time_ns, unit="ns", utc=True),
            "latitude": latitude,
            "longitude": longitude,
            "depth_km": ordered["z"].to_numpy(),
            "n_p": _counts(best[best["phase"] == "P"], ordered),
            "n_s": _counts(best[best["phase"] == "S"], ordered),
            "n_stations": _counts(best.drop_duplicates(["event_idx", "place"]), ordered),
            "associator": ordered["associator"].to_numpy(),
            "locator": f"robust-{model.dimensions}d",
            "quality": "preliminary",
        }
    )
    arrivals = pd.DataFrame(
        {
            "event_id": best["event_idx"].map(ids).to_numpy(),
            "pick_id": best["pick_id"].to_numpy(),
            "phase": best["phase"].to_numpy(),
            "residual_s": best["residual"].to_numpy(),
        }
    )
    return events, arrivals


def _counts(assigned: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """How many of the assigned picks belong to each event, in the order of the events."""
    sizes = assigned["event_idx"].value_counts()
    return np.asarray(events["idx"].map(sizes).fillna(0), dtype=np.int64)
