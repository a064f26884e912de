"""Local magnitude scales: ML from a Wood-Anderson amplitude and a distance.

Amplitudes are zero-to-peak in mm on a Wood-Anderson seismograph of static magnification 2080. The
scales of Hutton & Boore and of IASPEI agree to 0.002: the latter is written for nm at magnification
1, here turned into mm at 2080.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quakeline.signal.wood_anderson import MAGNIFICATION

Correction = Callable[[np.ndarray], np.ndarray]

#: log10 of an amplitude in nm at magnification 1 minus that in mm at the Wood-Anderson's.
_NM = float(np.log10(1e6 / MAGNIFICATION))
#: Epicentral distance in km and -log10 A0 of Richter's attenuation, linear in between, in the
#: short form that SeisComP documents for its ML.
_RICHTER = np.array([[0.0, 1.3], [60.0, 2.8], [100.0, 3.0], [400.0, 4.5], [1000.0, 5.85]])


@dataclass(frozen=True)
class Formula:
    """ML = log10(amplitude in mm) + correction(distance in km).

    `range_km` are the distances that the authors' data cover; `epicentral` says which distance is
    meant, hypocentral otherwise.
    """

    correction: Correction
    range_km: tuple[float, float]
    source: str
    epicentral: bool = False

    def magnitude(self, amplitude_mm: np.ndarray, distance_km: np.ndarray) -> np.ndarray:
        """Station magnitudes without station corrections."""
        return np.asarray(np.log10(amplitude_mm) + self.correction(np.asarray(distance_km)))


def linear(log_distance: float, distance: float, constant: float) -> Correction:
    """The correction a log10 R + b R + c."""
    return lambda r: np.asarray(log_distance * np.log10(r) + distance * r + constant)


def _luckett(r: np.ndarray) -> np.ndarray:
    return linear(1.11, 0.00189, _NM - 2.09)(r) - 1.16 * np.exp(-0.2 * r)


#: The scales that `magnitude.formula` may name, next to `custom`.
FORMULAS = {
    "hutton_boore_1987": Formula(
        linear(1.110, 0.00189, 3.0 - 2 * 1.110 - 100 * 0.00189),
        (10.0, 700.0),
        "Hutton & Boore 1987, southern California, Bull. Seism. Soc. Am. 77, 2074-2094",
    ),
    "bakun_joyner_1984": Formula(
        linear(1.000, 0.00301, 3.0 - 2 * 1.000 - 100 * 0.00301),
        (0.0, 400.0),
        "Bakun & Joyner 1984, central California, Bull. Seism. Soc. Am. 74, 1827-1843",
    ),
    "iaspei_2013": Formula(
        linear(1.11, 0.00189, _NM - 2.09),
        (10.0, 1000.0),
        "IASPEI Working Group on Magnitudes 2013, standard equation of ML",
    ),
    "luckett_2019": Formula(
        _luckett,
        (0.0, 1000.0),
        "Luckett et al. 2019, United Kingdom and short distances, doi:10.1093/gji/ggy484",
    ),
    "richter_1935": Formula(
        lambda r: np.asarray(np.interp(r, *_RICHTER.T)),
        (0.0, 600.0),
        "Richter 1935, southern California, Bull. Seism. Soc. Am. 25, 1-32",
        epicentral=True,
    ),
}
