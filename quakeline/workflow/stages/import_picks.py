"""Anybody's table of picks as picks of the run, so that it begins where the picker would end.

Does something only where `import_picks.table` names a table.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.section import Section

if TYPE_CHECKING:
    import pandas as pd


VERSION = 7

logger = logging.getLogger("quakeline")


class Config(Section):
    """A table of picks that join those of the run, replace them, or are its only ones."""

    table: str | None = Field(
        None,
        min_length=1,
        description="CSV or Parquet file of picks: station, phase, time; its columns are described"
        " in docs/catalog.md; with `fetch: null` and no fibres the run begins at it; null: none",
    )
    replaces: bool = Field(
        False,
        description="whether the picks of the table take the place of those that the networks of"
        " the run made, as a table of revised picks does; false: they join them",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.replaces and self.table is None:
            raise ValueError("replaces: true given without a table; needed is table")
        return self

    def files(self) -> list[str]:
        """The table, if there is one."""
        return [self.table] if self.table else []


def run(
    config: Config,
    *,
    table: list[Path],
    stations: Path,
    channels: list[Path],
    span: str,
    picks: Path,
    manifest: Path,
) -> None:
    """Write the picks (PICKS) of the table that lie in the span of the run, and what was left out.

    `manifest` (MANIFEST) has a row for the table, and one for each reason why picks are of no use:
    that they are neither P nor S, that they lie outside of the span, or that no station and no
    channel of a fibre has their name.

    Raises DataError where the table cannot be used, or no pick belongs to a station.
    """
    from quakeline.core.reasons import unpacked
    from quakeline.core.schemas import FIBRE_CHANNELS, MANIFEST, PICKS, STATIONS
    from quakeline.core.timeline import Span
    from quakeline.earth.sites import Sites
    from quakeline.events.association import given_picks
    from quakeline.io.formats.pick_tables import LEFT_OUT
    from quakeline.io.products import tables

    known = tables.read(stations, STATIONS)
    sites = Sites.of(known, tables.read_many(channels, FIBRE_CHANNELS))
    given = given_picks(table[0], known, str(stations), sites)
    inside = tables.inside(given, Span.parse(span))
    reasons = []
    if not inside.all():
        reasons.append(Reason.of(Code.PICKS_OUTSIDE, (~inside).sum(), of=len(given)))
    placeless = given[inside & (sites.find(given) < 0)]
    for station, some in placeless.groupby(placeless["network"] + "." + placeless["station"]):
        reasons.append(Reason.of(Code.PICKS_PLACELESS, len(some), station=station))
    for reason in reasons:
        logger.warning("import_picks: %s", reason)
    logger.info("import_picks: %d picks of %s", inside.sum(), table[0])
    tables.write(given[inside], PICKS, picks)
    left_out = unpacked(given.attrs.get(LEFT_OUT, ""))  # warned of when they were read
    tables.write(_manifest(table[0], [*left_out, *reasons]), MANIFEST, manifest)


def _manifest(table: Path, reasons: list[Reason]) -> pd.DataFrame:
    """The table as a file that holds data, and why some of its picks are of no use."""
    import pandas as pd

    size = table.stat().st_size
    rows = [{"path": str(table), "bytes": size, "status": "data", **cells("reason", [])}]
    rows += [
        {"path": str(table), "status": "unused", **cells("reason", [reason])} for reason in reasons
    ]
    return pd.DataFrame(rows)
