"""Instrument responses of an inventory, applied to segments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import obspy
from obspy.core.inventory import Response as ChannelResponse

from quakeline.core.clock import Clock
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import iso
from quakeline.io.formats.codes import nearest
from quakeline.io.formats.epochs import NEVER_NS, newest, overlap
from quakeline.io.formats.inventory import epoch_ns
from quakeline.signal.clocked import on_grid
from quakeline.signal.response import (
    Evaluate,
    Local,
    Removal,
    Whole,
    frequencies,
    interpolated,
    inverse_filter,
)
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.sensors import Sensor, Unusable, is_given
from quakeline.waveforms.preparation.settings import Response


@dataclass(frozen=True)
class Epoch:
    """A response and the time in ns, [start, end), in which it holds."""

    span: tuple[int, int]
    response: ChannelResponse


@dataclass(frozen=True)
class _Method:
    """How the response of an epoch is removed at a rate, and what is odd about it."""

    sensor: Sensor
    removal: Removal
    remarks: list[Reason]


class Responses:
    """Removes the responses that an inventory knows."""

    def __init__(self, inventory: obspy.Inventory, settings: Response) -> None:
        self._settings = settings
        self._epochs: dict[tuple[str, ...], list[Epoch]] = {}
        for network in inventory if settings.remove else ():
            for station in network:
                for channel in station:
                    if is_given(channel.response):
                        codes = (network.code, station.code, channel.location_code, channel.code)
                        epoch = Epoch(epoch_ns(channel), channel.response)
                        self._epochs.setdefault(codes, []).append(epoch)
        self._methods: dict[tuple[int, float], _Method | Reason] = {}
        self._removals: dict[tuple[str, float], Removal] = {}

    def knows(self, codes: tuple[str, ...]) -> bool:
        """Whether the inventory has a response of a channel (codes from network to channel)."""
        return codes in self._epochs

    def near(self, codes: tuple[str, ...]) -> list[Reason]:
        """What there is a response of, instead of an unknown channel; empty: nothing near."""
        found = nearest(codes, self._epochs)
        return [Reason.of(Code.RESPONSE_NEAR, near=found)] if found else []

    def on_grid(
        self, codes: tuple[str, ...], segments: list[Segment], rate_hz: float
    ) -> tuple[list[tuple[int, np.ndarray]], list[Reason]]:
        """Ground motion of a known channel on the absolute grid of a rate.

        Returns
        -------
        pieces, notes
            First index and samples of each piece, as `quakeline.signal.resample.to_grid` gives
            them, and what was found; times without a response are left out.
        """
        pieces, notes, left_s = [], [], 0.0
        for segment in segments:
            covered = 0.0
            notes += self._overlaps(codes, segment)
            for part, epoch in self._parts(codes, segment):
                covered += part.seconds
                method = self._method(epoch.response, part.rate_hz)
                if isinstance(method, Reason):
                    notes.append(method)
                    continue
                notes += method.remarks
                samples = method.sensor.counts(part.samples)
                pieces.append(_placed(method.removal, samples, part.clock, rate_hz))
            left_s += segment.seconds - covered
        if left_s > 1e-6:
            notes.append(Reason.of(Code.OUTSIDE_RESPONSE, seconds=left_s))
        return pieces, notes

    def _parts(self, codes: tuple[str, ...], segment: Segment) -> list[tuple[Segment, Epoch]]:
        """A segment cut at the limits of epochs; where two overlap the newer one holds."""
        parts = []
        for start_ns, end_ns, number in newest([one.span for one in self._epochs[codes]]):
            part = segment.within(start_ns, end_ns)
            if len(part.samples):
                parts.append((part, self._epochs[codes][number]))
        return parts

    def _overlaps(self, codes: tuple[str, ...], segment: Segment) -> list[Reason]:
        """A remark where several epochs hold in a segment at once."""
        near = [one.span for one in self._epochs[codes] if len(segment.within(*one.span).samples)]
        found = overlap(near)
        if found is None:
            return []
        start, newer = ("the beginning" if t == NEVER_NS else iso(t, digits=0) for t in found)
        return [Reason.of(Code.EPOCHS_OVERLAP, older=start, newer=newer)]

    def _method(self, response: ChannelResponse, rate_hz: float) -> _Method | Reason:
        """How to remove a response at a rate, or why that cannot be done."""
        key = (id(response), rate_hz)
        if key not in self._methods:
            try:
                sensor = Sensor.of(response)
                removal = self._removal(sensor, rate_hz)
                self._methods[key] = _Method(sensor, removal, sensor.remarks())
            except Unusable as error:
                self._methods[key] = error.reason
        return self._methods[key]

    def _removal(self, sensor: Sensor, rate_hz: float) -> Removal:
        """The removal of a sensor's response, the same for all that have this response."""
        key = (sensor.digest, rate_hz)
        if key not in self._removals:
            self._removals[key] = self._designed(sensor, rate_hz)
        return self._removals[key]

    def _designed(self, sensor: Sensor, rate_hz: float) -> Removal:
        settings = self._settings
        # A flat response has no zeros that would have to be filled up.
        level_db = settings.water_level_db if sensor.flat is None else None
        if settings.reach_s is None:
            sensor.evaluated(np.array([1.0]), settings.output)
            evaluate: Evaluate = partial(sensor.evaluated, output=settings.output)
            if not sensor.is_listed:
                evaluate = partial(interpolated, evaluate)
            return Whole(evaluate, level_db, settings.pre_filter_hz, settings.taper_s)
        at = frequencies(rate_hz, settings.reach_s)
        values = sensor.evaluated(at, settings.output)
        band = settings.pre_filter_hz
        kernel = inverse_filter(values, rate_hz, level_db, band, settings.reach_s)
        return Local(kernel, np.float32)  # as they are stored


def _placed(
    removal: Removal, samples: np.ndarray, clock: Clock, rate_hz: float
) -> tuple[int, np.ndarray]:
    """Ground motion on the grid of a rate, as the clock of the samples says."""
    if clock.even:
        return removal.to_grid(samples, clock.time_ns(0), clock.rate_hz, rate_hz)
    return on_grid(removal.motion(samples, clock.rate_hz), clock, rate_hz)
