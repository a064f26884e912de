"""Instrument responses of an inventory, applied to segments."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import obspy
from obspy import UTCDateTime
from obspy.core.inventory import Response as ChannelResponse

from quakeline.preparation.settings import Response
from quakeline.signal.response import apply, frequencies, inverse_filter
from quakeline.signal.segments import Segment

_NEVER_NS, _ALWAYS_NS = -(1 << 62), 1 << 62
#: Units of displacement, velocity and acceleration that obspy turns into velocity.
_MOTION = re.compile(r"[NCM]?M(/S(EC)?(\*\*2)?|/\(S(EC)?\*\*2\)|/S/S)?", re.IGNORECASE)


@dataclass(frozen=True)
class Epoch:
    """A response and the time in ns, [start, end), in which it holds."""

    start_ns: int
    end_ns: int
    response: ChannelResponse


class Responses:
    """Removes the responses that an inventory knows."""

    def __init__(self, inventory: obspy.Inventory, settings: Response) -> None:
        self._settings = settings
        self._epochs: dict[tuple[str, ...], list[Epoch]] = {}
        for network in inventory if settings.remove else ():
            for station in network:
                for channel in station:
                    if channel.response and channel.response.response_stages:
                        codes = (network.code, station.code, channel.location_code, channel.code)
                        epoch = Epoch(
                            _ns(channel.start_date, _NEVER_NS),
                            _ns(channel.end_date, _ALWAYS_NS),
                            channel.response,
                        )
                        self._epochs.setdefault(codes, []).append(epoch)
        self._filters: dict[tuple[int, float], np.ndarray | str] = {}

    def knows(self, codes: tuple[str, ...]) -> bool:
        """Whether the inventory has a response of a channel (codes from network to channel)."""
        return codes in self._epochs

    def removed(
        self, codes: tuple[str, ...], segments: list[Segment]
    ) -> tuple[list[Segment], list[str]]:
        """Segments of a known channel in m/s, and notes; times without a response are left out."""
        result, notes, left_s = [], [], 0.0
        for segment in segments:
            covered = 0.0
            for part, epoch in self._parts(codes, segment):
                covered += part.seconds
                kernel = self._filter(epoch.response, part.rate_hz)
                if isinstance(kernel, str):
                    notes.append(kernel)
                else:
                    motion = apply(part.samples, kernel)
                    result.append(Segment(part.start_ns, part.rate_hz, motion))
            left_s += segment.seconds - covered
        if left_s > 1e-6:
            notes.append(f"{left_s:.2f} s lie outside the epochs of the response: gaps")
        return result, notes

    def _parts(self, codes: tuple[str, ...], segment: Segment) -> list[tuple[Segment, Epoch]]:
        """A segment cut at the limits of epochs; where two overlap the earlier one holds."""
        parts, free = [], _NEVER_NS
        for epoch in sorted(self._epochs[codes], key=lambda epoch: (epoch.start_ns, epoch.end_ns)):
            part = segment.within(max(epoch.start_ns, free), epoch.end_ns)
            free = max(free, epoch.end_ns)
            if len(part.samples):
                parts.append((part, epoch))
        return parts

    def _filter(self, response: ChannelResponse, rate_hz: float) -> np.ndarray | str:
        """The inverse filter at a rate, or why there is none."""
        key = (id(response), rate_hz)
        if key not in self._filters:
            self._filters[key] = self._designed(response, rate_hz)
        return self._filters[key]

    def _designed(self, response: ChannelResponse, rate_hz: float) -> np.ndarray | str:
        unit = str(response.response_stages[0].input_units)
        if not _MOTION.fullmatch(unit):
            return f"the response is to {unit}, which is no ground motion"
        try:
            values = response.get_evalresp_response_for_frequencies(
                frequencies(rate_hz), output="VEL"
            )
        except Exception as error:  # obspy and evalresp raise many kinds
            reason = " ".join(str(error).split()) or type(error).__name__
            return f"the response cannot be evaluated: {reason}"
        values = np.asarray(values)
        if not np.isfinite(values).all() or not np.abs(values).max() > 0:
            return "the response is zero or not finite"
        settings = self._settings
        return inverse_filter(values, rate_hz, settings.water_level_db, settings.pre_filter_hz)


def _ns(time: UTCDateTime | None, default: int) -> int:
    return default if time is None else min(max(int(time.ns), _NEVER_NS), _ALWAYS_NS)
