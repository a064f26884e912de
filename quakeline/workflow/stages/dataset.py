"""The catalog of an earlier run as a data set: what the picker of this run is trained on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.timeline import Span
from quakeline.training.datasets.rules import Rules

VERSION = 1

logger = logging.getLogger("quakeline")

_RESULTS = Path("results")
_TABLES = ("events", "arrivals", "picks")


class Config(Rules):
    """Records that are cut from the waveforms of an earlier run, around what its catalog says."""

    from_run: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="name of the run, in the same folder of results; null: no records are cut."
        " `quakeline run` makes it first where it is not there and an overlay of this name is",
    )

    @property
    def folder(self) -> Path:
        """The folder of the earlier run."""
        return _RESULTS / str(self.from_run)

    def tables(self) -> list[str]:
        """Paths of its catalog; none without a run. Raises ConfigError where it has no catalog."""
        if self.from_run is None:
            return []
        found = [self.folder / "catalog" / f"{name}.parquet" for name in _TABLES]
        if not found[0].is_file():
            raise ConfigError(
                f"dataset.from_run: {self.from_run!r} has no catalog in {self.folder}: `quakeline"
                f" run {self.from_run}` makes it"
            )
        return [str(path) for path in found]

    def others(self) -> list[str]:
        """Paths of what tells of its waveforms: stations and the manifests of all chunks."""
        if self.from_run is None:
            return []
        named = [self.folder / name for name in ("stations.parquet", "stations.xml")]
        found = [*named, *sorted(self.folder.glob("raw/*.parquet"))]
        return [str(path) for path in found]


def run(
    config: Config, *, catalog: list[Path], raw: list[Path], metadata: Path, waveforms: Path
) -> None:
    """Write a data set in SeisBench's format.

    Parameters
    ----------
    catalog, raw
        Tables and manifests of the earlier run, for the record of what it was made from.
    metadata, waveforms
        metadata.csv and waveforms.hdf5 of a folder of their own.

    Raises
    ------
    DataError
        The run gives no record, or neither kept its waveforms nor has its archive.
    """
    from quakeline.io import exports
    from quakeline.io.products import targets
    from quakeline.training.datasets import from_run

    folder = config.folder
    tables = exports.read_tables(folder)
    with targets.filling(metadata.parent, "run") as place:
        made = from_run.write(folder, tables, again(folder), config, place, _quiet)
    for reason, number in sorted(made.refused.items()):
        logger.info("dataset: left out: %d times %s", number, reason)
    for (part, kind), number in sorted(made.records.items()):
        logger.info("dataset: %s: %d of kind %s", part, number, kind)


def _quiet(done: float, total: float) -> None:
    pass


def again(run: Path, threads: int = 1) -> Callable[[Span, Path], None]:
    """A function that prepares a chunk of a finished run into a store, as it was prepared before.

    Its settings are those that the provenance of the chunk's coverage tells. The function raises
    DataError where the files of the archive are gone.
    """

    def prepare(span: Span, target: Path) -> None:
        from quakeline.core.schemas import MANIFEST
        from quakeline.io.products import provenance, tables
        from quakeline.io.products.runs import home_of
        from quakeline.workflow.stages import prepare as stage

        told = provenance.read(run / "coverage" / f"{span.id}.parquet").get("config", {})
        rows = tables.read(run / "raw" / f"{span.id}.parquet", MANIFEST)
        place = home_of(run)
        rows["path"] = [str(place / path) if path else path for path in rows["path"].fillna("")]
        used = rows[rows["status"] == "data"]
        missing = [path for path in used["path"] if not Path(path).is_file()]
        if missing or not told:
            gone = f"{missing[0]} of its archive" if missing else f"coverage/{span.id}.parquet"
            raise DataError(
                f"{run} kept no waveforms of {span.id}, and {gone} is gone: run it again with"
                " keep: [waveforms]"
            )
        here = target.parent / "manifest.parquet"
        tables.write(rows, MANIFEST, here)
        own = {name: told[name] for name in stage.Config.model_fields if name in told}
        stage.run(
            stage.Config.model_validate(own),
            chunk=span.id,
            margin_s=told["margin_s"],
            rate_hz=told["rate_hz"],
            manifest=here,
            stations=run / "stations.parquet",
            inventory=run / "stations.xml",
            threads=threads,
            waveforms=target,
            coverage=target.parent / "coverage.parquet",
        )

    return prepare
