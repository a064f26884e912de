"""How much likelier the picks of an event are than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quakeline.core.timeline import SECOND

#: Picks of no event are counted this far before and after one, in s.
_AROUND_S = 60.0
#: No station is taken to record every event.
_MOST_RECORDED = 0.95


@dataclass(frozen=True)
class Fits:
    """Picks of events: event, row of the pick, residual and its sigma in s; all of shape (n,)."""

    event: np.ndarray
    row: np.ndarray
    residual_s: np.ndarray
    sigma_s: np.ndarray


def evidence(
    fits: Fits,
    group: np.ndarray,
    times_ns: np.ndarray,
    possible: np.ndarray,
    covariance: np.ndarray,
    search_km3: float,
    own: np.ndarray | None = None,
) -> np.ndarray:
    """Logarithm of the odds that each event is one, against picks that come by chance.

    At a station within reach an event leaves a pick of a phase with a probability that follows from
    the event's own number of picks, around the predicted time by its error; chance leaves picks at
    the rate of those that belong to no event. The odds at the best origin are spread over the space
    of the search and the two minutes around, of which the origin's uncertainty is a part (Laplace's
    approximation; MacKay, D. J. C., 2003, Information theory, inference, and learning algorithms,
    chapter 28).

    Parameters
    ----------
    fits
        The picks of the events.
    group, times_ns
        Place and phase as one number, and time of all picks, sorted by time.
    possible
        Picks that the places within reach might have of each event, shape (m,).
    covariance
        Of x, y, z in km and origin time in s, shape (m, 4, 4).
    search_km3
        The volume that is searched.
    own
        Rows of all picks that belong to any event; None: those of `fits`.
    """
    used = np.zeros(len(times_ns), dtype=bool)
    used[fits.row if own is None else own] = True
    rate = _rates(fits.row, used, group, times_ns)
    count = np.bincount(fits.event, minlength=len(possible))
    recorded = np.minimum(count / np.maximum(np.maximum(possible, count), 1), _MOST_RECORDED)
    density = (
        np.exp(-((fits.residual_s / fits.sigma_s) ** 2) / 2) / fits.sigma_s / np.sqrt(2 * np.pi)
    )
    share = recorded[fits.event]
    gain = np.log(1 - share + share * density / rate)
    total = np.bincount(fits.event, gain, minlength=len(possible))
    total += np.maximum(possible - count, 0) * np.log(1 - recorded)
    spread = np.linalg.slogdet(2 * np.pi * covariance)[1] / 2
    return np.asarray(total + np.minimum(spread - np.log(search_km3 * 2 * _AROUND_S), 0))


def _rates(
    rows: np.ndarray, own: np.ndarray, group: np.ndarray, times_ns: np.ndarray
) -> np.ndarray:
    """Picks per second that belong to no event, of the station and phase of each pick around it."""
    width = round(_AROUND_S * SECOND)
    free = np.flatnonzero(~own)
    free = free[np.argsort(group[free], kind="stable")]
    order = np.argsort(group[rows], kind="stable")
    rates = np.empty(len(rows))
    for mine in np.split(order, np.flatnonzero(np.diff(group[rows][order])) + 1):
        number = group[rows[mine[0]]]
        first, last = np.searchsorted(group[free], [number, number + 1])
        near = times_ns[free[first:last]]
        low, high = (np.searchsorted(near, times_ns[rows[mine]] + side) for side in (-width, width))
        rates[mine] = (high - low + 1) / (2 * _AROUND_S)
    return rates
