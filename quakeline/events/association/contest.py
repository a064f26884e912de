"""Which of the candidates that share picks are events: those of the best odds against chance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from quakeline.events.association.blocks import Found, joined
from quakeline.events.association.claims import fitting
from quakeline.events.association.network import Network
from quakeline.events.association.state import State, located, log_odds, tables_of

#: Times that candidates are chosen, and that each is located before the first choice.
_TURNS = 8
_PASSES = 2


def contested(
    found: pd.DataFrame,
    assigned: pd.DataFrame,
    table: pd.DataFrame,
    network: Network,
    taken: Collection[int] = (),
) -> Found:
    """Choose events among candidates, no two of which have a pick in common.

    Each candidate is located for itself, with all picks that fit it. Those that share no pick with
    one of better odds are events; the rest is looked at again without the picks of these.

    Parameters
    ----------
    found, assigned
        Candidates (idx, ...) and their picks (event_idx, pick_id), which may share picks.
    table
        All picks, as in `refined`.
    network
        Sites, rules, what locates, and what is known of picks.
    taken
        `pick_id` of picks that no event may have.

    Returns
    -------
    Events and picks as `refined` gives them.
    """
    if found.empty:
        return pd.DataFrame(), pd.DataFrame()
    picks = network.undelayed(table)
    state = State.of(found, assigned, picks)
    own = np.unique(state.members["row"])
    gone = np.flatnonzero(picks["pick_id"].isin(taken).to_numpy())
    return joined(_chosen(state, picks, network, own, gone))


def _chosen(
    state: State, picks: pd.DataFrame, network: Network, own: np.ndarray, taken: np.ndarray
) -> list[Found]:
    """Events among candidates, without the picks that are taken.

    Odds above 1 are enough, or lower ones where the search asks for less.
    """
    chosen, least = [], min(network.search.min_log_odds, 0.0)
    for turn in range(_TURNS):
        for _ in range(_PASSES if turn == 0 else 1):
            state = alone(state, picks, network, taken)
        if state.members.empty or state.origins is None:
            break
        odds = log_odds(state.members, picks, state.origins, network, own)
        beaten = _beaten(state.members, odds)
        events = state.only(np.flatnonzero(~beaten & (odds > least)))
        chosen.append(tables_of(events, picks))
        taken = np.union1d(taken, events.members["row"])
        left = state.members[~np.isin(state.members["row"], taken)]
        sizes = np.bincount(left["event"], minlength=len(odds))
        rest = np.flatnonzero(beaten & (sizes >= network.search.min_picks))
        state = replace(state, members=left[["event", "row"]]).only(rest)
    return chosen


def alone(state: State, picks: pd.DataFrame, network: Network, taken: np.ndarray) -> State:
    """Candidates where their picks put them, with all picks that fit there but those of some rows.

    None is asked what others have; those that lack what an event needs go.
    """
    if state.members.empty:
        return state
    origins = located(state.members, picks, state.starts, network.errors, network)
    alive = np.ones(len(state.engine), dtype=bool)
    fits = fitting(state.members, picks, origins, alive, network.errors, network, taken=taken)
    return state.moved(origins, fits)


def _beaten(members: pd.DataFrame, odds: np.ndarray) -> np.ndarray:
    """Which candidates have a pick of one with better odds; of equals the first is better."""
    rank = np.empty(len(odds), dtype=np.int64)
    rank[np.argsort(-odds, kind="stable")] = np.arange(len(odds))
    event, row = members["event"].to_numpy(), members["row"].to_numpy()
    best = np.full(row.max() + 1, len(odds))
    np.minimum.at(best, row, rank[event])
    beaten = np.zeros(len(odds), dtype=bool)
    beaten[event[best[row] < rank[event]]] = True
    return beaten
