"""Which way the channels of a station look, by epoch, and how they give Z, N and E."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import obspy

from quakeline.core.reasons import Code, Reason
from quakeline.io.formats.epochs import newest
from quakeline.io.formats.inventory import epoch_ns

COMPONENTS = ("Z", "N", "E")
#: Letters of channel codes and the component that they fill where nothing is known of them: axes of
#: any name (1, 2, 3; of further sensors 4 to 9; Y and X), and those turned to an event (R and T).
FILLS = dict(zip("ZNE123456789YXRT", "ZNENEZNEZNEZNENE", strict=True))
#: Horizontals by number beside a Z, where the first axis of their set has that name (Z23 for 123).
BESIDE_Z = ("23", "56", "89")
#: Letters of sensors whose orientations must be known.
OBLIQUE = ("U", "V", "W", "A", "B", "C")
#: Sets of axes without a vertical of their own, or with one; the first ones of an instrument count.
SETS = ("NE", "123", "UVW")
FURTHER_SETS = ("YX", "456", "789", "RT", "ABC")
#: Letters that a channel of a seismometer may end with, and those that are taken whatever its
#: instrument: the others also end the codes of temperatures and voltages.
LETTERS = "".join((*FILLS, *OBLIQUE))
_USUAL = "ZNE123UVW"
#: Instruments of SEED whose channels may have any of the letters: high and low gain, accelerometer,
#: geophone, gravimeter.
_SEISMIC = "HLNPG"
_UNITS = {"Z": (1.0, 0.0, 0.0), "N": (0.0, 1.0, 0.0), "E": (0.0, 0.0, 1.0)}
#: Directions this close, as the sine of the angle, are the same.
_ALIGNED = np.sin(np.radians(0.1))
#: Directions whose smallest singular value is below this are nearly in one plane or line.
_INDEPENDENT = 0.1
#: How well a component must follow from the channels.
_EXACT = 0.02


def is_seismic(channel: str) -> bool:
    """Whether a channel's code is that of an axis of a seismometer."""
    return channel[-1:] in set(letters_of(channel))


def letters_of(channel: str) -> str:
    """Letters that may be the last one of a channel of this instrument."""
    return LETTERS if channel[-2:-1] in set(_SEISMIC) else _USUAL


def fills_of(letters: set[str]) -> dict[str, str]:
    """The component that each letter fills beside the others of its sensor, as FILLS.

    Of Z, 2 and 3 the numbers are the horizontals: 2 fills N and 3 fills E.
    """
    pairs = [pair for pair in BESIDE_Z if are_horizontals(pair, letters)]
    return {
        **FILLS,
        **{letter: name for pair in pairs for letter, name in zip(pair, "NE", strict=True)},
    }


def are_horizontals(pair: str, letters: set[str]) -> bool:
    """Whether two numbers are the horizontals of a sensor with these letters."""
    first = str(int(pair[0]) - 1)
    return {"Z", *pair} <= letters and first not in letters


@dataclass(frozen=True)
class Direction:
    """Azimuth and dip in degrees, as in StationXML: from north, down from the horizontal."""

    azimuth: float
    dip: float

    @property
    def vector(self) -> np.ndarray:
        """The unit vector in (up, north, east)."""
        azimuth, dip = np.radians([self.azimuth, self.dip])
        horizontal = np.cos(dip)
        return np.array([-np.sin(dip), horizontal * np.cos(azimuth), horizontal * np.sin(azimuth)])

    def __str__(self) -> str:
        return f"azimuth {self.azimuth:g}, dip {self.dip:g}"


