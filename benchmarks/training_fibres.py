"""A network of many channels that learns the fibre picks of a picker of seismometer records.

The data are those of the embedded fibre demo, 50 s of 500 channels with one earthquake: run it
(`quakeline init demo-das`, `quakeline run porotomo`), and let `QUAKELINE_DEMO_DAS` be the file
example.pkl that it keeps in the folder of caches, or a folder with it. PhaseNet labels the data
channel by channel. A small network of 20 channels learns on the first 340 of them, is validated on
the next 80 and scored on the last 80, beside PhaseNet's labels there: with one event this says that
it learns, not how well it would pick elsewhere.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import measure
from quakeline import DASPickingCallback, DASWaveformModelWrapper, PatchingStructure
from quakeline.fibres.das.model import DASModel

START, RATE_HZ, CHANNELS, SAMPLES, OFFSET = "2016-03-21T07:37:30.532309", 100, 500, 5000, 159
SIZE, WIDTH = 1000, 20


class Curves(DASModel):
    """P, S and noise from convolutions over time and neighbouring channels."""

    def __init__(self) -> None:
        structure = PatchingStructure(
            SIZE, WIDTH, SIZE, WIDTH, (0, SIZE), (0, WIDTH), SIZE // 2, WIDTH // 2
        )
        super().__init__(
            annotate_keys=["P", "S", "noise"],
            patching_structure=structure,
            dt_range=(0.009, 0.011),
            filter_samples=("iirfilter", {"N": 2, "btype": "highpass", "Wn": 1.0}),
        )
        channels = (1, 8, 16, 16, 8)
        layers: list[torch.nn.Module] = []
        for before, after in itertools.pairwise(channels):
            dilation = 2 ** (len(layers) // 3)
            layers += [
                torch.nn.Conv2d(before, after, (15, 3), padding=(7 * dilation, 1),
                                dilation=(dilation, 1)),
                torch.nn.BatchNorm2d(after),
                torch.nn.ReLU(),
            ]  # fmt: skip
        self.layers = torch.nn.Sequential(
            *layers, torch.nn.Conv2d(channels[-1], 3, 1), torch.nn.Softmax(dim=1)
        )

    def forward(self, x: torch.Tensor, argdict: Any = None) -> dict[str, torch.Tensor]:
        """See `DASModel.forward`."""
        spread = x.std(dim=1, keepdim=True) + 1e-12
        found = self.layers((x / spread)[:, None])
        return dict(zip(self.annotate_keys, found.unbind(dim=1), strict=True))


def embedded() -> Any:
    """The embedded event, strain rate of (time, distance)."""
    import xdas

    place = Path(os.environ["QUAKELINE_DEMO_DAS"])
    (path,) = place.rglob("example.pkl") if place.is_dir() else [place]
    values = np.fromfile(path, "<f8", CHANNELS * SAMPLES, offset=OFFSET)
    first = np.datetime64(START, "ns")
    last = first + np.timedelta64(round((SAMPLES - 1) / RATE_HZ * 1e9), "ns")
    return xdas.DataArray(
        values.reshape(CHANNELS, SAMPLES).T.astype(np.float32),
        {
            "time": {"tie_indices": [0, SAMPLES - 1], "tie_values": [first, last]},
            "distance": {"tie_indices": [0, CHANNELS - 1],
                         "tie_values": [2520.0, 2520.0 + CHANNELS - 1]},
        },
    )  # fmt: skip


def learnt(quick: bool) -> list[dict[str, Any]]:
    """Label, cut, train and score."""
    from quakeline.training.fibres.fitting import scores, settings_for_fibres, train
    from quakeline.training.fibres.from_picks import write_records
    from quakeline.training.fibres.records import FibreRecords

    data = embedded()
    callback = DASPickingCallback(thresholds=0.3)
    DASWaveformModelWrapper.from_pretrained("phasenet").annotate(data, callback)
    picks = callback.get_results_dataframe()
    picks = picks[picks["phase"].isin(["P", "S"])]
    with tempfile.TemporaryDirectory() as folder:
        counts = write_records(folder, data, picks, length_s=SAMPLES / RATE_HZ, channels=WIDTH,
                               split="fibre")  # fmt: skip
        records = FibreRecords.open(folder)
        torch.manual_seed(0)
        model = Curves()
        before = scores(model, records)
        settings = settings_for_fibres(epochs=2 if quick else 60, patience=60, batch=4,
                                       label_s=0.2, step_epochs=20, step_factor=0.5)  # fmt: skip
        made: dict[str, Any] = {}
        cost = measure.timed(lambda: made.update(one=train(model, records, settings)))
        after = scores(model, records)
    history = made["one"].history
    case = {"case": "network of 20 channels, embedded event labelled by PhaseNet",
            "labels": len(picks), "records": dict(counts), **cost,
            "best_epoch": made["one"].best_epoch,
            "dev_loss": [history[0]["dev_loss"], min(row["dev_loss"] for row in history)],
            "before": plain(before), "after": plain(after)}  # fmt: skip
    return [case]


def plain(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """Scores for JSON, which knows no NaN."""
    return {
        phase: {name: None if value != value else value for name, value in own.items()}
        for phase, own in scores.items()
    }


def main() -> None:
    """Run it, and keep the result."""
    given = measure.arguments(__doc__)
    measure.finish("training_fibres", learnt(given.quick), given.quick)


if __name__ == "__main__":
    main()
