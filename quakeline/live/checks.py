"""Packets as they arrive to pieces of channels, or the reason why they cannot be used."""

from __future__ import annotations

import numpy as np

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, iso
from quakeline.io.formats.codes import normal
from quakeline.live.feeds.protocol import Packet
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.orientation import is_seismic, letters_of

_DAY_NS = 86_400 * SECOND
#: Clocks that lost their time begin here: in the first days of 1970 (ns).
_LOST_NS = 366 * _DAY_NS
_RATES_HZ = (0.01, 10_000.0)
#: Channels below this share of the network's rate are not used, as in archives.
_SLOWEST = 0.1


def codes_of(packet: Packet) -> tuple[str, str, str, str] | Reason:
    """Network, station, location and channel, in their usual spelling."""
    parts = packet.codes.split(".")
    if len(parts) != 4 or not packet.codes.isprintable():
        return Reason.of(Code.PACKET_CODES, codes=repr(packet.codes))
    network, station, location, channel = map(normal, parts)
    for what, code in (("station", station), ("channel", channel)):
        if not code.strip("?"):
            return Reason.of(Code.NO_CODE, what=what)
    if any(" " in code for code in (network, station, location, channel)):
        return Reason.of(Code.PACKET_CODES, codes=repr(packet.codes))
    if not is_seismic(channel):
        return Reason.of(Code.LETTER_UNKNOWN, letters=", ".join(letters_of(channel)))
    return network, station, location, channel


def piece_of(packet: Packet, network_hz: float) -> Segment | Reason:
    """Samples of a packet with usual codes, ready to be kept.

    Counts are int32 and all else is float64, as archives are read.
    """
    samples, rate = np.asarray(packet.samples), float(packet.rate_hz)
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.number):
        return Reason.of(Code.PACKET_NO_NUMBERS, 1)
    if np.iscomplexobj(samples):
        return Reason.of(Code.PACKET_NO_NUMBERS, 1)
    if not len(samples):
        return Reason.of(Code.PACKET_EMPTY, 1)
    least, most = _RATES_HZ
    if not least <= rate <= most:  # nor if it is no number
        return Reason.of(Code.PACKET_RATE, 1, rate_hz=rate, least_hz=least, most_hz=most)
    if rate < _SLOWEST * network_hz:
        return Reason.of(Code.RATE_TOO_LOW, rate_hz=rate, network_hz=network_hz)
    start, arrived = int(packet.start_ns), int(packet.arrived_ns)
    lost = start < _LOST_NS and arrived - start > _DAY_NS
    if lost or start > arrived + _DAY_NS:
        return Reason.of(Code.PACKET_TIME, 1, time=_text(start))
    dtype = np.int32 if np.can_cast(samples.dtype, np.int32) else np.float64
    return Segment(start, rate, np.array(samples, dtype))


def _text(time_ns: int) -> str:
    try:
        return iso(time_ns, 0)
    except (OverflowError, ValueError):
        return f"{time_ns} ns"
