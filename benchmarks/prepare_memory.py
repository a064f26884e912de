"""Memory and time of `prepare`: many station-days in one chunk, one thread against two.

Synthetic miniSEED (Steim-2, one file for each channel and day, 100 Hz, three components, the real
response of BW.RJOB) is written by obspy into a temporary folder; each station is those files under
another name, read anew. Each case runs in a process of its own. `peer` is the first case: a ratio
near 1 in MB says that memory does not grow with the number of stations.
"""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import measure

MODULE = "benchmarks.prepare_memory"
DAY_S = 86_400
RATE_HZ = 100.0
START = "2020-05-01T00:00:00"


def material(threads: int, folder: str, seconds: int) -> dict[str, Any]:
    """Write the channels of one station, two minutes longer on both sides, and its XML."""
    import obspy

    inventory = obspy.read_inventory().select(network="BW", station="RJOB")
    inventory.networks = inventory.networks[:1]
    inventory[0].stations = inventory[0].stations[:1]
    for channel in inventory[0][0]:
        channel.start_date = channel.end_date = None
    inventory.write(f"{folder}/stations.xml", format="STATIONXML")
    around = 120
    for number, component in enumerate("ZNE"):
        rng = np.random.default_rng(number)
        steps = rng.normal(0, 50, round((seconds + 2 * around) * RATE_HZ))
        counts = np.convolve(steps, np.ones(8), "same").astype("i4")
        stats = {
            "network": "BW",
            "station": "RJOB",
            "channel": f"EH{component}",
            "sampling_rate": RATE_HZ,
            "starttime": obspy.UTCDateTime(START) - around,
        }
        trace = obspy.Trace(counts, stats)
        trace.write(f"{folder}/{component}.mseed", format="MSEED", encoding="STEIM2")
    return {"written": 3}


def one(threads: int, folder: str, stations: int, seconds: int, workers: int) -> dict[str, Any]:
    """Prepare so many stations in one chunk; peak memory in MB and seconds."""
    import obspy

    from quakeline.core.timeline import SECOND, Span
    from quakeline.io.formats import inventory as inventories
    from quakeline.waveforms.preparation.components import Preparer
    from quakeline.waveforms.preparation.recordings import of_files
    from quakeline.waveforms.preparation.settings import Response

    files = sorted(Path(folder).glob("*.mseed"))
    recordings = of_files(files)
    begin = obspy.UTCDateTime(START).ns
    received = inventories.read([Path(folder) / "stations.xml"])
    preparer = Preparer(
        span=Span(begin, begin + seconds * SECOND),
        margin_s=60.0,
        rate_hz=RATE_HZ,
        bridge_gap_s=0.1,
        response=Response(),
        inventory=received,
        source=_renaming(),
    )
    rows = pd.concat(
        [recordings.rows.assign(location=f"{n:02d}") for n in range(stations)], ignore_index=True
    )
    channels = received[0][0].channels
    received[0][0].channels = [
        _moved(channel, f"{n:02d}") for n in range(stations) for channel in channels
    ]
    store = Path(folder) / f"{os.getpid()}.zarr"
    spent = measure.timed(lambda: preparer.write(rows, [], store, workers))
    shutil.rmtree(store)
    return {**spent, "peak_mb": measure.peak_mb()}


def _moved(channel: Any, location: str) -> Any:
    moved = copy.copy(channel)
    moved.location_code = location
    return moved


def _renaming() -> Any:
    """A source that reads every location's channels from the files of the only one."""
    from quakeline.waveforms.preparation.raw import RawFiles

    class Renamed(RawFiles):
        def segments(self, rows: Any) -> Any:
            self._held.clear()
            return super().segments(rows.assign(location=""))

    return Renamed


def main() -> None:
    """Run the cases; --quick takes an hour for a day and a tenth of the stations."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one, material=material):
        return
    seconds = 3600 if given.quick else DAY_S
    cases = [(1, 1), (1, 2), (10, 2)] if given.quick else [(3, 1), (3, 2), (100, 1), (300, 1)]
    first: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        measure.child(MODULE, 1, side="material", folder=folder, seconds=seconds)
        for stations, workers in cases:
            shape = {"stations": stations, "seconds": seconds, "workers": workers}
            run = measure.child(MODULE, 1, side="one", folder=folder, **shape)
            found = {
                "MB": run["peak_mb"],
                "CPU s per station": run["cpu_s"] / stations,
                "wall s per station": run["wall_s"] / stations,
            }
            first = first or found
            name = f"{stations} station-days, {workers} threads"
            rows += [measure.case(name, u, found[u], first[u], None) for u in found]
            measure.finish("prepare_memory", rows, given.quick)


if __name__ == "__main__":
    main()
