"""Several depths that explain the arrivals of one event about equally well.

Where velocities change, two depths may have nearly the same travel times to all stations but a few.
The likelihood then has a maximum at each, between which no step by derivatives leads. They are
looked for below the epicentre, and the covariance is that of all of them together.
"""

from __future__ import annotations

import numpy as np

from quakeline.events.location.posterior import Fit, Likelihood, covariance, most_likely

#: Depths at which the likelihood is looked at.
_DEPTHS = 41
#: How much less likely (logarithm) a depth may be to go on from it, and a maximum to count.
_WORTH, _COUNTS = 20.0, 8.0
#: Maxima closer than this are one, in km.
_APART_KM = 0.3


def best(likelihood: Likelihood, fit: Fit) -> tuple[Fit, list[Fit]]:
    """The most likely of a fit and the maxima at other depths, and the `others` of that."""
    found = others(likelihood, fit)
    chosen = min([fit, *found], key=lambda one: round(one.cost, 6))
    return chosen, found if chosen is fit else others(likelihood, chosen)


def others(likelihood: Likelihood, fit: Fit) -> list[Fit]:
    """Maxima at other depths that are not much less likely than a fit."""
    found: list[Fit] = []
    for start in _dips(likelihood, fit):
        new = most_likely(likelihood, start)
        apart = [abs(new.point[2] - known.point[2]) for known in (fit, *found)]
        if new.cost < fit.cost + _COUNTS and min(apart) > _APART_KM:
            found.append(new)
    return found


def spread(likelihood: Likelihood, fit: Fit, beside: list[Fit]) -> np.ndarray:
    """Second moments (4, 4) of the posterior around a fit and its `others`."""
    fits = [fit, *beside]
    parts = [covariance(likelihood, one) for one in fits]
    log_share = np.array([np.linalg.slogdet(part)[1] / 2 for part in parts])
    log_share -= [one.cost for one in fits]
    share = np.exp(log_share - log_share.max())
    away = [one.point - fit.point for one in fits]
    moments = [part + np.outer(d, d) for part, d in zip(parts, away, strict=True)]
    return np.asarray(np.tensordot(share / share.sum(), moments, axes=1))


def _dips(likelihood: Likelihood, fit: Fit) -> np.ndarray:
    """Points below and above a fit that are likelier than their neighbours, shape (k, 4)."""
    depth = np.linspace(likelihood.low[2], likelihood.high[2], _DEPTHS)
    column = np.column_stack([np.tile(fit.point[:2], (_DEPTHS, 1)), depth, np.zeros(_DEPTHS)])
    column[:, 3] = np.median(likelihood.residuals(column), axis=1)
    cost = likelihood.costs(column)
    beside = np.r_[np.inf, cost, np.inf]
    dips = (cost <= beside[:-2]) & (cost < beside[2:]) & (cost < fit.cost + _WORTH)
    dips &= np.abs(depth - fit.point[2]) > depth[1] - depth[0]
    return np.asarray(column[dips])
