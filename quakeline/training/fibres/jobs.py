"""A network for fibres trained as a file says: built, trained, scored, written with its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from pydantic import Field, JsonValue

from quakeline.core.errors import ConfigError
from quakeline.core.section import Section
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.networks import class_of
from quakeline.io.products.atomic import writing
from quakeline.training.datasets.records import TEST
from quakeline.training.fibres.fitting import scores, settings_for_fibres, train
from quakeline.training.fibres.records import FibreRecords
from quakeline.training.loop import Notify
from quakeline.training.settings import Settings


class FibreNetwork(Section):
    """A network that sees many channels of a fibre at once."""

    kind: Literal["das"] = Field("das", description="a network for fibres")
    model: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="MODULE:CLASS, in the working folder or installed, a class that derives from"
        " quakeline's DASModel",
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="arguments of the class, for a network from scratch"
    )
    weights: str | None = Field(
        None, description="a name or .safetensors file of the class, which is trained further"
    )


@dataclass(frozen=True)
class FibreResult:
    """What came of it.

    Attributes
    ----------
    best_epoch
        The epoch whose weights are kept.
    before, after
        Loss on the part dev before the training, and of the best epoch.
    scores
        Of the part test, as `fitting.scores`.
    """

    best_epoch: int
    before: float
    after: float
    scores: dict[str, dict[str, float]]


def built(network: FibreNetwork, seed: int, beside: Path) -> DASModel:
    """The network before it is trained; files of weights are relative to the folder `beside`.

    Raises
    ------
    WeightsError
        The class or its weights cannot be loaded.
    ConfigError
        It is no DASModel of quakeline, or its arguments do not fit.
    """
    kind: Any = class_of(network.model, "network.model")
    if not (isinstance(kind, type) and issubclass(kind, DASModel)):
        raise ConfigError(f"network.model: {network.model} given; allowed: a DASModel of quakeline")
    torch.manual_seed(seed)
    if network.weights is not None:
        if network.arguments:
            raise ConfigError("network: weights and arguments given; weights have their arguments")
        path = beside / network.weights
        begun: DASModel = kind.from_pretrained(path if path.is_file() else network.weights)
        return begun
    make: Any = kind  # whose arguments are those of a class of anybody
    try:
        blank: DASModel = make(**network.arguments)
    except Exception as error:  # classes of anybody
        why = " ".join(str(error).split())[:160] or type(error).__name__
        raise ConfigError(f"network.arguments: {network.model} cannot be built: {why}") from error
    return blank


def carried_out(
    model: DASModel,
    records: FibreRecords,
    settings: Settings,
    target: Path,
    name: str,
    device: str,
    notify: Notify,
    tell: Callable[[str], None],
) -> FibreResult:
    """Train a network, write its weights with their card and a table of epochs, and score it.

    A training that was stopped goes on from its last epoch. `tell` hears what was left out of
    records of the part test.

    Raises
    ------
    DataError, ConfigError, OutputError
        As `fitting.train`, and places that cannot be written.
    """
    rows: list[dict[str, float]] = []

    def heard(row: dict[str, float]) -> None:
        rows.append(row)
        with writing(log_of(target)):
            pd.DataFrame(rows, columns=["epoch", "learning_rate", "train_loss", "dev_loss"]).to_csv(
                log_of(target), index=False, lineterminator="\n"
            )
        notify(row)

    checkpoint = checkpoint_of(target)
    trained = train(model, records, settings, checkpoint=checkpoint, notify=heard, device=device)
    model.to("cpu")
    found = scores(model, records, tell=tell) if records.rows(TEST) else {}
    model.save(target, name=name, training=trained.training)
    checkpoint.unlink(missing_ok=True)
    losses = [row["dev_loss"] for row in trained.history]
    return FibreResult(trained.best_epoch, losses[0], losses[trained.best_epoch], found)


def log_of(target: Path) -> Path:
    """A row for each epoch."""
    return target.with_suffix(".csv")


def checkpoint_of(target: Path) -> Path:
    """Where training goes on from; gone when it is done."""
    return target.with_name(f"{target.stem}.checkpoint.safetensors")


def settings_of(given: Settings) -> Settings:
    """Settings that were given; what was not is as usual for fibres."""
    changes: dict[str, Any] = given.model_dump(exclude_unset=True)
    return settings_for_fibres(**changes)
