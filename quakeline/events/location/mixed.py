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
from scipy.linalg import eigvalsh_tridiagonal, lapack
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
#: Room for LAPACK to work in, in columns.
_ROOM = 64
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
    terms = _Turned.of(information)
    wrong = _WRONG if velocities else _WRONG[:0]
    equations = _Equations(
        terms,
        terms.into((each * side[:count])[:, None]),
        terms.into(each[:, None] * normal[:count, count:]) * wrong,
        normal[count:, count:] * wrong[:, None] * wrong,
        side[count:] * wrong,
        misfit,
        max(len(which) - 4 * (int(left.event.max()) + 1), 0),
    )
    size = equations.size()
    found, shares = equations.solved(size)
    late = (each * terms.out(found)[:, 0])[which]
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
        information += matrix
        pull += side
        misfit += off
    return information, pull, misfit


def _of_block(
    event: np.ndarray,
    slopes: np.ndarray,
    residual_s: np.ndarray,
    root: np.ndarray,
    effects: csr_array,
) -> tuple[np.ndarray, np.ndarray, float]:
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
    # The products have hardly a zero, and as sparse ones half as much again of memory.
    information = (terms.T @ terms).toarray()
    information -= (shared.T @ shared).toarray()
    return information, terms.T @ seen - shared.T @ lost, float(seen @ seen - lost @ lost)


@dataclass(frozen=True)
class _Turned:
    """A symmetric matrix, no value of which is negative, as a tridiagonal one, turned.

    `diagonal`, (k,), and `beside`, (k - 1,), are those of the tridiagonal matrix, `values` its
    eigenvalues; `reflected` and `scales` say how it is turned, as LAPACK keeps that. Without the
    eigenvectors this takes a quarter of the time.
    """

    diagonal: np.ndarray
    beside: np.ndarray
    values: np.ndarray
    reflected: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> _Turned:
        """That of a matrix, (k, k), in C order, whose memory is used."""
        # As LAPACK sees it the matrix is transposed, which is the same.
        room = _ROOM * len(matrix)
        turned, diagonal, beside, scales, _ = lapack.dsytrd(
            matrix.T, lower=1, lwork=room, overwrite_a=1
        )
        values = eigvalsh_tridiagonal(diagonal, beside, check_finite=False)
        # What rounding makes negative is nothing.
        return cls(diagonal, beside, np.clip(values, 0.0, None), turned[1:, :-1], scales)

    def into(self, columns: np.ndarray) -> np.ndarray:
        """Columns, (k, m), as they stand where the matrix is tridiagonal."""
        return self._turned(columns, b"T")

    def out(self, columns: np.ndarray) -> np.ndarray:
        """The inverse of `into`."""
        return self._turned(columns, b"N")

    def kept(self, size: float, columns: np.ndarray) -> np.ndarray:
        """Columns over the tridiagonal matrix and 1 / size on its diagonal, (k, m)."""
        if not size:
            return np.zeros_like(columns)
        # SciPy asks for a value beside the diagonal also where there is none.
        beside = self.beside if len(self.beside) else np.zeros(1)
        return np.asarray(lapack.dptsv(self.diagonal + 1 / size, beside, columns)[2])

    def _turned(self, columns: np.ndarray, way: bytes) -> np.ndarray:
        made = np.array(columns, order="F")
        if len(self.scales) and made.shape[1]:
            room = _ROOM * made.shape[1]
            made[1:] = lapack.dormqr(b"L", way, self.reflected, self.scales, made[1:], room)[0]
        return made


@dataclass(frozen=True)
class _Equations:
    """Normal equations of terms, whose matrix is `terms`, and of shares.

    `along`, (k, 1), is of terms; `cross`, (k, q), `own`, (q, q), and `side`, (q,), of shares, whose
    variance is one; `free` residuals are left by hypocentres.
    """

    terms: _Turned
    along: np.ndarray
    cross: np.ndarray
    own: np.ndarray
    side: np.ndarray
    misfit: float
    free: int

    def size(self) -> float:
        """Variance of terms over that of errors, the most probable of residuals; 0 for none."""
        mean = max(float(np.mean(self.terms.values)), 1e-9)
        tried = np.r_[0.0, np.geomspace(*_SIZES)] / mean
        cost = [self._unlikely(size) for size in tried]
        return float(tried[int(np.argmin(cost))])

    def solved(self, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Terms, (k, 1), as `terms` has them, and shares, (q,)."""
        matrix, side, _ = self._of_shares(size)
        shares = np.linalg.solve(matrix, side)
        return self.terms.kept(size, self.along - self.cross @ shares[:, None]), shares

    def share_sigma(self, size: float) -> float:
        """Standard error of the first share, over what is expected of it."""
        matrix, side, taken = self._of_shares(size)
        left = self._left(matrix, side, taken) / (self.free + _EXPECTED)
        return float(np.sqrt(left * np.linalg.inv(matrix)[0, 0]))

    def _left(self, matrix: np.ndarray, side: np.ndarray, taken: float) -> float:
        """Squared misfit that terms of a size and shares leave; see `_of_shares`."""
        taken += float(side @ np.linalg.solve(matrix, side))
        return float(max(self.misfit - taken, 0.0) + _EXPECTED)

    def _of_shares(self, size: float) -> tuple[np.ndarray, np.ndarray, float]:
        """What terms of a size leave for the shares, (q, q) and (q,), and what they take."""
        kept = self.terms.kept(size, np.hstack([self.along, self.cross]))
        own = self.own - self.cross.T @ kept[:, 1:]
        side = self.side - self.cross.T @ kept[:, 0]
        return own + np.eye(len(own)), side, float(self.along[:, 0] @ kept[:, 0])

    def _unlikely(self, size: float) -> float:
        """Negative logarithm of the restricted likelihood."""
        matrix, side, taken = self._of_shares(size)
        volume = np.log(1 + size * self.terms.values).sum() + np.linalg.slogdet(matrix)[1]
        left = self._left(matrix, side, taken)
        return float((self.free + _EXPECTED) * np.log(left) + volume)
