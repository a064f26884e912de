"""Records of miniSEED of obspy's real recordings, and what a feed should make of them."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise, zip_longest
from typing import Any

import archives
import numpy as np
import obspy

from quakeline.live.feeds.protocol import Feed, Packet


def records_of(trace: obspy.Trace, length: int = 512, **options: Any) -> list[bytes]:
    """A trace as records of miniSEED 2, each as long as `length` bytes."""
    written = BytesIO()
    trace.write(written, format="MSEED", reclen=length, **options)
    content = written.getvalue()
    return [content[i : i + length] for i in range(0, len(content), length)]


def shifted(record: bytes, start_ns: int | None = None) -> bytes:
    """A record as if it had been recorded now, or at a time (ns)."""
    head = bytearray(record)
    at = obspy.UTCDateTime(ns=start_ns) if start_ns else obspy.UTCDateTime() - 60
    parts = (at.year, at.julday, at.hour, at.minute, at.second, 0, at.microsecond // 100)
    head[20:30] = struct.pack(">HHBBBBH", *parts)
    return bytes(head)


def interleaved(*codes: str, length: int = 512) -> list[bytes]:
    """The records of several channels of the demo, in turns, as they would arrive."""
    lists = [records_of(one, length) for one in archives.recordings(*codes)]
    return [one for turn in zip_longest(*lists) for one in turn if one is not None]


def whole(packets: list[Packet]) -> dict[str, tuple[int, np.ndarray]]:
    """First sample (ns) and samples of each channel, without what came twice.

    Fails where something is missing.
    """
    known: dict[str, dict[int, Packet]] = {}
    for one in packets:
        known.setdefault(one.codes, {})[one.start_ns] = one
    joined = {}
    for codes, pieces in known.items():
        in_order = [pieces[start] for start in sorted(pieces)]
        for before, after in pairwise(in_order):
            assert abs(after.start_ns - before.end_ns) < 1e6, (codes, before, after)
        samples = np.concatenate([one.samples for one in in_order])
        joined[codes] = (in_order[0].start_ns, samples)
    return joined


def expected(*codes: str) -> dict[str, tuple[int, np.ndarray]]:
    """The same of the recordings themselves."""
    return {one.id: (one.stats.starttime.ns, one.data) for one in archives.recordings(*codes)}


def assert_same(packets: list[Packet], *codes: str) -> None:
    """Fail unless packets are the whole recordings, sample for sample."""
    got, wanted = whole(packets), expected(*codes)
    assert set(got) == set(wanted)
    for name, (start_ns, samples) in wanted.items():
        assert abs(got[name][0] - start_ns) < 1e6
        np.testing.assert_array_equal(got[name][1], samples)


def collected(
    feed: Feed, until: Callable[[list[Packet]], bool], limit_s: float = 10.0
) -> list[Packet]:
    """Packets of a feed until a condition holds; fails when that takes too long."""
    packets: list[Packet] = []
    end = time.monotonic() + limit_s
    for one in feed.packets():
        if one is not None:
            packets.append(one)
        if until(packets):
            return packets
        assert time.monotonic() < end, f"{len(packets)} packets, {feed.remarks()}"
    return packets


def distinct(packets: list[Packet]) -> int:
    """Packets without those that came twice."""
    return len({(one.codes, one.start_ns) for one in packets})
