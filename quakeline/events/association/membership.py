"""Which picks belong to which located events: each pick to the event that it fits best.

An associator takes the picks of one event after the other, by places that are as coarse as its
cells: an early event holds picks of the next one, and picks of nothing that happen to fit. Once the
events are located, all picks of the run are given to all events together, within what the errors of
the pick and of the origin allow; then the events are located again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association.claims import fitting
from quakeline.events.association.network import Network, Origins
from quakeline.events.association.pick_errors import PickErrors, learnt
from quakeline.events.association.rules import AGREE
from quakeline.events.association.state import State, located, log_odds, rows_of, tables_of
from quakeline.events.comparison.twins import SAME_KM

#: The errors of picks are at most this share of what they may differ by.
_MOST_SHARE = 0.5
_PASSES = 4
#: Picks whose travel times are computed at once.
_PORTION = 50_000
#: Picks that count against a delay: where picks are few it tells of their events, which must not
#: vouch for themselves.
_OF_ONE_EVENT = 4.0
#: Stations and phases with picks above which delays are found once for all passes: their time grows
#: with the third power of the number.
_MANY = 1000
#: Origins within the least time between events are one up to this distance.
_FAST_KM_S = 3.5
#: Origins farther apart than this are never the same, in s.
_LONGEST_S = 10.0
#: Events that may be parts of one: up to so many times the tolerance of picks, or the least time
#: between events, and km apart.
_PART_TOLERANCES, _PART_TIMES = 3.0, 1.5
_PART_KM = 20.0
#: Times that parts are joined.
_JOINS = 2


def refined(
    found: pd.DataFrame, assigned: pd.DataFrame, picks: pd.DataFrame, network: Network
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], PickErrors]:
    """Events with the picks that fit them, and no event twice.

    Parameters
    ----------
    found, assigned
        Events (idx, ...) and their picks (event_idx, pick_id, ...). Events that are `located`
        already have an origin from which to go on.
    picks
        All picks: pick_id, site, phase, probability, time_ns, sigma_s, sorted by time.
    network
        Sites, rules and what locates.

    Returns
    -------
    Events (idx, time_ns, x, y, z, located) and their picks (event_idx, pick_id, phase, time in ns,
    residual in s, and place where `picks` has it); what they tell of the errors of picks.
    """
    state = State.of(found, assigned, picks)
    state, errors = _settled(state, picks, network)
    for _ in range(_JOINS):
        current = replace(network, errors=errors)
        parts = _parts(state, current.undelayed(picks), current)
        if not len(parts):
            break
        state, errors = _settled(state.united(parts), picks, current)
    state = _likely(state, picks, replace(network, errors=errors))
    return tables_of(state, picks), errors


def _settled(state: State, given: pd.DataFrame, network: Network) -> tuple[State, PickErrors]:
    """Events whose picks no longer change, or nearly, and the errors of these picks."""
    errors = network.errors
    for turn in range(_PASSES):
        picks = replace(network, errors=errors).undelayed(given)
        before = state.members
        origins = located(before, picks, state.starts, errors, network)
        known = picks["group"].nunique() > _MANY and turn > 0
        errors = _errors(before, picks, origins, errors, network, delays_known=known)
        sizes = np.bincount(before["event"], minlength=len(state.engine))
        alive = ~repeated(origins, sizes, network.search.min_interevent_s)
        members = fitting(before, picks, origins, alive, errors, network)
        state = state.moved(origins, members)
        same = all(np.array_equal(members[name], before[name]) for name in ("event", "row"))
        if same or members.empty:
            break
    return state, errors


def _likely(state: State, given: pd.DataFrame, network: Network) -> State:
    """The events whose odds against chance are good enough."""
    if state.members.empty or state.origins is None:
        return state
    odds = log_odds(state.members, network.undelayed(given), state.origins, network)
    return state.only(np.flatnonzero(odds > network.search.min_log_odds))


def _parts(state: State, picks: pd.DataFrame, network: Network) -> np.ndarray:
    """Pairs of events, (k, 2), that one origin explains better than two; no event twice.

    The picks of both are given to one origin, which keeps what fits it; the odds of that against
    chance are compared with those of both together.
    """
    none = np.empty((0, 2), dtype=np.int64)
    if state.members.empty or state.origins is None:
        return none
    search = network.search
    apart_s = max(_PART_TOLERANCES * search.tolerance_s, _PART_TIMES * search.min_interevent_s)
    pairs = _beside(state.origins, apart_s, state.members["event"])
    if not len(pairs):
        return none
    members, times, places = state.members, *state.origins[:2]
    both = pd.concat(
        [
            members.merge(pd.DataFrame({"event": pairs[:, n], "pair": np.arange(len(pairs))}))
            for n in (0, 1)
        ]
    )
    joint = both[["pair", "row"]].rename(columns={"pair": "event"})
    joint = joint.sort_values(["event", "row"], ignore_index=True)
    starts = times[pairs[:, 0]], places[pairs.T]
    origins = located(joint, picks, starts, network.errors, network)
    alive = np.ones(len(pairs), dtype=bool)
    fits = fitting(joint, picks, origins, alive, network.errors, network, joint)
    if fits.empty:
        return none
    own = members["row"].to_numpy()
    one = log_odds(fits, picks, origins, network, own)
    two = log_odds(members, picks, state.origins, network, own)[pairs].sum(axis=1)
    return np.asarray(pairs[np.isin(np.arange(len(pairs)), fits["event"]) & (one >= two)])


def _beside(origins: Origins, apart_s: float, event: pd.Series) -> np.ndarray:
    """Pairs of events that may be parts of one, the nearest in time first; no event twice."""
    times, places, _, _ = origins
    order = np.argsort(times, kind="stable")
    found = []
    for first, second in _neighbours(times[order], apart_s * SECOND):
        i, j = order[first], order[second]
        if np.hypot(*(places[i] - places[j])[:2]) < _PART_KM:
            found.append((abs(int(times[i] - times[j])), *sorted((int(i), int(j)))))
    sizes = np.bincount(event, minlength=len(times))
    taken: set[int] = set()
    pairs = []
    for _, i, j in sorted(found):
        if not taken & {i, j}:
            taken |= {i, j}
            pairs.append((i, j) if sizes[i] >= sizes[j] else (j, i))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _errors(
    members: pd.DataFrame,
    picks: pd.DataFrame,
    origins: Origins,
    before: PickErrors,
    network: Network,
    *,
    delays_known: bool,
) -> PickErrors:
    """What the residuals of events tell of picks, whose times are without the delays before.

    `delays_known`: the delays stay what they are.
    """
    event = members["event"].to_numpy()
    rows = rows_of(members, picks, before)
    group = rows["group"].to_numpy()
    most_s = _MOST_SHARE * network.search.tolerance_s
    residual = (rows["time_ns"].to_numpy() - origins[0][event]) / SECOND
    residual -= _travel(rows["phase"].to_numpy(), group // 2, origins[1], event, network)
    sigma = learnt(event, group % 2 == 1, residual, most_s)
    if delays_known:
        return replace(before, sigma_s=sigma)
    term = network.finder.static_terms(rows.assign(term_s=before.delay_s[group]), origins)
    count = np.bincount(group)[group]
    delay = np.zeros_like(before.delay_s)
    delay[group] = term * count / (count + _OF_ONE_EVENT)
    return PickErrors(sigma, np.clip(delay, -2 * most_s, 2 * most_s))


def _travel(
    phase: np.ndarray, site: np.ndarray, places: np.ndarray, event: np.ndarray, network: Network
) -> np.ndarray:
    """Times in s from events at places in km to sites, (n,), in portions that bound the memory."""
    xy, times = network.sites.local[["x", "y"]].to_numpy(), network.finder.times
    travel = np.empty(len(event))
    for first in range(0, len(event), _PORTION):
        own = slice(first, first + _PORTION)
        tables, place = times.rows_of(phase[own], site[own]), places[event[own]]
        east, north = (place[:, :2] - xy[site[own]]).T
        travel[own] = times.travel(tables, east, north, place[:, 2])
    return travel


def repeated(origins: Origins, sizes: np.ndarray, least_s: float = 0.0) -> np.ndarray:
    """Which events are another one again: origins that agree within their joint uncertainty.

    The distance of two origins in time and space is measured by the sum of their covariances and
    compared with the 99 % point of chi-squared with four degrees of freedom; the one with more
    picks stays. Origins within `least_s` in time are the same as well when they are no farther
    apart than waves run in that time.
    """
    times, places, covariances, _ = origins
    again = np.zeros(len(times), dtype=bool)
    sigma = np.sqrt(covariances[:, 3, 3])
    reach_s = max(min(2 * AGREE**0.5 * sigma.max(initial=0.0), _LONGEST_S), least_s)
    reach = np.round(reach_s * SECOND)
    order = np.argsort(times, kind="stable")
    for first, second in _neighbours(times[order], reach):
        i, j = order[first], order[second]
        if again[i] or again[j]:
            continue
        apart = np.r_[places[i] - places[j], (times[i] - times[j]) / SECOND]
        near = abs(apart[3]) < least_s and np.hypot(*apart[:2]) < max(_FAST_KM_S * least_s, SAME_KM)
        if near or apart @ np.linalg.solve(covariances[i] + covariances[j], apart) < AGREE:
            again[i if (sizes[i], j) < (sizes[j], i) else j] = True
    return again


def _neighbours(times: np.ndarray, reach: float) -> Iterator[tuple[int, int]]:
    """Pairs of sorted times that are no farther apart than a reach."""
    last = np.searchsorted(times, times + reach, side="right")
    for first, end in enumerate(last.tolist()):
        yield from ((first, second) for second in range(first + 1, end))
