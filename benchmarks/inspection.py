"""Seconds of `quakeline inspect` for one station-year: three channels, 100 Hz, day files in SDS.

The files hold real-looking counts (see miniseed_reading) in STEIM2 records of 512 bytes; one day is
made and its records are dated anew for each day of the year, so that a year need not be compressed.
Peer: the same headers by `obspy.read(headonly=True)`, file after file.
"""

from __future__ import annotations

import struct
import sys
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.miniseed_reading import RATE, day

MODULE = "benchmarks.inspection"
LENGTH = 512


def archive(root: Path, days: int, hours: float = 24.0) -> int:
    """Write an SDS archive of one station in 2023; returns its bytes."""
    import obspy

    size = 0
    for channel in ("HHZ", "HHN", "HHE"):
        stats = {"network": "XX", "station": "AAA", "channel": channel, "sampling_rate": RATE}
        stats["starttime"] = obspy.UTCDateTime(2023, 1, 1)
        buffer = BytesIO()
        stream = obspy.Stream([obspy.Trace(day(hours) // 16, stats)])
        stream.write(buffer, format="MSEED", reclen=LENGTH, encoding="STEIM2")
        records = np.frombuffer(buffer.getvalue(), np.uint8).reshape(-1, LENGTH).copy()
        folder = root / "2023/XX/AAA" / f"{channel}.D"
        folder.mkdir(parents=True)
        for number in range(1, days + 1):
            records[:, 22:24] = np.frombuffer(struct.pack(">H", number), np.uint8)
            path = folder / f"XX.AAA..{channel}.D.2023.{number:03d}"
            records.tofile(path)
            size += path.stat().st_size
    return size


def one(root: str, side: str, processes: int, threads: int) -> dict[str, Any]:
    """Headers of the archive by one side: wall and CPU seconds, these of one process alone."""
    begin, cpu = time.perf_counter(), time.process_time()
    if side == "ours":
        from quakeline.workflow.inspection.holdings import holdings, manifest_of
        from quakeline.workflow.inspection.plan import metadata, plans
        from quakeline.workflow.inspection.scan import find, scan_all

        scans = scan_all(find([root]), processes)
        held = holdings(scans)
        plans(held, manifest_of(scans), metadata([], None), 100.0)
        found = len(held)
    else:
        import obspy

        traces = [
            t for p in sorted(Path(root).rglob("*.D.*")) for t in obspy.read(p, headonly=True)
        ]
        found = len({trace.id for trace in traces})
    spent = time.process_time() - cpu
    return {"wall_s": time.perf_counter() - begin, "cpu_s": spent, "channels": found}


def main() -> None:
    """Run the cases; --quick takes ten days for a year."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one):
        return
    days = 10 if given.quick else 365
    with TemporaryDirectory() as folder:
        size = archive(Path(folder), days)
        print(f"{size / 1e9:.2f} GB in {3 * days} files", file=sys.stderr)
        peer = measure.child(MODULE, 1, root=folder, side="obspy", processes=1)
        rows = []
        for processes in (1, 2):
            ours = measure.child(MODULE, 1, root=folder, side="ours", processes=processes)
            for key, unit in (("wall_s", "wall s"), ("cpu_s", "CPU s"))[: 3 - processes]:
                name = f"station-year of {size / 1e9:.1f} GB, {processes} processes"
                rows.append(measure.case(name, unit, ours[key], peer[key], None))
    measure.finish("inspection", rows, given.quick)


if __name__ == "__main__":
    main()
