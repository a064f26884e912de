"""Raw files of a chunk to gap-masked waveforms on the absolute grid of the network's rate."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import Field

from quakeline.core.section import Section
from quakeline.core.timeline import Span
from quakeline.io.formats.codes import Code
from quakeline.waveforms.preparation.settings import Response

VERSION = 9

logger = logging.getLogger("quakeline")


class Prefer(Section):
    """Which instrument of a station is used, where it has several; both empty: all of them."""

    instruments: list[Code] = Field(
        default_factory=list,
        description="band and instrument codes in order, e.g. [HH, EH, BH, HN]; others come last",
    )
    locations: list[Code] = Field(
        default_factory=list,
        description='location codes in order, e.g. ["00", "", "10"], among equal instruments',
    )


class Config(Section):
    """How raw samples become waveforms."""

    bridge_gap_s: float = Field(
        0.1, ge=0, le=5, description="gaps up to this length in seconds are filled by a line"
    )
    mend_spikes: bool = Field(
        True,
        description="replace spikes of one sample by the mean of their neighbours; false: they are"
        " noted only",
    )
    instruments: list[Code] = Field(
        default_factory=list,
        description="band and instrument codes to use, e.g. [HH, EH]; empty: all",
    )
    prefer: Prefer = Field(
        default=Prefer(),
        description="one instrument for each station and chunk: the first that has at least half as"
        " much usable data as the one that has most",
    )
    response: Response = Response()


def run(
    config: Config,
    *,
    chunk: str,
    margin_s: float,
    rate_hz: float,
    manifest: Path,
    stations: Path,
    inventory: Path,
    threads: int = 1,
    waveforms: Path,
    coverage: Path,
) -> None:
    """Write waveforms (WAVEFORMS) of a chunk with its margins, and what was found (COVERAGE)."""
    from quakeline.core.schemas import COVERAGE, MANIFEST
    from quakeline.io.formats import inventory as inventories
    from quakeline.io.products import tables
    from quakeline.waveforms.preparation.components import Preparer
    from quakeline.waveforms.preparation.preference import Preference

    rows = tables.read(manifest, MANIFEST)
    preparer = Preparer(
        span=Span.parse(chunk),
        margin_s=margin_s,
        rate_hz=rate_hz,
        bridge_gap_s=config.bridge_gap_s,
        response=config.response,
        inventory=inventories.read([inventory]),
        mend_spikes=config.mend_spikes,
        prefer=Preference(config.prefer.instruments, config.prefer.locations),
    )
    used = rows[rows["status"] == "data"]
    table = preparer.write(used, config.instruments, waveforms, threads)
    for _, row in table[table["status"] == "unused"].iterrows():
        name = f"{row['network']}.{row['station']}.{row['location']}.{row['channels']}"
        logger.warning("unused: %s: %s", name, row["notes"])
    tables.write(table, COVERAGE, coverage)
