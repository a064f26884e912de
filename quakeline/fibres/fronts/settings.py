"""The sections `das_annotate` and `das_pick`: onsets of channels, and fronts along a fibre."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from quakeline.core.section import MayBeAuto, Section, Thresholds


class OnsetSettings(Section):
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


class FrontSettings(Section):
    """What makes a front of onsets along a fibre, and how many of its picks are associated."""

    reach_channels: int = Field(
        20, ge=1, description="neighbours on both sides of a channel that are asked"
    )
    min_share: float = Field(
        0.3, gt=0, le=1, description="part of the live neighbours that must have an onset near"
    )
    min_channels: int = Field(10, ge=2, description="channels that a front needs")
    tolerance_s: float = Field(
        0.1, gt=0, le=5, description="largest distance of an onset from the local line, in seconds"
    )
    slowest_m_s: float = Field(
        500.0, gt=0, description="smallest apparent velocity along the fibre, in m/s"
    )
    max_s_minus_p_s: float = Field(
        60.0, gt=0, description="largest delay of S behind P, in seconds"
    )
    associate_every_m: float = Field(
        100.0,
        ge=0,
        description="one pick of a front in each such stretch of the fibre is associated, in m; 0:"
        " all picks of a front",
    )
    panels: int = Field(
        3, ge=0, le=50, description="pictures of a chunk for the report, of the largest fronts"
    )
