"""Terms of stations, shares of velocities and hypocentres as one linear model with mixed effects.

Hypocentres take of the residuals whatever they can. Terms and shares are random values about zero;
how large terms are is what the rest of the residuals makes most probable (restricted maximum
likelihood: Patterson, H. D. & Thompson, R., 1971, Recovery of inter-block information when block
sizes are unequal, Biometrika 58, 545-554).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_array, hstack

from quakeline.events.location.errors import EXPECTED_S, EXPECTED_SHARE, S_ALONE

#: Shares by which velocities may be wrong before any residual was seen, as in `_late`.
_WRONG = EXPECTED_SHARE * np.outer([1.0, 0.5], [1.0, S_ALONE]).ravel()
#: Travel time of P, in s, from which shares change with the logarithm, and the least one.
_MIDDLE_S, _SHORT_S = 4.0, 0.1
#: Variances of terms that are tried, over that of their errors: least, largest, number.
_SIZES = (1e-2, 1e4, 60)
#: Residuals of the expected size that count beside those of the catalog.
_EXPECTED = 20.0
#: Weak prior of hypocentres, 1/km2 and 1/s2.
_PRIOR = 1e-6
#: Events whose normal equations are summed at once.
_BLOCK = 2000


@dataclass(frozen=True)
class Left:
    """What hypocentres leave of a catalog's arrivals, event by event; the terms are in it.

    `event` counts events from 0, `group` is twice the station's number, and one more for S;
    `residual_s`, `travel_s`, `weight` (in 1/s2) have shape (n,), `slopes`, (n, 4), are derivatives
    of the arrival times over x, y, z and t0.
    """

    event: np.ndarray
    group: np.ndarray
    residual_s: np.ndarray
    travel_s: np.ndarray
    slopes: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Effects:
    """`late_s`, (n,), is what terms and velocities do to arrivals.

    `share_sigma` is the standard error of the share of all velocities: what is expected of it where
    the residuals do not tell.
    """

    late_s: np.ndarray
    share_sigma: float


def solved(left: Left, *, velocities: bool = True) -> Effects:
    """The most probable terms, one for each group, and with `velocities` their shares."""
    numbers, which = np.unique(left.group, return_inverse=True)
    count = len(numbers)
    normal, side, misfit = _reduced(left, which, count, velocities)
    travel = np.bincount(which, left.travel_s) / np.bincount(which)
    each = np.hypot(travel, EXPECTED_S / EXPECTED_SHARE)
    information = normal[:count, :count]
    information *= each[:, None]
    information *= each
    # This driver of LAPACK needs half the memory of NumPy's.
    values, vectors = eigh(information, overwrite_a=True, check_finite=False, driver="evr")
    wrong = _WRONG if velocities else _WRONG[:0]
    equations = _Equations(
        np.clip(values, 0.0, None),
        vectors.T @ (each * side[:count]),
        vectors.T @ (each[:, None] * normal[:count, count:]) * wrong,
        normal[count:, count:] * wrong[:, None] * wrong,
        side[count:] * wrong,
        misfit,
        max(len(which) - 4 * (int(left.event.max()) + 1), 0),
    )
    size = equations.size()
    found, shares = equations.solved(size)
    late = (each * (vectors @ found))[which]
    if not velocities:
        return Effects(late, float(_WRONG[0]))
    sigma = _WRONG[0] * min(equations.share_sigma(size), 1.0)
    return Effects(late + _late(left) @ (wrong * shares), float(sigma))


def _late(left: Left, rows: slice = slice(None)) -> np.ndarray:
    """Seconds that arrivals are late by for each unit of the shares of velocities, (n, 4).

    The shares are of all velocities and of S alone, and their changes with the logarithm of the
    travel time.
    """
    travel, is_s = left.travel_s[rows], left.group[rows] % 2
    whole = np.column_stack([travel, travel * is_s])
    as_p = np.maximum(np.where(is_s, travel / np.sqrt(3), travel), _SHORT_S)
    return np.hstack([whole, whole * np.log(as_p / _MIDDLE_S)[:, None]])


def _reduced(
    left: Left, which: np.ndarray, count: int, velocities: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Normal equations, (k, k) and (k,), and squared misfit, without what events take.

    Unknown are `count` terms, and with `velocities` their shares. Events are summed in blocks, so
    that memory grows with neither their number nor that of their arrivals.
    """
    events = int(left.event.max()) + 1
    bounds = np.searchsorted(left.event, np.arange(0, events + _BLOCK, _BLOCK))
    unknown = count + len(_WRONG) * velocities
    information, pull, misfit = np.zeros((unknown, unknown)), np.zeros(unknown), 0.0
    for begin, end in pairwise(bounds):
        part = slice(begin, end)
        rows = np.arange(end - begin)
        effects = csr_array((np.ones(len(rows)), (rows, which[part])), shape=(len(rows), count))
        if velocities:
            effects = csr_array(hstack([effects, csr_array(_late(left, part))]))
        matrix, side, off = _of_block(
            left.event[part] - left.event[begin],
            left.slopes[part],
            left.residual_s[part],
            np.sqrt(left.weight[part]),
            effects,
        )
        information += matrix.toarray()
        pull += side
        misfit += off
    return information, pull, misfit


