"""Recordings on disk as packets that arrive: in order or shuffled, with losses and repetitions.

What happens follows from the settings and `seed` alone, block by block of 15 minutes since 1970, so
that a replay goes on anywhere as if it had not stopped. Packets arrive when their last sample was
recorded, and later by the delay that was drawn for them: arrivals are times of the data, whatever
the speed.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from heapq import heappop, heappush
from typing import Any, Literal

import numpy as np

from quakeline.core.reasons import Reason, reasons_in
from quakeline.core.timeline import SECOND, Span
from quakeline.live.feeds.protocol import Packet
from quakeline.signal.segments import Segment, records
from quakeline.waveforms.preparation.raw import RawFiles
from quakeline.waveforms.preparation.recordings import Recordings

_BLOCK_NS = 900 * SECOND
#: Records that begin in a block may end so long after it, in seconds.
_AROUND_S = 120.0
#: Waiting for the next packet is interrupted this often, in seconds.
_LOOK_S = 0.5

#: Arrival, codes, start, number in the block: the order of packets.
Key = tuple[int, str, int, int]


@dataclass(frozen=True)
class Plan:
    """What happens to the packets: see `quakeline.live.feeds.replay.Replay`."""

    packet_s: float
    random_sizes: bool
    shuffle_s: float
    loss: float
    duplicate: float
    outage: float
    outage_s: float
    stations: list[str]
    speed: float | Literal["max"]
    seed: int


class Replaying:
    """A replay that runs; see `quakeline.live.feeds.protocol.Feed`."""

    def __init__(
        self, settings: Plan, recordings: Recordings, state: dict[str, Any] | None = None
    ) -> None:
        self._settings, self._recordings = settings, recordings
        rows = recordings.rows
        starts, ends = (
            rows[name].astype("datetime64[ns, UTC]").astype("int64") for name in ("start", "end")
        )
        self._rows = rows.assign(start_ns=starts, end_ns=ends)
        self._last: Key | None = None
        if state and state.get("last"):
            arrival, codes, start, number = state["last"]
            self._last = int(arrival), str(codes), int(start), int(number)
        self._remarks: list[Reason] = []
        for row in recordings.manifest[recordings.manifest["status"] != "data"].itertuples():
            found = reasons_in(row.reason, row.reason_codes)
            self._remarks += [one.at(str(row.path)) for one in found]
        self._open = True

    def packets(self) -> Iterator[Packet | None]:
        """See `Feed.packets`."""
        begun: tuple[float, int] | None = None
        for key, packet in self._ordered():
            if self._settings.speed != "max":
                now = time.monotonic()
                begun = begun or (now, packet.arrived_ns)
                due = begun[0] + (packet.arrived_ns - begun[1]) / SECOND / self._settings.speed
                while self._open and (wait := due - time.monotonic()) > 0:
                    time.sleep(min(wait, _LOOK_S))
                    if wait > _LOOK_S:
                        yield None
            if not self._open:
                return
            self._last = key
            yield packet

    def state(self) -> dict[str, Any]:
        """See `Feed.state`."""
        return {"last": list(self._last) if self._last else None}

    def remarks(self) -> list[Reason]:
        """See `Feed.remarks`."""
        found, self._remarks = self._remarks, []
        return found

    def close(self) -> None:
        """See `Feed.close`."""
        self._open = False

    def _ordered(self) -> Iterator[tuple[Key, Packet]]:
        """Packets in the order of arrival, those up to the last one that was given left out."""
        waiting: list[tuple[Key, Packet]] = []
        for number in self._blocks():
            for key, packet in self._block(number):
                if self._last is None or key > self._last:
                    heappush(waiting, (key, packet))
            end = (number + 1) * _BLOCK_NS
            while waiting and waiting[0][0][0] <= end:
                yield heappop(waiting)
        while waiting:
            yield heappop(waiting)

    def _blocks(self) -> list[int]:
        """Numbers of the blocks in which there are data that did not all arrive."""
        found: set[int] = set()
        for start, end in zip(self._rows["start_ns"], self._rows["end_ns"], strict=True):
            found.update(range(int(start) // _BLOCK_NS, int(end) // _BLOCK_NS + 1))
        if self._last is not None:
            most_s = 2 * self._settings.shuffle_s + _AROUND_S
            first = (self._last[0] - round(most_s * SECOND)) // _BLOCK_NS - 1
            found = {number for number in found if number >= first}
        return sorted(found)

    def _block(self, number: int) -> Iterator[tuple[Key, Packet]]:
        """All packets that begin in a block, in any order."""
        start, end = number * _BLOCK_NS, (number + 1) * _BLOCK_NS
        wide = Span(start, end).widen(_AROUND_S)
        rows = self._rows
        rows = rows[(rows["start_ns"] < wide.end_ns) & (rows["end_ns"] >= wide.start_ns)]
        source = RawFiles(wide)
        for codes, own in rows.groupby(["network", "station", "location", "channel"], sort=True):
            name = ".".join(map(str, codes))
            if not any(fnmatchcase(name, one) for one in self._settings.stations):
                continue
            pieces, notes = source.pieces(own)
            self._remarks += notes
            rng = np.random.default_rng([self._settings.seed, number, zlib.crc32(name.encode())])
            outage = self._outage(name, number)
            n = 0
            for piece in pieces:
                for part in self._parts(piece, (start, end), rng):
                    for arrived, packet in self._arrivals(name, part, outage, rng):
                        yield (arrived, name, part.start_ns, n), packet
                        n += 1

    def _outage(self, name: str, number: int) -> tuple[int, int]:
        """The time, [begin, end) in ns, in which the station of a channel is cut off."""
        settings, station = self._settings, ".".join(name.split(".")[:2])
        rng = np.random.default_rng([settings.seed, number, zlib.crc32(station.encode()), 1])
        hit, length, place = rng.uniform(size=3)
        if hit >= settings.outage:
            return 0, 0
        lasts = round(length * min(settings.outage_s * SECOND, _BLOCK_NS))
        begin = number * _BLOCK_NS + round(place * (_BLOCK_NS - lasts))
        return begin, begin + lasts

    def _parts(
        self, piece: Segment, block: tuple[int, int], rng: np.random.Generator
    ) -> Iterator[Segment]:
        """A piece cut into packets; where the clock leaves the header's rate, into its records."""
        if not piece.clock.even:
            _, counts = records(piece)
            ends = np.cumsum(counts)
            for end, n in zip(ends.tolist(), counts.tolist(), strict=True):
                part = piece.part(end - n, end)
                if block[0] <= part.start_ns < block[1]:
                    yield part
            return
        piece = piece.within(*block)
        n, done = len(piece.samples), 0
        length = self._settings.packet_s * piece.rate_hz
        while done < n:
            size = rng.uniform(0, 2) * length if self._settings.random_sizes else length
            stop = min(done + max(round(size), 1), n)
            yield piece.part(done, stop)
            done = stop

    def _arrivals(
        self, name: str, part: Segment, outage: tuple[int, int], rng: np.random.Generator
    ) -> Iterator[tuple[int, Packet]]:
        """A packet as often as it arrives, and when."""
        settings = self._settings
        lost, twice, first, second = rng.uniform(size=4)
        if lost < settings.loss or outage[0] <= part.start_ns < outage[1]:
            return
        end_ns = part.start_ns + round(len(part.samples) * SECOND / part.rate_hz)
        packet = Packet(name, part.start_ns, part.rate_hz, part.samples, end_ns)
        for late in [first, second] if twice < settings.duplicate else [first]:
            arrived = end_ns + round(late * settings.shuffle_s * SECOND)
            yield arrived, replace(packet, arrived_ns=arrived)
