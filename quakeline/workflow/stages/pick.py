"""Probabilities to picks: onset, uncertainty, signal-to-noise ratio, amplitude, nearest gap."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

from quakeline.core.timeline import Span
from quakeline.picking.settings import Settings

VERSION = 3

logger = logging.getLogger("quakeline")

Config = Settings


def run(config: Config, *, chunk: str, probabilities: Path, waveforms: Path, picks: Path) -> None:
    """Write the picks (PICKS) whose onset lies in the chunk."""
    from quakeline.core.schemas import PICKS, PROBABILITIES, WAVEFORMS
    from quakeline.io.products import provenance, stores, tables
    from quakeline.picking.extraction import picks_of_stores

    curves = stores.open_store(probabilities, PROBABILITIES)
    levels = {**cast("dict[str, float]", curves.attrs["thresholds"]), **config.thresholds}
    provenance.carry(provenance.read(probabilities).get("chosen", {}))
    provenance.chose("pick", config.plain(), {"thresholds": levels})
    frame = picks_of_stores(
        curves,
        stores.open_store(waveforms, WAVEFORMS),
        config,
        Span.parse(chunk),
    )
    for phase, count in frame["phase"].value_counts().sort_index().items():
        logger.info("pick: %d %s", count, phase)
    if frame.empty:
        logger.info("pick: no picks in this chunk")
    tables.write(frame, PICKS, picks)
