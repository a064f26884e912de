"""The section `pick`: which peaks become picks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from quakeline.core.section import Section, Thresholds

#: How peaks become picks.
Rule = Literal["local", "archive-scan"]


class Settings(Section):
    """Which peaks of the probabilities become picks, and what is measured on them.

    With `rule` "archive-scan", in each 600 s since 1970 and each phase, the highest peaks that are
    100 s apart are picks where the mean probability of the phase over 2 s is at least that of every
    other class (all other classes than the phases count as one). So the program archive_scan.py of
    Stepnov et al. (2021, doi:10.3390/s21186290) picks, which cannot find a second event within
    100 s.
    """

    thresholds: Thresholds = Field(
        default_factory=dict,
        description="smallest probability of a pick, by phase, e.g. {P: 0.4}; auto, also of a phase"
        " that is not named: that of the network's weights",
    )
    rule: Rule = Field(
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
