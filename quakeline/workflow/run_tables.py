"""The tables of a finished run, or of a catalog alone, as the summary tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.io.formats.focal_mechanisms import Focal


@dataclass(frozen=True)
class RunTables:
    """The tables of a run: EVENTS, PICKS, and with a column `chunk` MANIFEST and COVERAGE.

    `chunks` names all chunks of data, `stations` is the station table, `n_candidates` counts the
    events before location (None where the tables do not exist); `imported` are ids of the picks
    that came from a table, `focal` are mechanisms and polarities, None in a run without them.
    Without `is_run` the folder is that of a catalog, which says nothing of data.
    """

    folder: Path
    events: pd.DataFrame
    picks: pd.DataFrame
    manifest: pd.DataFrame
    coverage: pd.DataFrame
    chunks: list[str]
    stations: pd.DataFrame | None
    n_candidates: int | None
    imported: set[str] | None
    focal: Focal | None
    is_run: bool = True

    @property
    def given_only(self) -> bool:
        """Whether there were picks to begin with, and no data to look at."""
        return not self.chunks and (self.imported is not None or not self.is_run)

    @property
    def data(self) -> pd.DataFrame:
        """Rows of the manifest whose files hold data."""
        return self.manifest[self.manifest["status"] == "data"]

    @property
    def usable(self) -> pd.DataFrame:
        """Rows with network, station and chunk of data that served; before preparation, `data`."""
        return self.coverage[self.coverage["coverage"] > 0] if len(self.coverage) else self.data


def load(run_dir: Path) -> RunTables:
    """Read the tables of a run. Raises DataError for a folder that holds no finished run."""
    from quakeline.core.schemas import COVERAGE, EVENTS, MANIFEST, PICKS
    from quakeline.io.exports import read_focal
    from quakeline.io.products import tables
    from quakeline.io.products.remarks import read_chunks

    _check(run_dir)
    catalog = run_dir / "catalog"
    manifests = chunk_tables(run_dir, "raw")
    chunks = sorted({path.stem for path in manifests})
    return RunTables(
        folder=run_dir,
        events=tables.read(catalog / "events.parquet", EVENTS),
        picks=tables.read(catalog / "picks.parquet", PICKS),
        manifest=read_chunks(manifests, MANIFEST),
        coverage=read_chunks(chunk_tables(run_dir, "coverage"), COVERAGE),
        chunks=chunks,
        stations=_stations(run_dir / "stations.parquet"),
        n_candidates=_count_rows(run_dir / "associations" / "events.parquet"),
        imported=_imported(run_dir / "imported" / "picks.parquet"),
        focal=read_focal(catalog),
    )


def load_catalog(folder: Path) -> RunTables:
    """Read the tables of a catalog that a command or a live session wrote. Raises DataError."""
    from quakeline.core.schemas import COVERAGE, MANIFEST
    from quakeline.io.exports import read_tables
    from quakeline.io.products import tables

    found = read_tables(folder)
    return RunTables(
        folder=folder,
        events=found.events,
        picks=found.picks,
        manifest=tables.empty(MANIFEST).assign(chunk=""),
        coverage=tables.empty(COVERAGE).assign(chunk=""),
        chunks=[],
        stations=found.stations,
        n_candidates=None,
        imported=None,
        focal=found.focal,
        is_run=False,
    )


def _imported(path: Path) -> set[str] | None:
    from quakeline.core.schemas import PICKS
    from quakeline.io.products import tables

    return set(tables.read(path, PICKS)["pick_id"]) if path.is_file() else None


def _check(run_dir: Path) -> None:
    """Raise DataError unless the folder holds a catalog."""
    root = run_dir.parent
    runs = sorted(path.name for path in root.glob("*") if path.is_dir() and path != run_dir)
    known = f"runs in {root}: {', '.join(runs)}" if runs else f"there is no other run in {root}"
    if not run_dir.is_dir():
        raise DataError(f"run {run_dir.name!r} does not exist; {known}")
    if not (run_dir / "catalog" / "events.parquet").is_file():
        raise DataError(
            f"run {run_dir.name!r} has no catalog yet: it is not finished (logs in "
            f"{run_dir / 'logs'}); {known}"
        )


def chunk_tables(run_dir: Path, product: str) -> list[Path]:
    """The tables of a product of all chunks, those of fibres included."""
    of_fibres = (run_dir / "fibres").glob(f"*/{product}/*.parquet")
    return [*sorted((run_dir / product).glob("*.parquet")), *sorted(of_fibres)]


def _stations(path: Path) -> pd.DataFrame | None:
    from quakeline.core.schemas import STATIONS
    from quakeline.io.products import tables

    return tables.read(path, STATIONS) if path.is_file() else None


def _count_rows(path: Path) -> int | None:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows) if path.is_file() else None
