"""The picker of the run trained further before it picks, on given records or an earlier catalog."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import Field

from quakeline.core.errors import ConfigError
from quakeline.core.section import Section
from quakeline.training.settings import Settings

VERSION = 5

logger = logging.getLogger("quakeline")


class Config(Section):
    """The network of `weights` is trained further, and the result picks in this run."""

    dataset: str | None = Field(
        None,
        min_length=1,
        description="data set, as `quakeline dataset inspect` takes it; null: the one that section"
        " `dataset` cuts from an earlier run",
    )
    name: str | None = Field(
        None, min_length=1, description="name of the new weights; null: that of the run"
    )
    resample: bool = Field(
        False, description="whether records of another rate are brought to that of the network"
    )
    settings: Settings = Field(
        default_factory=Settings, description="as of `quakeline tune picker`, docs/training.md"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where it is trained; auto: a GPU when there is one"
    )

    def files(self) -> list[str]:
        """The files of the given data set. Raises ConfigError where there is none."""
        if self.dataset is None:
            return []
        path = Path(self.dataset)
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not found or not path.exists():
            raise ConfigError(f"train.dataset: {self.dataset!r} does not exist, or is empty")
        return [str(one) for one in found]


def run(
    config: Config,
    *,
    parent: Path,
    records: list[Path],
    run_name: str,
    threads: int,
    weights: Path,
    epochs: Path,
    page: Path,
) -> None:
    """Write weights with their card, the table of epochs and the report of the training.

    Stopped, it goes on from its last epoch; with other settings, records or weights it begins anew.

    Parameters
    ----------
    parent
        The weights to begin with.
    records
        Files of the data set; of one that section `dataset` made, where `config` names none.

    Raises
    ------
    DataError
        The network cannot learn from the records.
    ConfigError, WeightsError, OutputError
        Settings, weights or places that do not fit.
    """
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.jobs import Job
    from quakeline.training.tuning import tune

    job = Job(
        dataset=open_dataset(Path(config.dataset) if config.dataset else records[0].parent),
        settings=config.settings,
        target=weights,
        name=config.name or run_name,
        parent=parent,
        resample=config.resample,
        device=config.device,
        threads=threads,
        command=f"quakeline run {run_name}",
        begins_anew=True,
    )
    if (epochs, page.parent) != (job.log, job.report):
        raise ValueError(f"{epochs} and {page.parent} are not beside {weights}")
    result = tune(job, lambda row: logger.info("train: %s", _words(row)))
    if result is None:
        raise ConfigError(
            "several processes of torchrun given; a run trains in one, `tune picker` in several"
        )
    for name, scores in result.scores.items():
        for phase, one in scores.items():
            logger.info(
                "train: on the part test %s has F1 %.3f of %d %s", name, one.f1, one.labels, phase
            )
    for doubt in result.doubts:
        logger.warning("train: %s", doubt)


def _words(row: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())
