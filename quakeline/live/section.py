"""The section `live`: where packets come from, how long gaps are waited for, where picks go."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from quakeline.core.section import Section
from quakeline.live.events.section import Events
from quakeline.live.feeds import AnyFeed
from quakeline.live.publishing import AnyPublisher


class Live(Section):
    """What `quakeline live` does with the run's network, settings and responses."""

    feed: AnyFeed = Field(description="where packets of waveforms come from")
    patience_s: float = Field(
        30.0,
        ge=0,
        le=3600,
        description="a gap in a channel is waited for until data behind it have been there for so"
        " long, in seconds; what comes later is left out",
    )
    silence_s: float = Field(
        300.0,
        ge=30,
        le=86_400,
        description="a station of which nothing comes for so long, while others go on, is picked to"
        " its end, in seconds; it begins anew when it is back",
    )
    hurry: bool = Field(
        False,
        description="say picks as preliminary after each step of windows, and again whenever they"
        " change and when they are final, with the same id; tables hold the final ones",
    )
    output: str | None = Field(
        None, description="folder of the picks; null: live/<run>", examples=["live/unterhaching"]
    )
    events: Events | None = Field(
        Events(), description="how events follow from picks; null: picks alone"
    )
    publish: list[AnyPublisher] = Field(
        default_factory=list,
        description="who else gets each pick and each update of an event as soon as it is made",
    )

    def recipe(self) -> dict[str, Any]:
        """Those settings that picks follow from, as JSON has them.

        Where picks go is none of them, nor is how data come. How long a feed that never ends is
        waited for may change between two starts.
        """
        waits = {"patience_s", "silence_s"} if self.feed.IS_FINITE else set()
        return {**self.model_dump(mode="json", include=waits), "feed": self.feed.recipe()}
