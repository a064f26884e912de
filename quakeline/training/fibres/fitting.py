"""Trains a network on fibre records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quakeline.core.errors import DataError
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.picks import DASPickingCallback
from quakeline.fibres.das.storage import card_of
from quakeline.io.products.provenance import digest_of
from quakeline.models.ancestry import Training
from quakeline.models.weights import digest_of as digest_of_tensors
from quakeline.picking.scoring import match
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN
from quakeline.training.fibres.patches import Patches, structure_of
from quakeline.training.fibres.records import RATE, FibreRecords
from quakeline.training.labels import NOISE
from quakeline.training.loop import Fit, Notify
from quakeline.training.settings import Augmentation, Settings

#: A pick belongs to a label of its channel within so many seconds.
TOLERANCE_S = 0.5


@dataclass(frozen=True)
class Trained:
    """What came of it: a row for each epoch, the best one, and how it was, for `DASModel.save`."""

    history: list[dict[str, float]]
    best_epoch: int
    training: Training


class _Curves(nn.Module):
    """A model with its annotations one after the other: (batch, keys, samples times channels)."""

    def __init__(self, model: DASModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, patches: Tensor) -> Tensor:
        """Annotations of patches (batch, samples, channels)."""
        found = self.model(patches)
        return torch.stack([found[key].flatten(1) for key in self.model.annotate_keys], dim=1)


def settings_for_fibres(**changes: Any) -> Settings:
    """Settings of a training on fibres: channels are not lost, else as of other networks."""
    usual = {"learning_rate": 1e-3, "batch": 8, "norms": "train",
             "augmentation": Augmentation(drop=0.0)}  # fmt: skip
    return Settings.model_validate({**usual, **changes})


def train(
    model: DASModel,
    records: FibreRecords,
    settings: Settings | None = None,
    *,
    checkpoint: Path | None = None,
    notify: Notify | None = None,
    device: str = "cpu",
) -> Trained:
    """Train a model on the part train of a data set; afterwards it is that of its best epoch.

    Each record gives one patch an epoch. Labels are as of other networks (`Settings.label`).

    Parameters
    ----------
    model
        Gives one annotation for each of its `annotate_keys`: phases of the data set, and noise.
        Probabilities are expected.
    checkpoint
        A file from which a stopped training goes on; None: there is none.

    Raises
    ------
    DataError
        Records that cannot be used, no labels of a phase, or no records to train or validate with.
    ConfigError
        The model's patches cannot be trained, or the checkpoint is of another training.
    """
    chosen = settings or settings_for_fibres()
    structure = structure_of(model)
    _check(records, model)
    patches = {
        part: Patches(records, records.rows(part), model, structure, chosen, part == TRAIN)
        for part in (TRAIN, DEV)
    }
    facts = [digest_of_tensors(model.state_dict()), records.digest, chosen.plain()]
    with TemporaryDirectory(prefix="quakeline-") as folder:
        fit = Fit(
            _Curves(model), card_of(model, "", {}), patches[TRAIN], patches[DEV], chosen,
            torch.device(device), digest_of(facts),
        )  # fmt: skip
        place = checkpoint or Path(folder) / "checkpoint.safetensors"
        progress = fit.run(place, notify or _quiet)
    best = {name.removeprefix("model."): value for name, value in progress.best.items()}
    if best:
        model.load_state_dict(best)
    model.eval()
    counts = {part: len(records.rows(part)) for part in PARTS}
    said: dict[str, Any] = {**chosen.plain(), "best_epoch": progress.best_epoch, "records": counts}
    training = Training.ended(records.path.name, records.digest, said)
    return Trained(progress.history, progress.best_epoch, training)


def _quiet(row: dict[str, float]) -> None:
    pass


def _check(records: FibreRecords, model: DASModel) -> None:
    for part in (TRAIN, DEV):
        if not records.rows(part):
            raise DataError(f"{records.path} has no records in the part {part}")
    known: set[str] = set()
    for row in records.rows(TRAIN):
        known |= {p for p, own in records.read(row)[1].items() if np.isfinite(own).any()}
    absent = [key for key in model.annotate_keys if key not in known and key not in NOISE]
    if absent:
        raise DataError(
            f"{records.path} has no labels of {', '.join(absent)} in the part {TRAIN}, which"
            f" {model.name} gives; it has {', '.join(sorted(known)) or 'none'}"
        )


def scores(
    model: DASModel,
    records: FibreRecords,
    part: str = TEST,
    thresholds: float = 0.3,
    blinding: tuple[int, int] = (0, 0),
    tell: Callable[[str], None] | None = None,
) -> dict[str, dict[str, float]]:
    """What a model finds on the records of a part: recall, precision and residuals by phase.

    Picks are those of `DASPickingCallback` with `thresholds` and `blinding`. Channels of a record
    without any label are left out. What cannot be told, as the error where no label was picked, is
    NaN.
    `tell` hears of what was left out of records, and why.
    """
    residuals: dict[str, list[float]] = {}
    counts: dict[str, list[int]] = {}
    for row in records.rows(part):
        samples, onsets = records.read(row)
        callback = DASPickingCallback(thresholds=thresholds, blinding=blinding)
        array = records.array(row, samples)
        report = model.annotate(array, callback)
        for problem in report.problems if tell else ():
            tell(str(problem))  # type: ignore[misc]
        picks = callback.get_results_dataframe()
        start = array["time"].values[0]
        at_s = (picks["time"].to_numpy("datetime64[ns]") - start).astype("int64") / 1e9
        places = np.searchsorted(array["distance"].values, picks["channel"].to_numpy(float) - 1e-6)
        labelled = np.any([np.isfinite(own) for own in onsets.values()], axis=0)
        for phase, own in onsets.items():
            mine = (picks["phase"] == phase).to_numpy()
            for channel in np.flatnonzero(labelled):
                label = own[channel : channel + 1] / float(records.table[RATE].iloc[row])
                label = label[np.isfinite(label)]
                found = at_s[mine & (places == channel)]
                residuals.setdefault(phase, []).extend(match(label, found, TOLERANCE_S))
                count = counts.setdefault(phase, [0, 0])
                count[0] += len(label)
                count[1] += len(found)
    return {
        phase: {
            "labels": float(labels),
            "recall": len(residuals[phase]) / labels if labels else np.nan,
            "precision": len(residuals[phase]) / picks if picks else np.nan,
            "mae_ms": 1000 * float(np.mean(np.abs(residuals[phase])))
            if residuals[phase]
            else np.nan,
        }
        for phase, (labels, picks) in counts.items()
    }
