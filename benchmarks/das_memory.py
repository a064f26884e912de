"""Memory of DAS picking over 1, 10 and 100 times the duration: virtual data, read piece by piece.

1,000 channels at 100 Hz whose file is one minute that a virtual array of xdas repeats: the longest
case is 14 GB that exist nowhere. A network of a few operations stands for the picker, so
that reading, patches, stacking of picks are what is seen; `--quick` has a tenth of it all. The
CPU time of xdas for a read grows with the number of files that an array is made of. There is
no peer: `peer` is the shortest case, and a ratio of 1 says that memory is flat.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.das_memory"
CHANNELS = 1000
RATE = 100
MINUTE = 60 * RATE
MINUTES = 6


def virtual(folder: str, minutes: int) -> Any:
    """Minutes of a fibre that are all the same file."""
    import xdas
    from xdas.virtual import VirtualSource, VirtualStack

    path = Path(folder) / "minute.h5"
    if not path.is_file():
        import h5py

        noise = np.random.default_rng(0).standard_normal((MINUTE, CHANNELS), dtype=np.float32)
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=noise)
    part = VirtualSource(str(path), "data", (MINUTE, CHANNELS), np.dtype("float32"))
    n = minutes * MINUTE
    start = np.datetime64("2024-01-01T00:00:00", "ns")
    end = start + np.timedelta64((n - 1) * 10**9 // RATE, "ns")
    coords = {
        "time": {"tie_indices": [0, n - 1], "tie_values": [start, end]},
        "distance": {"tie_indices": [0, CHANNELS - 1], "tie_values": [0.0, 10.0 * (CHANNELS - 1)]},
    }
    return xdas.DataArray(VirtualStack([part] * minutes, axis=0), coords)


def one(minutes: int, folder: str, threads: int) -> dict[str, Any]:
    """Annotate so many minutes; peak memory in MB and seconds."""
    import torch

    from quakeline import DASModel, DASPickingCallback, PatchingStructure

    torch.set_num_threads(threads)

    class Loud(DASModel):
        """The absolute value of a sample, between 0 and 1."""

        def forward(self, x: Any) -> dict[str, Any]:
            """See `DASModel.forward`."""
            return {"P": x.abs() / (x.abs() + 3)}

    structure = PatchingStructure(3000, 500, 3000, 500, (0, 3000), (0, 500), 1500, 0)
    model = Loud(annotate_keys=["P"], patching_structure=structure)
    data = virtual(folder, minutes)
    callback = DASPickingCallback(0.63)
    result = measure.timed(lambda: model.annotate(data, callback))
    picks = sum(len(found) for found in callback.get_results_dict().values())
    return {**result, "peak_mb": measure.peak_mb(), "picks": picks, "data_mb": data.nbytes / 2**20}


def main() -> None:
    """Run the cases."""
    given = measure.arguments()
    if given.child:
        print(json.dumps(one(**given.child)))
        return
    rows = []
    shortest: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for times in (1, 2) if given.quick else (1, 10, 100):
            minutes = MINUTES * times
            run = measure.child(MODULE, 1, minutes=minutes, folder=folder)
            shortest = shortest or run
            name = f"{minutes} min, {run['data_mb']:.0f} MB of data, {run['picks']} picks"
            for key, unit in (("peak_mb", "MB"), ("cpu_s", "CPU s")):
                rows.append(measure.case(name, unit, run[key], shortest[key], None))
            measure.finish("das_memory", rows, given.quick)


if __name__ == "__main__":
    main()
