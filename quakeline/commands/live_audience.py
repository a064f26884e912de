"""Who is told of a session of `quakeline live`: standard output, publishers, a page."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.live.events.updates import Update
    from quakeline.live.publishing.publishers import Publishers
    from quakeline.live.running import Running
    from quakeline.live.serving.server import Shown
    from quakeline.live.session import Session


def tell(line: str) -> None:
    """Say a line on standard error, beside the picks."""
    typer.echo(line, err=True)


def _say(row: dict[str, Any]) -> None:
    from quakeline.live.lines import line_of

    typer.echo(line_of(row))


class Audience:
    """Who is told of picks and events: standard output, publishers, the page."""

    def __init__(self, publishers: Publishers, shown: Shown | None) -> None:
        self._publishers, self._shown = publishers, shown
        #: Updates of events that were said, by status.
        self.events: Counter[str] = Counter()
        self._open: set[str] = set()

    def pick(self, row: dict[str, Any]) -> None:
        """Tell a pick, or an announcement of one."""
        _say(row)
        self._publishers.publish(row)
        if self._shown:
            self._shown.board.row(row)

    def event(self, update: Update) -> None:
        """Tell an update of an event."""
        line = update.line()
        self.events[update.status] += 1
        (self._open.add if update.status == "preliminary" else self._open.discard)(update.event_id)
        _say(line)
        self._publishers.publish_event(update.message())
        if self._shown:
            self._shown.board.row(line)

    def summary(self) -> str:
        """A line on the events that were said."""
        ends = f"{self.events['final']} became final, {self.events['withdrawn']} withdrawn"
        if self.events["reviewed"]:
            ends += f", {self.events['reviewed']} reviewed"
        more = f", {len(self._open)} may still change" if self._open else ""
        return f"events   {ends}{more}"

    def look(self, session: Session, running: Running, *, is_replay: bool) -> None:
        """Tell what happened to messages, and show how the session is."""
        self._publishers.tell()
        if self._shown:
            now_ns = session.clock_ns if is_replay else time.time_ns()
            self._shown.board.look(session, running.pace, now_ns)


def shown_page(name: str, serve: str, stations: pd.DataFrame) -> Shown:
    """What `--serve` shows of a session, with a map of stations (STATIONS)."""
    from quakeline.live.serving.board import Board
    from quakeline.live.serving.server import Page, Shown, address_of
    from quakeline.report.map import station_map
    from quakeline.report.scripts import style_sheet

    address = address_of(serve)
    sites = stations.assign(site=stations["network"] + "." + stations["station"])
    sites = sites.drop_duplicates("site").dropna(subset=["latitude", "longitude"])
    drawing, frame = station_map(sites)
    places = sites[["site", "latitude", "longitude"]].to_dict("records")
    board = Board({"stations": places, "frame": frame})
    return Shown(board, Page(name, drawing, style_sheet()), address)
