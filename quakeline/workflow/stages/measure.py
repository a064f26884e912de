"""Amplitudes and spectral levels around each pick, while the waveforms exist."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.events.measurement.settings import Settings

VERSION = 2

logger = logging.getLogger("quakeline")

Config = Settings


def run(config: Config, *, chunk: str, picks: Path, waveforms: Path, measurements: Path) -> None:
    """Write the sketches (MEASUREMENTS) of the picks (PICKS) that lie in the chunk.

    `picks` may be those of the whole run.
    """
    from quakeline.core.schemas import MEASUREMENTS, PICKS, WAVEFORMS
    from quakeline.core.timeline import Span
    from quakeline.events.measurement.stores import measured
    from quakeline.io.products import stores, tables

    made = tables.read(picks, PICKS)
    made = made[tables.inside(made, Span.parse(chunk))]
    store = stores.open_store(waveforms, WAVEFORMS)
    frame = measured(made, store, config)
    with_response = frame.loc[frame["wood_anderson_mm"].notna(), "pick_id"].nunique()
    logger.info(
        "measure: %d picks, %d with a Wood-Anderson amplitude",
        frame["pick_id"].nunique(),
        with_response,
    )
    tables.write(frame, MEASUREMENTS, measurements)
