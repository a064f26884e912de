"""`quakeline live`: packets of waveforms to picks while they arrive."""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from quakeline.commands import live_events
from quakeline.commands.options import Files, Model, StationXml, Threshold, Weights, thresholds
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.io.products.provenance import Record
    from quakeline.live.events.setup import Setup
    from quakeline.live.events.updates import Update
    from quakeline.live.feeds.protocol import BaseFeed
    from quakeline.live.publishing.protocol import BasePublisher
    from quakeline.live.publishing.publishers import Publishers
    from quakeline.live.running import Running
    from quakeline.live.serving.server import Shown
    from quakeline.live.session import Session
    from quakeline.workflow.config import Run

#: What the marks of sessions' folders say.
COMMAND, SECTION = "live replay", "live"


class _Named(TyperGroup):
    """A group in which a word that is no command is the argument of the command `run`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Named,
    no_args_is_help=True,
    help="Pick phases in packets of waveforms while they arrive: `quakeline live CONFIG` runs the"
    " section `live` of a run, `quakeline live replay` recordings on disk.",
)

Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the picks and of what goes on from them.")
]
Stations = Annotated[
    Path | None,
    typer.Option(help="Stations, a table or StationXML: events are made while picks come."),
]
Velocity = Annotated[
    Path | None,
    typer.Option(help="Velocity model of the events, as of `quakeline catalog`; default: IASP91."),
]
PacketS = Annotated[
    float, typer.Option("--packet-s", min=0.01, max=3600, help="Length of packets, seconds.")
]
RandomSizes = Annotated[
    bool, typer.Option("--random-sizes", help="Packets from next to nothing to twice that length.")
]
Shuffle = Annotated[
    float, typer.Option(min=0, max=3600, help="Packets are late by up to this, seconds.")
]
Patience = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=3600,
        help="Wait for late packets, seconds; default: as needed here.",
    ),
]
Speed = Annotated[str, typer.Option(help="Times real time: a number, or max.")]
Loss = Annotated[float, typer.Option(min=0, max=1, help="Share of packets that are lost.")]
Duplicate = Annotated[float, typer.Option(min=0, max=1, help="Share of packets that come twice.")]
Outage = Annotated[
    float, typer.Option(min=0, max=1, help="Share of stations cut off in each 15 minutes.")
]
Seed = Annotated[int, typer.Option(min=0, help="Another number, other delays and losses.")]
Hurry = Annotated[
    bool,
    typer.Option("--hurry", help="Say picks as preliminary at once, and again when they change."),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


Serve = Annotated[
    str | None,
    typer.Option(
        metavar="[HOST:]PORT",
        help="Show the session as a page of a browser, and metrics at /metrics; on this machine"
        " alone unless a host is given. Port 0: any.",
    ),
]

Overlay = Annotated[
    str, typer.Argument(help="Overlay on config/config.yaml: a file, or a name in config/runs.")
]


@app.command()
def run(overlay: Overlay, threads: Threads = None, serve: Serve = None) -> None:
    """Pick what the feed of the section `live` brings, until the feed ends or SIGTERM comes.

    Network, thresholds, preparation and responses are those of the run. Each pick is a line of
    JSON; the same words go on where the last session stopped.
    """
    from contextlib import chdir

    from quakeline.workflow import launch

    place = launch.find_place(Path.cwd(), overlay)
    path = launch.find_overlay(place, overlay, Path.cwd())
    settings = launch.checked(place, path)
    if settings.live is None:
        raise ConfigError(f"{path or overlay}: no section live; allowed: live: {{feed: ...}}")
    with chdir(place):
        _run_section(settings, threads, serve)


def _run_section(settings: Run, threads: int | None, serve: str | None) -> None:
    """Run the section `live` of a run in the present folder."""
    import os
    from tempfile import TemporaryDirectory

    from quakeline.inference.annotator import Annotator
    from quakeline.io.formats import inventory
    from quakeline.io.products import targets
    from quakeline.io.products.provenance import Record
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of
    from quakeline.workflow.stages.pick import VERSION

    live, prepare, annotate = settings.live, settings.prepare, settings.annotate
    assert live is not None
    output = Path(live.output or f"live/{settings.run}")
    targets.require_folder("live.output", output, SECTION, _names(), settings.named_files())
    with TemporaryDirectory(prefix="quakeline-") as folder:
        weights = Path(folder) / "picker.safetensors"
        settings.weights.write(weights)
        cores = threads or len(os.sched_getaffinity(0))
        annotator = Annotator.load(
            weights, annotate.device, cores, annotate.batch, annotate.windowing, True
        )
    pick = settings.pick
    others = {name: getattr(pick, name) for name in type(pick).model_fields if name != "thresholds"}
    rules = settings_of(annotator.card, pick.thresholds, **others)
    known = inventory.read([Path(name) for name in settings.stations.stationxml])
    if prepare.prefer.instruments or prepare.prefer.locations:
        typer.echo("remark: prepare.prefer is not used: every instrument is picked", err=True)
    preparation = Preparation(
        prepare.bridge_gap_s, prepare.mend_spikes, prepare.response, tuple(prepare.instruments)
    )
    session = Session(
        annotator,
        rules,
        preparation,
        live.patience_s,
        known,
        silence_s=live.silence_s,
        hurry=live.hurry,
    )
    typer.echo(f"model    {annotator}", err=True)
    events = live_events.of_run(settings, _tell)
    recipe = {
        "live": live.recipe(),
        "prepare": prepare.plain(),
        "pick": rules.plain(),
        "weights_id": annotator.weights_id,
    }
    named = [Path(one) for one in settings.stations.stationxml]
    inputs = {**live.feed.inputs(), **live_events.digests(named)}
    made = Record("live", VERSION, *_with_events(recipe, inputs, events))
    shown = (
        _shown(settings.run, serve, live_events.stations_of(settings))
        if serve is not None
        else None
    )
    _run(live.feed, session, output, made, SECTION, live.publish, events, shown)


@app.command()
def replay(
    files: Files,
    output: Output,
    model: Model = None,
    weights: Weights = None,
    threshold: Threshold = None,
    stationxml: StationXml = None,
    stations: Stations = None,
    velocity: Velocity = None,
    packet_s: PacketS = 5.0,
    random_sizes: RandomSizes = False,
    shuffle: Shuffle = 0.0,
    patience: Patience = None,
    speed: Speed = "max",
    loss: Loss = 0.0,
    duplicate: Duplicate = 0.0,
    outage: Outage = 0.0,
    seed: Seed = 0,
    hurry: Hurry = False,
    serve: Serve = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Let recordings arrive as packets, and pick them: each pick is a line of JSON.

    Without losses the picks are those of `quakeline pick` of the same files. A session that was
    stopped goes on with the same words.
    """
    from pydantic import ValidationError

    from quakeline.live.feeds.replay import Replay

    smallest = thresholds(threshold or [])
    try:
        feed = Replay(
            paths=[str(path) for path in files],
            packet_s=packet_s,
            random_sizes=random_sizes,
            shuffle_s=shuffle,
            loss=loss,
            duplicate=duplicate,
            outage=outage,
            speed=_speed(speed),
            seed=seed,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"--{first['loc'][0]}: {first['input']!r} given; {first['msg']}"
        ) from error

    from quakeline.api.direct.weights import load
    from quakeline.io.formats import inventory
    from quakeline.io.products import targets
    from quakeline.io.products.provenance import Record
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of
    from quakeline.workflow.stages import prepare
    from quakeline.workflow.stages.pick import VERSION

    longest = packet_s * (2 if random_sizes else 1)
    wanted = max(10.0, shuffle + longest) if patience is None else patience
    named = [*files, *(stationxml or []), weights, model, stations, velocity]
    targets.require_folder("--output", output, COMMAND, _names(), named)
    known = inventory.read(stationxml or [])
    events = live_events.of_options(stations, velocity)
    places = inventory.table_of(known) if events is None else events.stations
    shown = _shown(output.name, serve, places) if serve is not None else None
    annotator = load(model, weights, threads=threads, device=device)
    rules = settings_of(annotator.card, smallest)
    usual = prepare.Config()
    preparation = Preparation(usual.bridge_gap_s, usual.mend_spikes, usual.response)
    session = Session(annotator, rules, preparation, wanted, known, hurry=hurry)
    typer.echo(f"model    {annotator}", err=True)
    settings = {
        **feed.recipe(),
        "pick": rules.plain(),
        "patience_s": wanted,
        "weights_id": annotator.weights_id,
    }
    inputs = {**feed.inputs(), **live_events.digests(stationxml or [])}
    made = Record("live", VERSION, *_with_events(settings, inputs, events))
    _run(feed, session, output, made, COMMAND, events=events, shown=shown)


