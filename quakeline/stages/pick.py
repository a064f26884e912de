"""Probabilities to picks: onset, uncertainty, signal-to-noise ratio, amplitude, nearest gap."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, cast

from pydantic import Field, field_validator

from quakeline.section import Section, Thresholds
from quakeline.timeline import Span

VERSION = 2

logger = logging.getLogger("quakeline")


class Config(Section):
    """Which peaks of the probabilities become picks, and what is measured on them."""

    thresholds: Thresholds = Field(
        default_factory=dict,
        description="smallest probability of a pick, by phase, e.g. {P: 0.4}; auto, also of a phase"
        " that is not named: that of the network's weights",
    )
    rule: Literal["local", "archive-scan"] = Field(
        "local",
        description="local: every largest probability within `min_distance_s` is a pick;"
        " archive-scan: as Seismo-Performer's authors pick, at most one of a phase in 100 s, and"
        " only where the phase's mean over 2 s is the largest of all classes: misses events that"
        " follow each other, and depends on cuts unless chunks are multiples of 600 s",
    )
    min_distance_s: float = Field(
        0.5,
        gt=0,
        le=5,
        description="a pick is the largest probability within this time on both sides, seconds",
    )
    gap_guard_s: float = Field(
        1.0, ge=0, le=10, description="no pick closer than this to the edge of a gap, seconds"
    )
    noise_s: tuple[float, float] = Field(
        (5.0, 0.5),
        description="noise window of the signal-to-noise ratio: from and to seconds before the"
        " onset (at most 10)",
    )
    signal_s: float = Field(
        2.0, ge=0.1, le=10, description="window after the onset for ratio and amplitude, seconds"
    )

    @field_validator("noise_s")
    @classmethod
    def _noise_before_onset(cls, value: tuple[float, float]) -> tuple[float, float]:
        begin, end = value
        if not 10 >= begin >= end + 0.1 >= 0.1:
            raise ValueError(
                "the window must begin at most 10 s before and end 0.1 s later or more"
            )
        return value


def run(config: Config, *, chunk: str, probabilities: Path, waveforms: Path, picks: Path) -> None:
    """Write the picks (PICKS) whose onset lies in the chunk."""
    from quakeline.io import provenance, stores, tables
    from quakeline.picking import Rules, picks_of_stores
    from quakeline.schemas import PICKS, PROBABILITIES, WAVEFORMS

    curves = stores.open_store(probabilities, PROBABILITIES)
    levels = {**cast("dict[str, float]", curves.attrs["thresholds"]), **config.thresholds}
    provenance.carry(provenance.read(probabilities).get("chosen", {}))
    provenance.chose("pick", config.plain(), {"thresholds": levels})
    frame = picks_of_stores(
        curves,
        stores.open_store(waveforms, WAVEFORMS),
        Rules(**dict(config)),
        Span.parse(chunk),
    )
    for phase, count in frame["phase"].value_counts().sort_index().items():
        logger.info("pick: %d %s", count, phase)
    if frame.empty:
        logger.info("pick: no picks in this chunk")
    tables.write(frame, PICKS, picks)
