"""Reading a day of miniSEED: quakeline.io.formats.miniseed against obspy.read, CPU seconds.

One channel at 100 Hz, a random walk with noise, in STEIM1 and STEIM2, in records of 512 and 4096
bytes; headers alone, and samples. Each case runs in a process of its own, both sides in turn, the
best of several repetitions. `equal` is the largest difference of samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.miniseed_reading"
RATE = 100.0
LARGEST = 50_000


def day(hours: float) -> np.ndarray:
    """Counts that compress as those of a broad-band channel do."""
    rng = np.random.default_rng(0)
    n = int(hours * 3600 * RATE)
    walk = np.cumsum(rng.normal(size=n) * 50)
    walk -= np.linspace(walk[0], walk[-1], n)
    return np.asarray(np.clip(walk, -LARGEST, LARGEST) + rng.normal(size=n) * 100, np.int32)


def best(work: Callable[[], Any], repeat: int) -> float:
    """Smallest CPU time of a few repetitions."""
    spent = []
    for _ in range(repeat):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def one(encoding: str, length: int, hours: float, repeat: int, threads: int) -> dict[str, Any]:
    """Time both readers on one file."""
    import obspy

    from quakeline.io.formats import miniseed

    with TemporaryDirectory() as folder:
        path = Path(folder) / "day.mseed"
        stats = {"network": "XX", "station": "AAA", "channel": "HHZ", "sampling_rate": RATE}
        stream = obspy.Stream([obspy.Trace(day(hours), stats)])
        stream.write(str(path), format="MSEED", reclen=length, encoding=encoding)
        ours, theirs = miniseed.read(path)[0], obspy.read(str(path))[0]
        result = {
            "mb": path.stat().st_size / 1e6,
            "difference": float(np.abs(ours.data - theirs.data).max()),
        }
        for headonly, name in ((True, "headers"), (False, "samples")):
            turns = [
                (
                    best(lambda h=headonly: miniseed.read(path, headonly=h), 1),  # type: ignore[misc]
                    best(lambda h=headonly: obspy.read(str(path), headonly=h), 1),  # type: ignore[misc]
                )
                for _ in range(repeat)
            ]
            result[f"{name}_ours"], result[f"{name}_obspy"] = (
                min(side) for side in zip(*turns, strict=True)
            )
        return result


def main() -> None:
    """Run the cases; --quick takes an hour for a day."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one):
        return
    hours, repeat = (1.0, 3) if given.quick else (24.0, 9)
    rows = []
    for encoding in ("STEIM1", "STEIM2"):
        for length in (512, 4096):
            run = measure.child(
                MODULE, 1, encoding=encoding, length=length, hours=hours, repeat=repeat
            )
            for name in ("headers", "samples"):
                ours, peer = (run["mb"] / run[f"{name}_{side}"] for side in ("ours", "obspy"))
                case = measure.case(
                    f"{name}, {encoding}, {length} bytes", "MB/s", ours, peer, run["difference"]
                )
                rows.append({**case, "ratio": round(ours / peer, 3)})
    measure.finish("miniseed_reading", rows, given.quick)


if __name__ == "__main__":
    main()
