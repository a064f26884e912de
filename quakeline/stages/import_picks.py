"""Anybody's table of picks as picks of the run, so that it begins where the picker would end.

Does something only where `import_picks.table` names a table.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import Field

from quakeline.section import Section

VERSION = 1

logger = logging.getLogger("quakeline")


class Config(Section):
    """A table of picks that join those of the run, or are its only ones."""

    table: str | None = Field(
        None,
        min_length=1,
        description="CSV or Parquet file of picks: station, phase, time; its columns are described"
        " in docs/catalog.md; with `fetch: null` and no fibres the run begins at it; null: none",
    )

    def files(self) -> list[str]:
        """The table, if there is one."""
        return [self.table] if self.table else []


def run(config: Config, *, table: list[Path], stations: Path, span: str, picks: Path) -> None:
    """Write the picks (PICKS) of the table that lie in the span of the run.

    Raises DataError where the table cannot be used, or no pick belongs to a station.
    """
    from quakeline.association import given_picks
    from quakeline.io import tables
    from quakeline.schemas import PICKS, STATIONS
    from quakeline.timeline import Span

    known = tables.read(stations, STATIONS)
    given = given_picks(table[0], known, str(stations))
    whole = Span.parse(span)
    time_ns = given["time"].astype("int64")
    inside = (time_ns >= whole.start_ns) & (time_ns < whole.end_ns)
    if not inside.all():
        logger.warning(
            "import_picks: %d of %d picks lie outside of the run's time",
            (~inside).sum(),
            len(given),
        )
    logger.info("import_picks: %d picks of %s", inside.sum(), table[0])
    tables.write(given[inside], PICKS, picks)
