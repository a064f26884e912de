"""The feed `replay`: recordings on disk as packets that arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from quakeline.live.feeds.protocol import BaseFeed

if TYPE_CHECKING:
    from quakeline.live.feeds.replaying import Replaying


class Replay(BaseFeed):
    """Files that `quakeline pick` reads, as a feed."""

    IS_FINITE: ClassVar[bool] = True
    CONNECTION: ClassVar[frozenset[str]] = frozenset({"speed"})

    kind: Literal["replay"] = Field("replay", description="recordings on disk")
    paths: list[str] = Field(min_length=1, description="waveform files, or folders of them")
    packet_s: float = Field(5.0, gt=0, le=3600, description="length of packets, seconds")
    random_sizes: bool = Field(
        False, description="lengths are random, from next to nothing to twice packet_s"
    )
    shuffle_s: float = Field(
        0.0, ge=0, le=3600, description="packets are late by up to this, each by itself, seconds"
    )
    loss: float = Field(0.0, ge=0, lt=1, description="share of packets that never come")
    duplicate: float = Field(0.0, ge=0, le=1, description="share of packets that come twice")
    outage: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of stations that are cut off for up to two minutes in each 15 minutes",
    )
    outage_s: float = Field(120.0, gt=0, le=900, description="longest cut, seconds")
    stations: list[str] = Field(
        ["*"], description="patterns of NET.STA.LOC.CHA of the channels that are replayed"
    )
    speed: Annotated[float, Field(gt=0)] | Literal["max"] = Field(
        "max", description="times real time, or max: as fast as possible"
    )
    seed: int = Field(0, ge=0, description="another number, other sizes, delays and losses")

    def open(self, state: dict[str, Any] | None = None) -> Replaying:
        """Begin, after the packet that an earlier state names. Raises DataError without data."""
        from quakeline.live.feeds.replaying import Plan, Replaying
        from quakeline.waveforms.preparation.recordings import of_files

        plan = Plan(**self.model_dump(exclude={"kind", "paths"}))
        return Replaying(plan, of_files(self.paths), state)

    def inputs(self) -> dict[str, str]:
        """Size (bytes) and time of change (ns) of each file."""
        inside = [
            path
            for given in map(Path, self.paths)
            for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
            if path.is_file()
        ]
        return {str(one): f"{one.stat().st_size} {one.stat().st_mtime_ns}" for one in inside}
