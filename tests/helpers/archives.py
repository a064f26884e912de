"""Archives of miniSEED from obspy's real Unterhaching recordings, whole or damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import obspy

RECORD = 512
FIRST = obspy.UTCDateTime("2010-05-27T16:24:00")
#: An overlay that reads the files of the folder `data`.
FILES = "fetch: {source: {kind: files, paths: [data/**/*]}}\n"


def recordings(*codes: str) -> obspy.Stream:
    """The traces of the embedded demo, all or those whose `station.channel` is named."""
    folder = Path(obspy.__file__).parent / "signal/tests/data"
    stream = obspy.Stream()
    for path in sorted(folder.glob("BW.UH?._.?H?.D.2010.147.cut.slist.gz")):
        stream += obspy.read(str(path))
    for trace in stream:
        if trace.data.dtype == np.int64:
            trace.data = trace.data.astype(np.int32)
    if codes:
        stream = obspy.Stream(t for t in stream if f"{t.stats.station}.{t.stats.channel}" in codes)
        assert len(stream) == len(codes)
    return stream


def renamed(trace: obspy.Trace, station: str, network: str = "BW") -> obspy.Trace:
    """A copy of a recording as if another station had made it."""
    copy = trace.copy()
    copy.stats.station, copy.stats.network = station, network
    return copy


def filled(trace: obspy.Trace, value: float) -> obspy.Trace:
    """A copy whose samples all have one value."""
    copy = trace.copy()
    copy.data = np.full(len(trace.data), value, np.float32 if np.isnan(value) else np.int32)
    return copy


def text_records(station: str) -> obspy.Trace:
    """A digitizer's log, as some archives hold it among the waveforms."""
    text = np.frombuffer(b"station rebooted, clock locked, all is well", dtype="|S1")
    codes = {"network": "BW", "station": station, "channel": "LOG"}
    return obspy.Trace(text, {**codes, "starttime": FIRST + 60})


def write(waveforms: obspy.Trace | obspy.Stream, folder: Path, name: str | None = None) -> Path:
    """Write one channel as miniSEED; the file is named after the channel."""
    stream = obspy.Stream([waveforms]) if isinstance(waveforms, obspy.Trace) else waveforms
    path = folder / f"{name or stream[0].id}.mseed"
    path.parent.mkdir(parents=True, exist_ok=True)
    stream.write(str(path), format="MSEED", reclen=RECORD)
    return path


def write_all(stream: obspy.Stream, folder: Path) -> None:
    """Write one file for each trace."""
    for trace in stream:
        write(trace, folder)


def cut(path: Path, n_bytes: int) -> None:
    """Cut bytes off the end of a file, as a broken transfer does."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - n_bytes)


def claim_rate(path: Path, rate_hz: int) -> None:
    """Write another sampling rate into the header of every record; times and samples stay."""
    content = bytearray(path.read_bytes())
    for begin in range(0, len(content), RECORD):
        content[begin + 32 : begin + 36] = struct.pack(">hh", rate_hz, 1)
    path.write_bytes(bytes(content))


def scratch(path: Path, record: int) -> None:
    """Spoil the compressed samples of one record; its header stays."""
    content = bytearray(path.read_bytes())
    begin = record * RECORD + 128
    content[begin : begin + 64] = b"\xa5" * 64
    path.write_bytes(bytes(content))