def _with_events(
    recipe: dict[str, Any], inputs: dict[str, str], events: Setup | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and digests with those that events follow from."""
    if events is None:
        return recipe, inputs
    return {**recipe, "catalog": events.recipe}, {**inputs, **events.inputs}


def _say(row: dict[str, Any]) -> None:
    from quakeline.live.lines import line_of

    typer.echo(line_of(row))


def _speed(text: str) -> Any:
    if text == "max":
        return text
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise ConfigError(f"--speed: {text!r} given; allowed: max, or a number above 0")
    return speed


class _Audience:
    """Who is told of picks and events: standard output, publishers, the page."""

    def __init__(self, publishers: Publishers, shown: Shown | None) -> None:
        self._publishers, self._shown = publishers, shown
        #: Updates of events that were said, by status.
        self.events: Counter[str] = Counter()

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
        _say(line)
        self._publishers.publish_event(update.message())
        if self._shown:
            self._shown.board.row(line)

    def look(self, session: Session, running: Running, *, is_replay: bool) -> None:
        """Tell what happened to messages, and show how the session is."""
        self._publishers.tell()
        if self._shown:
            now_ns = session.clock_ns if is_replay else time.time_ns()
            self._shown.board.look(session, running.pace, now_ns)


def _run(
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
    from quakeline.live.output import Output as Folder
    from quakeline.live.publishing.publishers import Publishers
    from quakeline.live.running import Running

    publishers = Publishers(publish, output / "waiting", _tell)
    audience = _Audience(publishers, shown)

    def look() -> None:
        audience.look(session, running, is_replay=feed.IS_FINITE)

    session.remarks.say = _tell
    session.measure = events.measure if events else None
    names, by_day = _names(), not feed.IS_FINITE
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
            _tell(f"ended    {output} holds all picks of these data already")
            return
        if folder.state:
            _tell("goes on  from an earlier session")
        page = shown.open() if shown else nullcontext("")
        with page as address, publishers, _stoppable() as stopped:
            if address:
                _tell(f"serving  {address}")
            working = None
            if events:
                working = events.working(folder.place, session.remarks, audience.event)
            running = Running(feed, session, folder, stopped, look, working)
            ended = running.run()
        said = audience.events if events else None
        for line in _summary(session, folder, ended, said):
            _tell(line)


def _names() -> tuple[str, ...]:
    """Names of all files that a session may make in its folder."""
    from quakeline.live.events import files
    from quakeline.live.output import NAMES

    return (*NAMES, *files.NAMES)


def _shown(name: str, serve: str, stations: pd.DataFrame) -> Shown:
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


def _tell(line: str) -> None:
    typer.echo(line, err=True)


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


def _summary(
    session: Session, folder: Any, ended: bool, events: Mapping[str, int] | None
) -> list[str]:
    counts, every = session.counts, folder.latencies.plain().get("all")
    lines = [
        f"packets  {counts.packets}, {counts.unused} of them unused",
        f"samples  {counts.samples} used, {counts.repeated} came again, {counts.late} came late",
        f"picks    {every['picks'] if every else 0}",
    ]
    if events is not None:
        lines.append(f"events   {events['final']} became final, {events['withdrawn']} withdrawn")
    if every:
        data, own = every["data_s"], every["computing_s"]
        waited = "recorded long before it arrived"
        if data:
            waited = f"{data['median']:.1f} s from onset to the last packet needed"
            waited += f" (99 %: {data['p99']:.1f} s)"
        lines.append(
            f"latency  {waited}, then {own['median']:.2f} s of computing ({own['p99']:.2f} s)"
        )
    where = "ended" if ended else "stopped; the same words go on"
    return [*session.remarks.lines(), *lines, f"{where:8} {folder.folder}"]
