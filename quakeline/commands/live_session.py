"""A session of `quakeline live` in its folder, until its feed ends or it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.commands import live_events
from quakeline.commands.live_audience import Audience, tell

if TYPE_CHECKING:
    from quakeline.io.products.provenance import Record
    from quakeline.live.events.setup import Setup
    from quakeline.live.feeds.protocol import BaseFeed
    from quakeline.live.publishing.protocol import BasePublisher
    from quakeline.live.serving.server import Shown
    from quakeline.live.session import Session


def record_of(
    recipe: dict[str, Any], feed: BaseFeed, responses: list[Path], events: Setup | None
) -> Record:
    """What a session follows from: settings, and digests of what it reads."""
    from quakeline.io.products.provenance import Record
    from quakeline.workflow.stages.pick import VERSION

    inputs = {**feed.inputs(), **live_events.digests(responses)}
    if events is not None:
        recipe, inputs = {**recipe, "catalog": events.recipe}, {**inputs, **events.inputs}
    return Record("live", VERSION, recipe, inputs)


def run_session(
    feed: BaseFeed,
    session: Session,
    output: Path,
    recipe: Record,
    command: str,
    publish: Sequence[BasePublisher] = (),
    events: Setup | None = None,
    shown: Shown | None = None,
) -> None:
    """Run a session in its folder, which no other one may fill meanwhile."""
    from quakeline.io.products import targets
    from quakeline.live.events.files import clear
    from quakeline.live.output import Output as Folder
    from quakeline.live.publishing.publishers import Publishers
    from quakeline.live.running import Running

    publishers = Publishers(publish, output / "waiting", tell)
    audience = Audience(publishers, shown)

    def look() -> None:
        audience.look(session, running, is_replay=feed.IS_FINITE)

    session.remarks.say = tell
    session.measure = events.measure if events else None
    names, by_day = session_files(), not feed.IS_FINITE
    with targets.growing(output, command, names):
        folder = Folder(
            output,
            command,
            recipe,
            audience.pick,
            publishers.sync,
            hurry=session.hurry,
            names=names,
            by_day=by_day,
        )
        if folder.ended:
            tell(f"ended    {output} holds all picks of these data already")
            return
        if folder.state:
            tell("goes on  from an earlier session")
        if folder.replaces:
            tell(f"replaces the ended session of other data or settings in {output}")
            clear(output)
        page = shown.open() if shown else nullcontext("")
        with page as address, publishers, _stoppable() as stopped:
            if address:
                tell(f"serving  {address}")
            working = None
            if events:
                working = events.working(folder.place, session.remarks, audience.event)
            running = Running(feed, session, folder, stopped, look, working)
            ended = running.run()
        said = audience.summary() if events else None
        for line in _summary(session, folder, ended, said):
            tell(line)


def session_files() -> tuple[str, ...]:
    """Names of all files that a session may make in its folder."""
    from quakeline.live.events import files
    from quakeline.live.output import NAMES

    return (*NAMES, *files.NAMES)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether SIGTERM or SIGINT came."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda n, frame: came.append(n))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(session: Session, folder: Any, ended: bool, events: str | None) -> list[str]:
    counts, every = session.counts, folder.latencies.plain().get("all")
    lines = [
        f"packets  {counts.packets}, {counts.unused} of them unused",
        f"samples  {counts.samples} used, {counts.repeated} came again, {counts.late} came late",
        f"picks    {every['picks'] if every else 0}",
    ]
    if events is not None:
        lines.append(events)
    if every:
        data, own = every["data_s"], every["computing_s"]
        waited = "recorded long before it arrived"
        if data:
            waited = f"{data['median']:.1f} s from onset to the last packet needed"
            waited += f" (99 %: {data['p99']:.1f} s)"
        lines.append(
            f"latency  {waited}, then {own['median']:.2f} s of computing ({own['p99']:.2f} s)"
        )
    where = "ended    {}" if ended else "stopped  {}; the same words go on"
    return [*session.remarks.lines(), *lines, where.format(folder.folder)]
