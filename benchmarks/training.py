"""Networks trained on records at hand: scores on records that they did not see, and the cost.

Needs the folder of shared recordings (QUAKELINE_SHARED): `ncedc_mini24.npz`, 24 records of northern
California with P and S of analysts, and `ridgecrest_continuous`, 80 minutes of four stations.

- EarthquakeCNN, trained on windows that the default picker labelled at Ridgecrest, and from
  scratch and further on NCEDC in five folds of records, always with onsets up to 0.8 s beside the
  middle: share of right classes (P, S, noise) of windows with the onset in their middle, and up to
  0.8 s beside it, with intervals by bootstrap over records.
- PhaseNet, and PhaseNetLight that SeisBench trained with records of Switzerland (QUAKELINE_ETHZ,
  the folder of its files), trained further on NCEDC in folds of events, with intervals by bootstrap
  over records. NCEDC is among what PhaseNet's authors trained with, and far from Switzerland.
- CPU seconds for windows of training, against SeisBench's generator in PyTorch's DataLoader with
  the same network, and memory with data sets of 0.7 and 50 GB.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, training_classes, training_cost
from benchmarks.training_records import FOLDS, folds, learnt, shared


def further(parent: Path, network: str, quick: bool) -> dict[str, Any]:
    """Weights trained further on NCEDC in folds of events, against themselves on the same records.

    Both with the parent's thresholds; a pick belongs to a label within 0.5 s.
    """
    from quakeline.inference.annotator import Annotator
    from quakeline.models.networks import save_network
    from quakeline.training import scoring
    from quakeline.training.beginning import of_parent
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.settings import Settings

    data = open_dataset(shared() / "ncedc_mini24.npz")
    settings = Settings(epochs=2 if quick else 40, patience=12, batch=4, learning_rate=3e-4)
    before: dict[str, list[Any]] = {"P": [], "S": []}
    after: dict[str, list[Any]] = {"P": [], "S": []}
    first = Annotator.load(parent, "cpu", 1)
    for train, dev, test in folds(len(data)):
        begun = of_parent(parent, "tuned")
        learnt(begun, data, train, dev, settings)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tuned.safetensors"
            save_network(path, begun.network.state_dict(), begun.result)
            second = Annotator.load(path, "cpu", 1)
            for into, annotator in ((before, first), (after, second)):
                for phase, records in scoring.found_in(data, test, annotator).items():
                    into[phase] += records
    made: dict[str, Any] = {"case": f"{network} further on NCEDC, {FOLDS} folds of events"}
    for phase in ("P", "S"):
        level = first.card.thresholds[phase]
        made[phase] = _compared(before[phase], after[phase], level)
    return made


def _compared(before: list[Any], after: list[Any], level: float) -> dict[str, Any]:
    """F1 and mean absolute residual of both, and intervals of 95 % of their differences."""
    from quakeline.training import scoring

    random, n = np.random.default_rng(1), len(before)
    f1, mae = [], []
    for _ in range(2000):
        rows = random.integers(0, n, n)
        one, other = (scoring.score([own[i] for i in rows], level) for own in (before, after))
        f1.append(other.f1 - one.f1)
        mae.append((other.mae_ms or np.nan) - (one.mae_ms or np.nan))
    one, other = scoring.score(before, level), scoring.score(after, level)
    return {
        "f1": [round(one.f1, 3), round(other.f1, 3)],
        "f1_change_95": np.nanpercentile(f1, [2.5, 97.5]).round(3).tolist(),
        "mae_ms": [round(one.mae_ms or np.nan, 1), round(other.mae_ms or np.nan, 1)],
        "mae_change_ms_95": np.nanpercentile(mae, [2.5, 97.5]).round(1).tolist(),
    }


def tuning(quick: bool) -> list[dict[str, Any]]:
    """PhaseNet, and PhaseNetLight of Switzerland where its files are at hand."""
    from quakeline.models.named import weights_file

    cases = [further(weights_file("phasenet"), "PhaseNet", quick)]
    given = os.environ.get("QUAKELINE_ETHZ", "")
    if given:
        from quakeline.models.sections import SeisBench

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ethz.safetensors"
            SeisBench(model="PhaseNetLight", weights=given).write(path)
            cases.append(further(path, "SeisBench's PhaseNetLight of ETHZ", quick))
    return cases


PARTS = {
    "EarthquakeCNN": training_classes.earthquake_cnn,
    "their form": training_classes.their_form,
    "further": tuning,
    "throughput": training_cost.throughput,
    "memory": training_cost.sizes,
}


def main() -> None:
    """Run all parts, or those that `--only` names, and keep the result."""
    given = measure.arguments(__doc__)
    if given.child:
        asked = training_cost.memory if "records" in given.child else training_cost.road
        print(json.dumps(asked(given.child)))
        return
    cases: list[dict[str, Any]] = []
    for name, part in PARTS.items():
        if given.only in name:
            cases += part(given.quick)
            measure.finish("training", cases, given.quick, given.only)


if __name__ == "__main__":
    main()
