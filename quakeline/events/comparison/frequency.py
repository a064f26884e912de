"""Frequency of magnitudes: completeness and b-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Width of a class of magnitudes.
STEP = 0.1
#: Fewer magnitudes above completeness give no b-value.
LEAST = 30


@dataclass(frozen=True)
class Recurrence:
    """Magnitudes in classes of STEP, and the law of Gutenberg and Richter where there are enough.

    Attributes
    ----------
    magnitudes, counts
        Centres of the classes and the events in each.
    completeness
        Mc, the centre of the fullest class; None without magnitudes.
    b, b_sigma, a
        log10 of the number at or above m is a - b m; None below LEAST events above Mc, or where
        all of them are alike.
    above
        Events at or above Mc.
    """

    magnitudes: np.ndarray
    counts: np.ndarray
    completeness: float | None
    b: float | None
    b_sigma: float | None
    a: float | None
    above: int

    def as_json(self) -> dict[str, float | int | None]:
        """The numbers without the classes."""
        return {
            "magnitudes": int(self.counts.sum()),
            "completeness": self.completeness,
            "above_completeness": self.above,
            "b": self.b,
            "b_sigma": self.b_sigma,
            "a": self.a,
        }


def recurrence(magnitudes: np.ndarray) -> Recurrence:
    """Completeness by maximum curvature and the b-value above it.

    Mc is the class that holds the most events (Wiemer & Wyss 2000, doi:10.1785/0119990114), which
    tends to be 0.1 to 0.2 too small where detection fades slowly (Woessner & Wiemer 2005). b is
    the most likely value of Aki (1965), with the half class of Utsu (1966); its error follows Shi
    & Bolt (1982). NaN are left out.
    """
    known = np.asarray(magnitudes, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return Recurrence(np.empty(0), np.empty(0, int), None, None, None, None, 0)
    classes = np.floor(known / STEP + 0.5 + 1e-6).astype(int)
    first = int(classes.min())
    counts = np.bincount(classes - first)
    centres = np.round((first + np.arange(len(counts))) * STEP, 6)
    completeness = float(centres[int(np.argmax(counts))])
    chosen = np.round(classes[classes >= first + int(np.argmax(counts))] * STEP, 6)
    b, sigma = _b_value(chosen, completeness)
    a = None if b is None else float(np.log10(len(chosen)) + b * (completeness - STEP / 2))
    return Recurrence(centres, counts, completeness, b, sigma, a, len(chosen))


def _b_value(magnitudes: np.ndarray, completeness: float) -> tuple[float | None, float | None]:
    n = len(magnitudes)
    excess = float(magnitudes.mean()) - (completeness - STEP / 2)
    if n < LEAST or np.ptp(magnitudes) == 0:
        return None, None
    b = float(np.log10(np.e)) / excess
    spread = float(np.sum((magnitudes - magnitudes.mean()) ** 2)) / (n * (n - 1))
    return b, float(np.log(10)) * b**2 * spread**0.5
