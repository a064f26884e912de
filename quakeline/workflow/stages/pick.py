"""Probabilities to picks: onset, uncertainty, signal-to-noise ratio, amplitude, nearest gap."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.core.timeline import Span
from quakeline.picking.settings import Settings

if TYPE_CHECKING:
    from quakeline.io.products.curves import Curves

VERSION = 3
#: The stage whose work `run_with_earlier` does too, and the input of `run` that it makes.
EARLIER = ("annotate", "probabilities")

logger = logging.getLogger("quakeline")

Config = Settings


def run(config: Config, *, chunk: str, probabilities: Path, waveforms: Path, picks: Path) -> None:
    """Write the picks (PICKS) whose onset lies in the chunk."""
    from quakeline.core.schemas import PROBABILITIES
    from quakeline.io.products import provenance, stores
    from quakeline.io.products.curves import Curves

    curves = Curves.of_store(stores.open_store(probabilities, PROBABILITIES))
    provenance.carry(provenance.read(probabilities).get("chosen", {}))
    _write(config, Span.parse(chunk), curves, waveforms, picks)


def run_with_earlier(
    config: Config,
    *,
    earlier: Any,
    chunk: str,
    waveforms: Path,
    weights: Path,
    threads: int,
    picks: Path,
) -> None:
    """Write the same picks where nobody else reads probabilities: they are made, not stored.

    `earlier` is how the network is applied, the section `annotate`.
    """
    from quakeline.workflow.stages import annotate

    made = annotate.annotated(earlier, waveforms=waveforms, weights=weights, threads=threads)
    _write(config, Span.parse(chunk), made.curves, waveforms, picks)


def _write(config: Config, span: Span, curves: Curves, waveforms: Path, picks: Path) -> None:
    from quakeline.core.schemas import PICKS, WAVEFORMS
    from quakeline.io.products import provenance, stores, tables
    from quakeline.picking.extraction import picks_of_curves

    levels = {**curves.thresholds, **config.thresholds}
    provenance.chose("pick", config.plain(), {"thresholds": levels})
    frame = picks_of_curves(curves, stores.open_store(waveforms, WAVEFORMS), config, span)
    for phase, count in frame["phase"].value_counts().sort_index().items():
        logger.info("pick: %d %s", count, phase)
    if frame.empty:
        logger.info("pick: no picks in this chunk")
    tables.write(frame, PICKS, picks)
