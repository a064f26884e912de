"""Fibre data through the network: onsets of every channel, each for itself."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.core.timeline import Span
from quakeline.fibres.fronts.settings import OnsetSettings

VERSION = 8

logger = logging.getLogger("quakeline")

Config = OnsetSettings


def run(
    config: Config,
    *,
    chunk: str,
    fibre: str,
    settings: str,
    manifest: Path,
    channels: Path,
    weights: Path,
    threads: int,
    onsets: Path,
    coverage: Path,
) -> None:
    """Write the onsets (ONSETS) of a fibre in a chunk and a little beyond, and its COVERAGE.

    Reading, computing and picking each have a thread; memory is that of a few windows.
    """
    from quakeline.core.schemas import COVERAGE, FIBRE_CHANNELS, MANIFEST, ONSETS
    from quakeline.fibres.fronts.onsets import Picker
    from quakeline.fibres.section import Fibre
    from quakeline.io.products import provenance, tables
    from quakeline.models.weights import card_of

    described = Fibre.model_validate_json(settings)
    picker = Picker(weights, config, threads)
    levels = {**card_of(weights)[0].thresholds, **config.thresholds}
    provenance.chose("das_annotate", config.plain(), {"thresholds": levels})
    found, row = picker.pick(
        fibre,
        tables.read(manifest, MANIFEST),
        tables.read(channels, FIBRE_CHANNELS),
        described.material,
        Span.parse(chunk),
    )
    for phase, count in found["phase"].value_counts().sort_index().items():
        logger.info("das_annotate: %d %s on single channels", count, phase)
    tables.write(found, ONSETS, onsets)
    tables.write(row, COVERAGE, coverage)