class Orientations:
    """Directions of the channels of an inventory, by epoch."""

    def __init__(self, inventory: obspy.Inventory) -> None:
        self._epochs: dict[tuple[str, ...], list[tuple[int, int, Direction]]] = {}
        for network in inventory:
            for station in network:
                for channel in station:
                    if channel.azimuth is None or channel.dip is None:
                        continue
                    codes = (network.code, station.code, channel.location_code, channel.code)
                    direction = Direction(float(channel.azimuth), float(channel.dip))
                    self._epochs.setdefault(codes, []).append((*epoch_ns(channel), direction))

    def at(self, codes: tuple[str, ...], time_ns: int) -> Direction | None:
        """The direction of a channel (codes from network to channel) at a time, where known.

        Where epochs overlap the newest holds (see `quakeline.io.formats.epochs`).
        """
        known = self._epochs.get(codes, [])
        for start, end, number in newest([(start, end) for start, end, _ in known]):
            if start <= time_ns < end:
                return known[number][2]
        return None

    def changes(self, channels: Sequence[tuple[str, ...]], start_ns: int, end_ns: int) -> list[int]:
        """Times in (start, end) at which an epoch of one of the channels begins or ends."""
        limits = {t for codes in channels for e in self._epochs.get(codes, []) for t in e[:2]}
        return sorted(t for t in limits if start_ns < t < end_ns)


@dataclass(frozen=True)
class Mixing:
    """How channels make one component: the weight of each, and what is to be said of it."""

    weights: dict[str, float]
    note: Reason | None = None


def mixings(directions: dict[str, Direction | None]) -> dict[str, Mixing]:
    """How the channels of a sensor give Z, N and E.

    Directions are keyed by channel code. The inverse of the matrix of directions gives every
    component that follows from the channels; a component that does not is filled by the channel
    whose letter stands for it. Directions that are unknown or contradictory change nothing.

    Returns
    -------
    A mixing for each component that can be filled.
    """
    letters = {code: code[-1] for code in directions}
    fills = fills_of(set(letters.values()))
    named = {fills[letter]: code for code, letter in letters.items() if letter in fills}
    as_they_are = {name: Mixing({code: 1.0}) for name, code in named.items()}
    known = {code: one.vector for code, one in directions.items() if one is not None}
    if len(known) < len(directions):
        return {
            name: Mixing(one.weights, _unrotated(one, letters)) for name, one in as_they_are.items()
        }
    if all(
        letter in fills and _same(known[code], np.array(_UNITS[fills[letter]]))
        for code, letter in letters.items()
    ):
        return as_they_are
    return _inverse(directions, known, as_they_are)


def _inverse(
    directions: dict[str, Direction | None],
    known: dict[str, np.ndarray],
    as_they_are: dict[str, Mixing],
) -> dict[str, Mixing]:
    codes = list(known)
    matrix = np.array([known[code] for code in codes])
    if np.linalg.svd(matrix, compute_uv=False).min() < _INDEPENDENT:
        return {
            name: Mixing(one.weights, Reason.of(Code.DIRECTIONS_CONTRADICT, channel=code))
            for name, one in as_they_are.items()
            for code in one.weights
        }
    inverse = np.linalg.pinv(matrix)
    follows = inverse @ matrix
    result = {}
    for row, name in enumerate(COMPONENTS):
        if np.abs(follows[row] - np.eye(3)[row]).max() <= _EXACT:
            kept = {
                c: float(w) for c, w in zip(codes, inverse[row], strict=True) if abs(w) > _ALIGNED
            }
            simple = len(kept) == 1 and next(iter(kept.values())) > 0
            own = simple and set(kept) == set(as_they_are.get(name, Mixing({})).weights)
            said = ", ".join(f"{code} ({directions[code]})" for code in kept)
            rotated = Mixing(kept, Reason.of(Code.ROTATED, channels=said))
            result[name] = as_they_are[name] if own else rotated
        elif name in as_they_are:
            (code,) = as_they_are[name].weights
            result[name] = Mixing({code: 1.0}, Reason.of(Code.NOT_ROTATED_ALONE, channel=code))
    return result


def _unrotated(one: Mixing, letters: dict[str, str]) -> Reason | None:
    """A note on a component whose channel may look another way than its name says."""
    (code,) = one.weights
    return None if letters[code] in COMPONENTS else Reason.of(Code.NOT_ROTATED, channel=code)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.linalg.norm(one - other) <= _ALIGNED)
