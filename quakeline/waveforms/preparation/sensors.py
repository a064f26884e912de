"""What the response of a channel says: to which motion, how strongly, and what is odd about it."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from obspy.core.inventory import PolynomialResponseStage, ResponseListResponseStage
from obspy.core.inventory import Response as ChannelResponse

from quakeline.core.reasons import Code, Reason
from quakeline.waveforms.preparation.settings import Output

#: Motion as obspy's evalresp calls it, and how often it is the derivative of displacement.
_NAMES: dict[Output, str] = {"displacement": "DISP", "velocity": "VEL", "acceleration": "ACC"}
_ORDERS: dict[Output, int] = {"displacement": 0, "velocity": 1, "acceleration": 2}
#: Units of motion: a prefix, metres, and none, one or two times per second.
_MOTION = re.compile(
    r"(?P<prefix>[NUMC]|MICRO|NANO)?M(ET(ER|RE)S?)?"
    r"(?P<per>/S(EC(OND)?)?(?P<square>\*\*2|\^?2|²|/S(EC)?)?|/\(S(EC)?(\*\*|\^)2\))?",
    re.IGNORECASE,
)
_PREFIXES = {"": 1.0, "C": 1e2, "M": 1e3, "U": 1e6, "MICRO": 1e6, "N": 1e9, "NANO": 1e9}
_SPELLED = ("M", "M/S", "M/S**2")
#: Stated and computed sensitivity may differ by this part without a word.
_TOLERANCE = 0.05


class Unusable(Exception):
    """A response that cannot be removed, and why."""

    def __init__(self, code: Code, **details: str) -> None:
        self.reason = Reason.of(code, **details)
        super().__init__(str(self.reason))


@dataclass(frozen=True)
class Sensor:
    """A response to ground motion, ready to be evaluated.

    `order` says how often the motion it responds to is the derivative of displacement, `per_metre`
    how many of its units one in metres has. `flat` is the gain of a response that is known by a
    total sensitivity or polynomial alone, `coefficients` those of the polynomial, from counts.
    """

    response: ChannelResponse
    order: int
    per_metre: float
    flat: float | None = None
    coefficients: tuple[float, ...] = ()

    @classmethod
    def of(cls, response: ChannelResponse) -> Sensor:
        """Read a response. Raises Unusable."""
        unit = unit_of(response)
        order, per_metre = _motion(unit)
        coefficients = _polynomial(response)
        if coefficients:
            return cls(response, order, per_metre, per_metre, coefficients)
        if response.response_stages:
            return cls(_respelled(response, _SPELLED[order]), order, per_metre)
        gain = float(response.instrument_sensitivity.value or 0.0)
        if not np.isfinite(gain) or gain == 0:
            raise Unusable(Code.RESPONSE_OF_NOTHING)
        return cls(response, order, per_metre, gain * per_metre)

    @cached_property
    def digest(self) -> str:
        """The same for equal responses of different channels."""
        stages = pickle.dumps((self.response.response_stages, self.response.instrument_sensitivity))
        rest = repr((self.order, self.per_metre, self.flat, self.coefficients))
        return hashlib.sha256(stages + rest.encode()).hexdigest()

    @property
    def is_listed(self) -> bool:
        """Whether values at some frequencies are given, beyond which there are none."""
        stages = self.response.response_stages
        return any(isinstance(stage, ResponseListResponseStage) for stage in stages)

    def evaluated(self, frequency: np.ndarray, output: Output) -> np.ndarray:
        """Complex response in counts per metre, m/s or m/s2 at frequencies in Hz.

        Raises Unusable where obspy cannot evaluate it, and where it is zero or not finite.
        """
        if self.flat is not None:
            values = self.flat * _derivative(frequency, self.order - _ORDERS[output])
        else:
            values = self.per_metre * _evalresp(self.response, frequency, _NAMES[output])
        if not np.isfinite(values).all() or not np.abs(values).max() > 0:
            raise Unusable(Code.RESPONSE_NOT_FINITE)
        return np.asarray(values)

    def counts(self, samples: np.ndarray) -> np.ndarray:
        """Samples as a linear response takes them: those of a polynomial in its units."""
        if not self.coefficients:
            return samples
        return np.asarray(np.polynomial.polynomial.polyval(samples, self.coefficients))

    def remarks(self) -> list[Reason]:
        """What a user should know of the response."""
        if self.coefficients:
            return [Reason.of(Code.RESPONSE_POLYNOMIAL)]
        if self.flat is not None:
            return [Reason.of(Code.RESPONSE_FLAT)]
        return self._mismatch()

    def _mismatch(self) -> list[Reason]:
        """A remark where the stated total sensitivity is not that of the stages."""
        stated = self.response.instrument_sensitivity
        if stated is None or not stated.value or not stated.frequency:
            return []
        try:
            if _motion(str(stated.input_units)) != (self.order, self.per_metre):
                return []
            at = np.array([float(stated.frequency)])
            names = list(_NAMES.values())
            gain = abs(_evalresp(self.response, at, names[self.order])[0])
        except Unusable:
            return []
        if abs(gain / stated.value - 1) <= _TOLERANCE:
            return []
        told = {"gain": gain, "frequency_hz": stated.frequency, "stated": stated.value}
        return [Reason.of(Code.RESPONSE_GAINS_DIFFER, **told)]


def unit_of(response: ChannelResponse) -> str:
    """The unit that a response says to respond to. Raises Unusable where it says nothing."""
    stages = response.response_stages
    holders = [*stages[:1], response.instrument_polynomial, response.instrument_sensitivity]
    units = [str(one.input_units) for one in holders if one is not None and one.input_units]
    if not units:
        raise Unusable(Code.RESPONSE_EMPTY)
    return units[0]


def is_given(response: ChannelResponse | None) -> bool:
    """Whether a channel's response says anything at all."""
    return response is not None and bool(
        response.response_stages
        or response.instrument_sensitivity
        or response.instrument_polynomial
    )


