"""The section `live.events`: how events follow from the picks of the last minutes."""

from __future__ import annotations

from pydantic import Field

from quakeline.core.section import Section


class Events(Section):
    """Events while picks arrive, by the run's own sections associate, locate, magnitude, classify.

    Every association takes the picks of a window that slides; see docs/live_events.md.
    """

    window_s: float = Field(
        900.0,
        ge=60,
        le=86_400,
        description="picks before an event that still may change are associated along with it up to"
        " so many seconds back: from them errors and delays of picks are learnt",
    )
    settle_s: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="an event is final when the picks of all stations are known for so long after"
        " its last possible arrival, in seconds",
    )
    wait_s: float = Field(
        600.0,
        ge=30,
        le=86_400,
        description="events do not wait for a station whose picks are more than so many seconds"
        " behind those of others",
    )
    step_s: float = Field(
        1.0,
        gt=0,
        le=600,
        description="least time between two associations, in seconds; they also leave three"
        " quarters of the time to what picks",
    )
    review: bool = Field(
        True,
        description="make the events of each day (UTC) anew when it is over, and those of a replay"
        " at its end, of all their picks together, as an archive does, and tell what differs",
    )
