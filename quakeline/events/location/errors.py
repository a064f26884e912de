"""How large the errors are that a catalog's own residuals tell of.

An arrival differs from its prediction by its pick's error, by an error of the model for itself, and
by what velocities that are wrong as a whole do to all arrivals of a phase. The last two are
estimated over the events together by restricted maximum likelihood: the part of the residuals that
a hypocentre cannot take up (Patterson, H. D. & Thompson, R., 1971, Recovery of inter-block
information when block sizes are unequal, Biometrika 58, 545-554). Arrivals weigh as under the
errors found so far, in turns, so that none is left out for being far from what was expected. Each
event by itself then has a factor for all its errors, from the median of its residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

#: What is expected before any residual was seen, and how far off that may be (natural logarithm).
EXPECTED_S, EXPECTED_SHARE = 0.05, 0.02
_EXPECTED_SPREAD = 1.0
_SMALL_SHARE = 0.002
#: Errors of velocities of S alone, over those of P and S together.
S_ALONE = 0.35
#: Errors of velocities from side to side over those of the whole, where residuals tell of no sides.
SIDES = 0.22
#: Part of the errors that delays of stations tell of which neighbouring stations share. The rest is
#: of the ground below each one, and averages out.
_SHARED = 0.75
#: Errors of the whole, where no S tells the origin time, over those from side to side, and at most.
_P_ALONE, _MOST = 6.5, 0.2
#: What few events do not tell: the share for a model of the region and for a general one, the
#: number of events that tell half of its variance, and what a general one always lacks.
_UNTOLD, _UNTOLD_GENERAL, _FEW, _GENERAL = 0.10, 0.14, 8, 0.02
#: Part of an event's arrivals that are S where these tell the origin time.
_ENOUGH_S = 0.25
#: Values that are tried. An error of single arrivals may lie between them.
_EACH_S = np.round(0.01 * 2.0 ** np.arange(0, 7.1, 0.5), 4)
_SHARES = np.array([0.0, 0.003, 0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08])
#: Events that are looked at, evenly over the catalog, and arrivals that one needs.
_EVENTS = 300
_LEAST_ARRIVALS = 8
#: Residuals that count for a factor of one.
_SHRINK = 20.0
_UNKNOWNS = 4
_MAD = 1.4826


@dataclass(frozen=True)
class Errors:
    """Standard deviations: `each_s` of every arrival for itself, shares of velocities.

    `share` is that of all velocities together, `sides` that of velocities from side to side,
    `p_alone` that of all velocities for an event without S, whose depth and origin time can make
    up for it.
    """

    each_s: float
    share: float
    sides: float
    p_alone: float

    def shares(self, part_s: np.ndarray) -> np.ndarray:
        """That of all velocities for events of whose arrivals a part are S, (m,)."""
        return np.maximum(self.share, self.p_alone * (1 - part_s / _ENOUGH_S))


@dataclass(frozen=True)
class Residuals:
    """Those of one event at its hypocentre.

    `residual_s`, `sigma_s` (of the picks), `travel_s`, `is_s` and `weight` have shape (n,),
    `slopes` (n, 4): derivatives of arrival times over x, y, z, t0. `weight` divides the variance of
    an arrival; its mean over errors of the expected size is 1.
    """

    residual_s: np.ndarray
    sigma_s: np.ndarray
    travel_s: np.ndarray
    is_s: np.ndarray
    weight: np.ndarray
    slopes: np.ndarray


def looked_at(count: int) -> slice:
    """Which events of so many tell of the errors: some, evenly over the catalog."""
    return slice(None, None, max(1, count // _EVENTS))


def estimated(
    events: Sequence[Residuals], each_s: float | None = None, share: float | None = None
) -> Errors:
    """The most probable errors of a catalog; what is given stays."""
    tried_s = _EACH_S if each_s is None else np.array([each_s])
    shares = _SHARES if share is None else np.array([share])
    cost = _unexpected(tried_s, EXPECTED_S, 0.0)[:, None]
    cost = cost + _unexpected(shares, EXPECTED_SHARE, _SMALL_SHARE)
    for event in events:
        if len(event.weight) >= _LEAST_ARRIVALS:
            cost = cost + _restricted(event, tried_s, shares)
    column = int(np.unravel_index(int(np.argmin(cost)), cost.shape)[1])
    each_s, found = _between(tried_s, cost[:, column]), float(shares[column])
    if share is None:
        # Hypocentres take up most of an error of all velocities, so residuals hardly show it: a
        # model that fails single arrivals is taken to fail as a whole in the expected proportion.
        found = round(max(found, EXPECTED_SHARE * each_s / EXPECTED_S), 4)
    return Errors(each_s, found, SIDES * found, found)


def _between(values: np.ndarray, cost: np.ndarray) -> float:
    """Where the cost is least, between values: the lowest point of a parabola over logarithms.

    The values themselves are half an octave apart: a few arrivals more or less would double what
    follows from the difference of two errors.
    """
    lowest = int(np.argmin(cost))
    if not 0 < lowest < len(values) - 1:
        return float(values[lowest])
    beside = slice(lowest - 1, lowest + 2)
    x = np.log(values[beside])
    curve, slope, _ = np.polyfit(x - x[1], cost[beside], 2)
    off = -slope / (2 * curve) if curve > 0 else 0.0
    return round(float(np.exp(x[1] + off)), 4)


def split(
    before: Errors,
    after: Errors,
    travel_s: np.ndarray,
    unknown: float,
    *,
    given: bool,
    events: int,
    general: bool = False,
    model: float = 0.0,
) -> Errors:
    """Errors of hypocentres where station terms were taken off: what these were, and the rest.

    Residuals of arrivals that are alike in all events are velocities that differ from side to
    side, most of which neighbouring stations share: of the share that the difference of `before`
    and `after` is of the travel times. As a whole velocities are taken to be wrong by as much, and
    by several times as much for an event without S, of which residuals hardly tell. The share is no
    less than what residuals leave `unknown`, or than `after` tells of, as far as terms took
    nothing, and that of the whole than was expected before any residual was seen. `untold` is added
    to it, and the share that the `model` states to be wrong by. What holds the references of real
    sets is in docs/catalog.md. A share that is `given` stays.
    """
    taken_s = np.sqrt(max(before.each_s**2 - after.each_s**2, 0.0))
    sides = float(taken_s / np.sqrt(np.mean(travel_s**2)))
    if given:
        return replace(after, sides=max(sides, after.sides))
    left = after.share * min(after.each_s / before.each_s, 1.0)
    added = float(np.hypot(untold(events, general=general), model))
    told = max(sides, left, unknown)
    share = round(max(float(np.hypot(told, added)), EXPECTED_SHARE), 4)
    p_alone = round(max(share, min(_P_ALONE * float(np.hypot(sides, added)), _MOST)), 4)
    shared = float(np.hypot(_SHARED * told, added))
    return Errors(after.each_s, share, max(shared, SIDES * share), p_alone)


def with_given_delays(errors: Errors, events: int, *, general: bool, model: float = 0.0) -> Errors:
    """Errors of hypocentres where delays of stations were given, not estimated.

    What residuals tell is what the delays leave; what few events, or arrivals without S, do not
    tell of velocities is added as in `split`. Of a `model` that states by which share it may be
    wrong this is added instead: it was made with the delays, of other events than these.
    """
    added = model or untold(events, general=general)
    share = round(max(float(np.hypot(errors.share, added)), EXPECTED_SHARE), 4)
    told = float(np.hypot(max(errors.sides, SIDES * EXPECTED_SHARE), added))
    p_alone = round(max(share, min(_P_ALONE * told, _MOST)), 4)
    return Errors(errors.each_s, share, max(told, SIDES * share), p_alone)


def untold(events: int, *, general: bool) -> float:
    """The share by which velocities may be wrong without residuals of so many events showing it.

    Hypocentres of few events take up nearly all of it, above all their depths. A general model,
    not one of the region, is wrong by more than one that was made for it.
    """
    few = 1 / (1 + (events / _FEW) ** 2)
    expected, always = (_UNTOLD_GENERAL, _GENERAL) if general else (_UNTOLD, 0.0)
    return float(np.hypot(expected * np.sqrt(few), always))


def stretch(u: np.ndarray) -> float:
    """Factor of the errors of some residuals, from these over their standard deviations."""
    free = max(len(u) - _UNKNOWNS, 0)
    if not free:
        return 1.0
    scale = _MAD * float(np.median(np.abs(u))) * np.sqrt(len(u) / free)
    return float(np.sqrt((_SHRINK + free * scale**2) / (_SHRINK + free)))


def stretches(u: np.ndarray, event: np.ndarray, count: int) -> np.ndarray:
    """`stretch` of many events, (m,); `event` counts them from 0 and is sorted."""
    order = np.lexsort((np.abs(u), event))
    size = np.bincount(event, minlength=count)
    first = np.cumsum(size) - size
    sorted_u = np.abs(u)[order]
    low, high = first + (size - 1) // 2, first + size // 2
    median = (sorted_u[low] + sorted_u[high]) / 2
    free = np.maximum(size - _UNKNOWNS, 0)
    scale2 = (_MAD * median) ** 2 * size / np.maximum(free, 1)
    return np.asarray(np.sqrt((_SHRINK + free * scale2) / (_SHRINK + free)))


def _unexpected(values: np.ndarray, expected: float, small: float) -> np.ndarray:
    off = np.log((values + small) / (expected + small)) / _EXPECTED_SPREAD
    return np.asarray(off**2 / 2)


def _restricted(event: Residuals, tried_s: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Negative logarithm of the restricted likelihood, shape (tried_s, shares)."""
    is_s, travel = event.is_s, event.travel_s
    columns = np.column_stack([event.slopes, travel * ~is_s, travel * is_s, event.residual_s])
    variance = event.sigma_s**2 + tried_s[:, None] ** 2
    product = np.einsum("kn,ni,nj->kij", event.weight / variance, columns, columns)[:, None]
    # The velocities' errors are taken out: shape (tried, shares, 5, 5) of slopes and residual.
    rest = [0, 1, 2, 3, 6]
    own = product[..., 4:6, 4:6]
    cross = product[..., rest, 4:6]
    share2 = (shares**2)[None, :, None, None]
    inner = np.eye(2) + share2 * own
    taken = share2 * cross @ np.linalg.solve(inner, np.swapaxes(cross, -1, -2) + 0 * share2)
    left = product[..., rest, :][..., rest] - taken
    slopes, along = left[..., :4, :4] + 1e-6 * np.eye(4), left[..., :4, 4]
    fitted = np.linalg.solve(slopes, along[..., None])[..., 0]
    misfit = left[..., 4, 4] - (along * fitted).sum(-1)
    volume = np.linalg.slogdet(inner)[1] + np.linalg.slogdet(slopes)[1]
    return np.asarray((np.log(variance).sum(1)[:, None] + volume + misfit) / 2)