def _motion(unit: str) -> tuple[int, float]:
    """Order of the derivative and units in one of metres. Raises Unusable for no motion."""
    match = _MOTION.fullmatch(unit.strip())
    if not match:
        raise Unusable(Code.RESPONSE_OF_NO_MOTION, unit=unit)
    squared = match["square"] or (match["per"] or "").startswith("/(")
    order = 2 if squared else 1 if match["per"] else 0
    return order, _PREFIXES[(match["prefix"] or "").upper()]


def _polynomial(response: ChannelResponse) -> tuple[float, ...]:
    """Coefficients that turn counts into the unit of a polynomial response; empty: no such."""
    whole = response.instrument_polynomial
    if whole is not None and whole.coefficients:
        return tuple(float(c) for c in whole.coefficients)
    stages = response.response_stages
    if not stages or not isinstance(stages[0], PolynomialResponseStage):
        return ()
    gain = float(np.prod([stage.stage_gain or 1.0 for stage in stages[1:]]))
    if gain == 0:
        raise Unusable(Code.RESPONSE_STAGE_ZERO)
    return tuple(float(c) / gain**k for k, c in enumerate(stages[0].coefficients))


def _respelled(response: ChannelResponse, unit: str) -> ChannelResponse:
    """The response with a unit that obspy knows: it takes some others for no motion at all."""
    first = copy(response.response_stages[0])
    first.input_units = unit
    result = copy(response)
    result.response_stages = [first, *response.response_stages[1:]]
    return result


def _derivative(frequency: np.ndarray, times: int) -> np.ndarray:
    """Spectrum of a derivative (times > 0) or integral, zero where that has no bounds."""
    omega = 2j * np.pi * frequency
    if times >= 0:
        return np.asarray(omega**times)
    known = frequency > 0
    return np.asarray(np.where(known, np.where(known, omega, 1.0) ** times, 0.0))


def _evalresp(response: ChannelResponse, frequency: np.ndarray, output: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = response.get_evalresp_response_for_frequencies(
                frequency,
                output=output,
                hide_sensitivity_mismatch_warning=True,  # see `Sensor.remarks`
            )
    except Exception as error:  # obspy and evalresp raise many kinds
        why = " ".join(str(error).split()) or type(error).__name__
        raise Unusable(Code.RESPONSE_NOT_EVALUATED, why=why) from error
    return np.asarray(values)
