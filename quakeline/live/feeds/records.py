"""Records of miniSEED, as servers send them, to packets."""

from __future__ import annotations

import math

import numpy as np
from pymseed import MiniSEEDError, MS3Record, get_error_messages, sourceid2nslc

from quakeline.live.feeds.protocol import Packet

#: Letters of miniSEED 2 for the publication versions that libmseed gives them.
_QUALITIES = {1: "R", 2: "D", 3: "Q", 4: "M"}


class Damaged(Exception):
    """A record that cannot be decoded; says why."""


class Incomplete(Exception):
    """A record whose end is not there yet."""


def decoded(content: bytes | memoryview, arrived_ns: int) -> tuple[Packet | None, int, str]:
    """Decode the record at the beginning of bytes.

    Returns
    -------
    packet
        None for a record without samples or with text. Times are those of the header, to the
        nanosecond.
    length
        Bytes of the record.
    doubt
        What the decoder says against the samples, such as a failed check of Steim's last sample;
        empty: nothing.

    Raises
    ------
    Damaged
        There is no record, its samples cannot be decoded, or its checksum (CRC) is wrong.
    Incomplete
        The bytes end before the record does.
    """
    try:
        record = MS3Record.parse(content, unpack_data=True)
    except MiniSEEDError as error:
        if error.status_code > 0:
            raise Incomplete(str(error)) from error
        raise Damaged(_line(str(error))) from error
    except (ValueError, BufferError) as error:
        raise Damaged(_line(str(error))) from error
    try:
        doubt = _line("; ".join(get_error_messages()))
        return _packet(record, arrived_ns), int(record.reclen), doubt
    except ValueError as error:  # codes that are none, or no text
        raise Damaged(_line(str(error))) from error


def _packet(record: MS3Record, arrived_ns: int) -> Packet | None:
    rate = float(record.samprate)
    if record.sampletype not in ("i", "f", "d") or record.numsamples <= 0:
        return None
    if not (math.isfinite(rate) and rate > 0):
        raise Damaged(f"{record.sourceid}: its sampling rate is {rate:g} Hz")
    third = record.formatversion > 2
    quality = str(record.pubversion) if third else _QUALITIES.get(record.pubversion)
    return Packet(
        codes=".".join(sourceid2nslc(record.sourceid)),
        start_ns=int(record.starttime),
        rate_hz=rate,
        samples=np.array(record.np_datasamples),
        arrived_ns=arrived_ns,
        quality=quality,
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
