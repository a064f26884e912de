"""Files of miniSEED that grow, and standard input."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from quakeline.live.feeds.protocol import BaseFeed, Feed

#: The path that stands for standard input.
STANDARD_INPUT = "-"


class MiniSeed(BaseFeed):
    """miniSEED that other programs append to files, or write to standard input."""

    CONNECTION: ClassVar[frozenset[str]] = frozenset({"existing", "poll_s"})

    kind: Literal["miniseed"] = Field(
        "miniseed", description="miniSEED in files that grow, or on standard input"
    )
    paths: list[str] = Field(
        description="files, folders (with all below them) or patterns with *, ? and **; - alone"
        " is standard input, with which the feed ends",
        min_length=1,
    )
    existing: bool = Field(
        True, description="whether what the files hold at the first start is read, too"
    )
    poll_s: float = Field(
        0.5, gt=0, le=600, description="time between two looks at the files, in seconds"
    )

    @model_validator(mode="after")
    def _require_one_kind(self) -> MiniSeed:
        if STANDARD_INPUT in self.paths and len(self.paths) > 1:
            raise ValueError("paths: - is standard input and stands alone")
        return self

    def open(self, state: dict[str, Any] | None = None) -> Feed:
        """Start, after the packets of an earlier feed where its `state` is given."""
        from quakeline.live.feeds.miniseed_reading import FilesFeed, InputFeed

        if self.paths == [STANDARD_INPUT]:
            return InputFeed()
        return FilesFeed(self.paths, self.existing, self.poll_s, state)
