"""Fibre data through the network: onsets of every channel, each for itself."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from quakeline.section import MayBeAuto, Section, Thresholds
from quakeline.timeline import Span

VERSION = 7

logger = logging.getLogger("quakeline")


class Config(Section):
    """How the network is applied to fibre data."""

    thresholds: Thresholds = Field(
        default_factory=dict,
        description="smallest probability of an onset, by phase; auto, also of a phase that is not"
        " named: that of the network's weights. Lower than for seismometers serves: das_pick"
        " cleans",
    )
    min_distance_s: float = Field(
        1.0, gt=0, le=10, description="between onsets of a phase on a channel, in seconds"
    )
    gap_guard_s: float = Field(
        1.0, ge=0, le=10, description="no onset closer than this to the edge of a gap, seconds"
    )
    components: Literal["clone", "pad"] = Field(
        "clone",
        description="clone: a channel is all components of the network's input; pad: the vertical"
        " one, the others are zero",
    )
    overlap: float = Field(
        0.5, ge=0, lt=1, description="part by which neighbouring windows of the network overlap"
    )
    batch: Annotated[Annotated[int, Field(ge=1, le=4096)] | None, MayBeAuto()] = Field(
        None,
        description="channels in one forward pass; of a network that sees many channels at once,"
        " patches; auto: the best for the one, 2 for the other",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where the network runs; auto: a GPU when there is one"
    )


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
    from quakeline.das.onsets import Picker
    from quakeline.fibres import Fibre
    from quakeline.io import provenance, tables
    from quakeline.models.weights import card_of
    from quakeline.schemas import COVERAGE, FIBRE_CHANNELS, MANIFEST, ONSETS

    described = Fibre.model_validate_json(settings)
    picker = Picker(
        weights,
        config.components,
        config.device,
        threads,
        config.batch,
        config.overlap,
        config.thresholds,
        config.min_distance_s,
        config.gap_guard_s,
    )
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
