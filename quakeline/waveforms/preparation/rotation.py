"""Channels of an instrument to its components: rotation by the orientations of each epoch.

A component that is a mixture of channels is valid only where all of them are. The weights come
from the inverse of the matrix of the channels' directions (`orientation.mixings`), so that sets
that are not orthogonal are no special case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import first_sample, sample_time
from quakeline.signal.gaps import Canvas
from quakeline.waveforms.preparation.orientation import (
    COMPONENTS,
    FILLS,
    FURTHER_SETS,
    SETS,
    Mixing,
    Orientations,
    fills_of,
    mixings,
)


@dataclass(frozen=True)
class Channel:
    """One channel on the grid of its chunk, and what was found on the way.

    `data` (float32) and `valid` have the shape (time,); `clipped` are runs of samples, (m, 2);
    `unused` says why it cannot be used.
    """

    codes: tuple[str, ...]
    data: np.ndarray
    valid: np.ndarray
    units: str
    rates: set[float]
    notes: list[Reason]
    clipped: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    unused: Reason | None = None

    @property
    def code(self) -> str:
        """The channel code, e.g. HHZ."""
        return self.codes[-1]


@dataclass
class Component:
    """One component of an instrument: samples, mask, and what was found on the way."""

    name: str
    data: np.ndarray
    valid: np.ndarray
    units: str
    channels: set[str]
    rates: set[float]
    notes: list[Reason]
    clipped: np.ndarray
    unused: Reason | None = None


def components_of(
    channels: list[Channel], orientations: Orientations, start: int, rate_hz: float
) -> list[Component]:
    """Make Z, N and E of the channels of one instrument, whatever they are called.

    Parameters
    ----------
    channels
        All channels of the instrument; those with a reason in `unused` become components that
        are unused.
    orientations
        Directions of channels.
    start, rate_hz
        Index of the first sample since 1970, and rate in Hz, of the grid.
    """
    unused = [_refused(one) for one in channels if one.unused]
    made: dict[str, list[Component]] = {}
    for sensor in _sensors([one for one in channels if not one.unused]):
        for component in _of_sensor(sensor, orientations, start, rate_hz):
            made.setdefault(component.name, []).append(component)
    used = [_merged(made[name]) for name in COMPONENTS if name in made]
    filled = {code for component in used for code in component.channels}
    lost = [
        _refused(replace(one, unused=_OTHER_AXES if one.code[-1] in FILLS else _NO_DIRECTION))
        for one in channels
        if not one.unused and one.code not in filled
    ]
    return sorted([*used, *unused, *lost], key=lambda one: one.name)


_NO_DIRECTION, _OTHER_AXES = Reason.of(Code.NO_DIRECTIONS), Reason.of(Code.OTHER_AXES)


def _refused(channel: Channel) -> Component:
    name = FILLS.get(channel.code[-1], channel.code[-1])
    return Component(
        name, channel.data, channel.valid, channel.units, {channel.code}, channel.rates,
        list(channel.notes), channel.clipped, channel.unused,
    )  # fmt: skip


def _sensors(channels: list[Channel]) -> list[list[Channel]]:
    """Channels that belong to one set of axes: Z, N, E; or 1, 2 with 3 or Z; 2, 3, Z; or U, V, W.

    A station whose codes change inside a chunk has several. Axes of other names serve where there
    are none of these: they may be the same motion, turned.
    """
    by_letter = {one.code[-1]: one for one in channels}

    def there(letters: str) -> list[Channel]:
        return [by_letter[letter] for letter in letters if letter in by_letter]

    found = [there(letters) for letters in SETS]
    if not any(found):
        found = [next((some for some in map(there, FURTHER_SETS) if some), [])]
    if "Z" in by_letter:
        known = fills_of(set(by_letter))
        fills = [{known.get(one.code[-1]) for one in some} for some in found]
        free = [n for n, own in enumerate(fills) if own and not own & {"Z", None}]
        for n in free or [0]:
            found[n].append(by_letter["Z"])
    return [one for one in found if one]


def _of_sensor(
    channels: list[Channel], orientations: Orientations, start: int, rate_hz: float
) -> list[Component]:
    """Components of one set of axes, each epoch of orientations by itself."""
    n = len(channels[0].data)
    codes = {one.code: one.codes for one in channels}
    begin_ns, end_ns = sample_time(start, rate_hz), sample_time(start + n, rate_hz)
    changes = orientations.changes(list(codes.values()), begin_ns, end_ns)
    limits = [0, *(first_sample(time, rate_hz) - start for time in changes), n]
    parts: dict[str, list[tuple[slice, Mixing]]] = {}
    for (first, last), time_ns in zip(pairwise(limits), [begin_ns, *changes], strict=True):
        directions = {code: orientations.at(full, time_ns) for code, full in codes.items()}
        for name, mixing in mixings(directions).items():
            parts.setdefault(name, []).append((slice(first, last), mixing))
    by_code = {one.code: one for one in channels}
    return [_mixed(name, some, by_code, n) for name, some in parts.items()]


def _mixed(
    name: str, parts: list[tuple[slice, Mixing]], channels: dict[str, Channel], n: int
) -> Component:
    """A component from its mixings in several parts of the chunk."""
    (_, first), own = parts[0], {code for _, mixing in parts for code in mixing.weights}
    inputs = [channels[code] for code in sorted(own)]
    if len(parts) == 1 and list(first.weights.values()) == [1.0] and parts[0][0] == slice(0, n):
        data, valid = inputs[0].data, inputs[0].valid
    else:
        data, valid = np.zeros(n), np.zeros(n, bool)
        for part, mixing in parts:
            valid[part] = True
            for code, weight in mixing.weights.items():
                data[part] += weight * channels[code].data[part]
                valid[part] &= channels[code].valid[part]
        data[~valid] = 0.0
        data = data.astype(np.float32)
    notes = [mixing.note for _, mixing in parts if mixing.note]
    return Component(
        name=name,
        data=data,
        valid=valid,
        units=inputs[0].units,
        channels=own,
        rates={rate for one in inputs for rate in one.rates},
        notes=[*(note for one in inputs for note in one.notes), *notes],
        clipped=np.concatenate([one.clipped for one in inputs]),
    )


def _merged(components: list[Component]) -> Component:
    """One component from those of several sets of axes; different samples become gaps."""
    if len(components) == 1:
        return components[0]
    first = components[0]
    canvas = Canvas.blank(0, len(first.data), np.float32)
    for one in components:
        canvas.lay(0, np.where(one.valid, one.data, np.nan))
    data, valid = canvas.finish()
    channels = {code for one in components for code in one.channels}
    notes = [Reason.of(Code.CHANNELS_TOGETHER, channels=", ".join(sorted(channels)))]
    if canvas.conflicts:
        notes.append(Reason.of(Code.CHANNELS_DIFFER, canvas.conflicts))
    return replace(
        first,
        data=data,
        valid=valid,
        channels=channels,
        rates={rate for one in components for rate in one.rates},
        notes=[*(note for one in components for note in one.notes), *notes],
        clipped=np.concatenate([one.clipped for one in components]),
    )
