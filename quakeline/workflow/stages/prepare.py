"""Raw files of a chunk to gap-masked waveforms on the absolute grid of the network's rate."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.core.timeline import Span
from quakeline.waveforms.preparation.settings import Settings

VERSION = 11

logger = logging.getLogger("quakeline")


Config = Settings


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
