"""Moment and corner frequency from a displacement spectrum.

The model is Omega0 exp(-pi f t*) / (1 + (f / fc)^2): Brune, J. N. (1970), J. Geophys. Res. 75,
4997-5009, with attenuation along the path as one number t*, as Abercrombie (1995) and SourceSpec
(Satriano 2023, doi:10.5281/zenodo.3688587) fit it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Density at the source, kg/m3.
DENSITY = 2700.0
#: Amplification by the free surface, that of SH waves at any angle.
FREE_SURFACE = 2.0
#: Radiation pattern, root of the mean square over the focal sphere: sqrt(4/15), sqrt(2/5). Source:
#: Boore, D. M. and Boatwright, J. (1984), Bull. Seism. Soc. Am. 74, 1615-1621.
RADIATION = {"P": np.sqrt(4 / 15), "S": np.sqrt(2 / 5)}
#: Attenuations t* in s that are tried.
_T_STARS = np.r_[0.0, np.geomspace(0.002, 0.2, 24)]
_CORNERS_PER_DECADE = 20


@dataclass(frozen=True)
class Fit:
    """Low-frequency level in m s, corner in Hz, t* in s, misfit in units of log10.

    The corner is the highest that was tried, twice the last frequency, where the spectrum is flat.
    """

    level_m_s: float
    corner_hz: float
    t_star_s: float
    misfit: float

    def kept(self, frequency_hz: float) -> float:
        """The model at a frequency as a share of its level."""
        lost = np.exp(-np.pi * frequency_hz * self.t_star_s)
        return float(lost / (1 + (frequency_hz / self.corner_hz) ** 2))


def fit(frequencies_hz: np.ndarray, spectrum_m_s: np.ndarray) -> Fit:
    """The model with the least mean absolute misfit in log10, of all on a grid.

    Absolute misfits bear single frequencies that do not fit, and a search over all corners and t*
    needs no first guess; the best level of each is a median.

    Parameters
    ----------
    frequencies_hz, spectrum_m_s
        Shape (n,), rising, above zero.
    """
    low, high = frequencies_hz[0], 2 * frequencies_hz[-1]
    n = int(np.ceil(_CORNERS_PER_DECADE * np.log10(high / low))) + 1
    corners = np.geomspace(low, high, n)
    shapes = -np.log10(1 + (frequencies_hz / corners[:, None]) ** 2)[:, None, :]
    shapes = shapes - np.pi * np.log10(np.e) * _T_STARS[:, None] * frequencies_hz
    off = np.log10(spectrum_m_s) - shapes
    levels = np.median(off, axis=-1)
    misfits = np.abs(off - levels[..., None]).mean(axis=-1)
    corner, t_star = np.unravel_index(int(misfits.argmin()), misfits.shape)
    return Fit(
        float(10 ** levels[corner, t_star]),
        float(corners[corner]),
        float(_T_STARS[t_star]),
        float(misfits[corner, t_star]),
    )


def moment_nm(level_m_s: float, distance_km: float, speed_km_s: float, phase: str) -> float:
    """Seismic moment in N m from the level of the whole vector of motion at the surface.

    4 pi density speed^3 distance level / (radiation free surface), in a homogeneous medium.
    """
    geometry = 4 * np.pi * DENSITY * (1000 * speed_km_s) ** 3 * 1000 * distance_km
    return float(geometry * level_m_s / (RADIATION[phase] * FREE_SURFACE))


def magnitude(moment: float) -> float:
    """Mw of a moment in N m: (log10 M0 - 9.1) / 1.5 (IASPEI 2013)."""
    return float((np.log10(moment) - 9.1) / 1.5)