def _of_block(
    event: np.ndarray,
    slopes: np.ndarray,
    residual_s: np.ndarray,
    root: np.ndarray,
    effects: csr_array,
) -> tuple[csr_array, np.ndarray, float]:
    """What some events add to the normal equations; `root` is that of the weights."""
    rows = np.arange(len(root))
    terms = csr_array(effects.multiply(root[:, None]))
    seen = root * residual_s
    slopes = slopes * root[:, None]
    first = np.searchsorted(event, np.arange(int(event.max()) + 1))
    own = np.add.reduceat(slopes[:, :, None] * slopes[:, None, :], first, axis=0)
    # Half of each event's inverse on both sides: what is taken up is then a plain product.
    half = np.linalg.inv(np.linalg.cholesky(own + _PRIOR * np.eye(4)))
    turned = np.einsum("nij,nj->ni", half[event], slopes)
    columns = 4 * event[:, None] + np.arange(4)
    places = np.repeat(rows, 4), columns.ravel()
    taken = csr_array((turned.ravel(), places), shape=(len(rows), 4 * len(first)))
    shared, lost = taken.T @ terms, taken.T @ seen
    information = terms.T @ terms - shared.T @ shared
    return information, terms.T @ seen - shared.T @ lost, float(seen @ seen - lost @ lost)


@dataclass(frozen=True)
class _Equations:
    """Normal equations of terms, along whose eigenvectors they stand apart, and of shares.

    `values`, (k,), and `along`, (k,), are of terms; `cross`, (k, q), `own`, (q, q), and `side`,
    (q,), of shares, whose variance is one; `free` residuals are left by hypocentres.
    """

    values: np.ndarray
    along: np.ndarray
    cross: np.ndarray
    own: np.ndarray
    side: np.ndarray
    misfit: float
    free: int

    def size(self) -> float:
        """Variance of terms over that of errors, the most probable of residuals; 0 for none."""
        tried = np.r_[0.0, np.geomspace(*_SIZES)] / max(float(np.mean(self.values)), 1e-9)
        cost = [self._unlikely(size) for size in tried]
        return float(tried[int(np.argmin(cost))])

    def solved(self, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Terms along the eigenvectors, (k,), and shares, (q,)."""
        kept = size / (1 + size * self.values)
        matrix, side = self._of_shares(kept)
        shares = np.linalg.solve(matrix, side)
        return kept * (self.along - self.cross @ shares), shares

    def share_sigma(self, size: float) -> float:
        """Standard error of the first share, over what is expected of it."""
        matrix, _ = self._of_shares(size / (1 + size * self.values))
        left = self._left(size) / (self.free + _EXPECTED)
        return float(np.sqrt(left * np.linalg.inv(matrix)[0, 0]))

    def _left(self, size: float) -> float:
        """Squared misfit that terms of a size and shares leave."""
        kept = size / (1 + size * self.values)
        matrix, side = self._of_shares(kept)
        taken = (kept * self.along**2).sum() + side @ np.linalg.solve(matrix, side)
        return float(max(self.misfit - taken, 0.0) + _EXPECTED)

    def _of_shares(self, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is left for the shares where terms take `kept` of what they could."""
        own = self.own - self.cross.T @ (self.cross * kept[:, None])
        return own + np.eye(len(own)), self.side - self.cross.T @ (kept * self.along)

    def _unlikely(self, size: float) -> float:
        """Negative logarithm of the restricted likelihood."""
        grown = 1 + size * self.values
        matrix, _ = self._of_shares(size / grown)
        volume = np.log(grown).sum() + np.linalg.slogdet(matrix)[1]
        return float((self.free + _EXPECTED) * np.log(self._left(size)) + volume)
