"""Memory of DAS picking over 1, 10 and 100 times the duration, to 100 GB of virtual data.

1,000 channels at 100 Hz in float32, a file a minute, joined to one virtual array of xdas. The files
are hard links to one: it is in the system's cache, and what a disk takes is not seen. Every sample
is read, goes through a network of a few operations that stands for the picker, and to picks. There
is no peer: `peer` is the shortest case, and a ratio of 1 says that memory is flat. `--quick` has a
hundredth of it all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.das_memory"
CHANNELS = 1000
RATE = 100
MINUTE = 60 * RATE
#: 1, 10 and 100 GB.
MINUTES = (44, 437, 4370)
QUICK = (4, 40)


def virtual(folder: str, minutes: int) -> Any:
    """Minutes of a fibre, a file each."""
    import xdas
    from xdas.virtual import VirtualSource, VirtualStack

    one = Path(folder) / "minute.h5"
    if not one.is_file():
        import h5py

        noise = np.random.default_rng(0).standard_normal((MINUTE, CHANNELS), dtype=np.float32)
        with h5py.File(one, "w") as file:
            file.create_dataset("data", data=noise)
    parts = []
    for number in range(minutes):
        path = Path(folder) / f"{number}.h5"
        if not path.exists():
            path.hardlink_to(one)
        kind = (MINUTE, CHANNELS), np.dtype("float32")
        parts.append(VirtualSource(str(path), "data", *kind))
    n = minutes * MINUTE
    start = np.datetime64("2024-01-01T00:00:00", "ns")
    end = start + np.timedelta64((n - 1) * 10**9 // RATE, "ns")
    coords = {
        "time": {"tie_indices": [0, n - 1], "tie_values": [start, end]},
        "distance": {"tie_indices": [0, CHANNELS - 1], "tie_values": [0.0, 10.0 * (CHANNELS - 1)]},
    }
    return xdas.DataArray(VirtualStack(parts, axis=0), coords)


def one(minutes: int, folder: str, threads: int) -> dict[str, Any]:
    """Annotate so many minutes; peak memory in MB and seconds."""
    import torch

    from quakeline.fibres.das.model import DASModel
    from quakeline.fibres.das.patches import PatchingStructure
    from quakeline.fibres.das.picks import DASPickingCallback

    torch.set_num_threads(threads)

    class Loud(DASModel):
        """The absolute value of a sample, between 0 and 1."""

        def forward(self, x: Any, argdict: Any = None) -> dict[str, Any]:
            """See `DASModel.forward`."""
            return {"P": x.abs() / (x.abs() + 3)}

    structure = PatchingStructure(3000, 500, 3000, 500, (0, 3000), (0, 500), 0, 0)
    model = Loud(annotate_keys=["P"], patching_structure=structure)
    data = virtual(folder, minutes)
    callback = DASPickingCallback(0.62)
    reports: list[Any] = []
    result = measure.timed(lambda: reports.append(model.annotate(data, callback)))
    read_mb = reports[0].samples * CHANNELS * data.dtype.itemsize / 2**20
    picks = sum(len(found) for found in callback.get_results_dict().values())
    return {**result, "peak_mb": measure.peak_mb(), "picks": picks, "read_mb": read_mb}


def main() -> None:
    """Run the cases."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one):
        return
    rows = []
    shortest: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in QUICK if given.quick else MINUTES:
            run = measure.child(MODULE, 1, minutes=minutes, folder=folder)
            shortest = shortest or run
            name = f"{minutes} min, {run['read_mb']:.0f} MB read, {run['picks']} picks"
            for key, unit in (("peak_mb", "MB"), ("cpu_s", "CPU s")):
                rows.append(measure.case(name, unit, run[key], shortest[key], None))
            measure.finish("das_memory", rows, given.quick)


if __name__ == "__main__":
    main()
