"""Picks of all stations and chunks to events: which picks belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.events.chain.associate import USED, Settings

if TYPE_CHECKING:
    import pandas as pd

VERSION = 19

Config = Settings

logger = logging.getLogger("quakeline")


def run(
    config: Config,
    *,
    picks: list[Path],
    coverage: list[Path],
    manifests: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    velocity_parts: list[Path],
    model: str,
    known: list[Path],
    threads: int,
    events: Path,
    arrivals: Path,
) -> None:
    """Write events (EVENTS, with preliminary origins) and their picks (ARRIVALS).

    `model` is the section `velocity` as JSON, `velocity` and `velocity_parts` its files; `known`
    are the events and arrivals of an earlier catalog, or none. Events that the run has found
    before keep their ids, by its ledger.

    Raises DataError when no station of the run has any usable data, or the ledger is damaged.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS, FIBRE_CHANNELS, PICKS, STATIONS
    from quakeline.earth.sections import model_of
    from quakeline.earth.sites import Sites
    from quakeline.events.association import with_ledger
    from quakeline.events.chain.associate import associated, known_catalog
    from quakeline.io.products import tables

    _require_data(coverage, manifests)
    ledger = _ledger(ledger_of(events))
    found, grouped = associated(
        config,
        tables.read_many(picks, PICKS, columns=USED),
        Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS)),
        model_of(velocity, model),
        threads,
        earlier=[*known_catalog(known), (ledger.drop_duplicates("event_id"), ledger)],
        progress=_tell,
    )
    _extend(ledger_of(events), ledger, with_ledger(ledger, found, grouped))
    tables.write(found, EVENTS, events)
    tables.write(grouped, ARRIVALS, arrivals)


def _tell(done: int, total: int) -> None:
    if done % max(1, total // 20) == 0:
        logger.info("associate: %d of %d blocks of time", done, total)


def ledger_of(events: Path) -> Path:
    """The ledger of ids (EVENT_IDS) of a run, from the path of its preliminary events.

    It is no product that Snakemake knows: that would be removed before the stage can read it.
    """
    return events.parents[1] / "ids.parquet"


def _ledger(path: Path) -> pd.DataFrame:
    from quakeline.core.schemas import EVENT_IDS
    from quakeline.io.products import tables

    return tables.read(path, EVENT_IDS) if path.exists() else tables.empty(EVENT_IDS)


def _extend(path: Path, ledger: pd.DataFrame, extended: pd.DataFrame) -> None:
    from quakeline.core.schemas import EVENT_IDS
    from quakeline.io.products import tables

    if not extended.equals(ledger):
        tables.write(extended, EVENT_IDS, path)


def _require_data(coverage: list[Path], manifests: list[Path]) -> None:
    """Refuse a run without any usable data, naming the reasons; a day without data is no error.

    A run that begins at a table of picks has no data to look at.
    """
    from quakeline.core.errors import DataError
    from quakeline.core.schemas import COVERAGE
    from quakeline.io.products import remarks, tables

    if not coverage or (tables.read_many(coverage, COVERAGE)["coverage"] > 0).any():
        return
    found = [r for r in remarks.collect(manifests, coverage) if r.status != "used"]
    causes = [r for r in found if r.status != "no data"] or found
    why = "; ".join(f"{r.text} ({remarks.some(r.where, 2)})" for r in causes[:3])
    raise DataError(f"no data of the whole run can be used: {why}")
