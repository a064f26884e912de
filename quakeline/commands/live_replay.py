"""`quakeline live replay`: recordings on disk arrive as packets, and are picked."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands import live_events
from quakeline.commands.live_audience import shown_page
from quakeline.commands.live_options import Serve
from quakeline.commands.live_session import record_of, run_session, session_files
from quakeline.commands.options import (
    Device,
    Files,
    Model,
    StationXml,
    Threads,
    Threshold,
    Weights,
    thresholds,
)
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    import obspy

    from quakeline.inference.annotator import Annotator
    from quakeline.live.feeds.replay import Replay
    from quakeline.live.session import Session

#: What the marks of sessions' folders say.
COMMAND = "live replay"

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
    smallest = thresholds(threshold or [])
    feed = _feed(
        speed,
        paths=[str(path) for path in files],
        packet_s=packet_s,
        random_sizes=random_sizes,
        shuffle_s=shuffle,
        loss=loss,
        duplicate=duplicate,
        outage=outage,
        seed=seed,
    )
    if patience is None:
        patience = max(10.0, shuffle + packet_s * (2 if random_sizes else 1))

    from quakeline.api.direct.weights import load
    from quakeline.io.formats import inventory
    from quakeline.io.products import targets

    named = [*files, *(stationxml or []), weights, model, stations, velocity]
    targets.require_folder("--output", output, COMMAND, session_files(), named)
    known = inventory.read(stationxml or [])
    events = live_events.of_options(stations, velocity)
    places = inventory.table_of(known) if events is None else events.stations
    shown = shown_page(output.name, serve, places) if serve is not None else None
    annotator = load(model, weights, threads=threads, device=device)
    session = _session(annotator, smallest, patience, known, hurry)
    typer.echo(f"model    {annotator}", err=True)
    recipe = {
        **feed.recipe(),
        "pick": session.rules.plain(),
        "patience_s": patience,
        "weights_id": annotator.weights_id,
    }
    made = record_of(recipe, feed, stationxml or [], events)
    run_session(feed, session, output, made, COMMAND, events=events, shown=shown)


def _feed(speed: str, **options: Any) -> Replay:
    """What lets recordings arrive. Raises ConfigError, which names the option."""
    from pydantic import ValidationError

    from quakeline.core.mistakes import mistakes
    from quakeline.live.feeds.replay import Replay

    try:
        return Replay(**options, speed=_speed(speed))
    except ValidationError as error:
        raise ConfigError(f"--{mistakes(error, Replay)[0]}") from error


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


def _session(
    annotator: Annotator,
    smallest: dict[str, float],
    patience_s: float,
    known: obspy.Inventory,
    hurry: bool,
) -> Session:
    """A session with the usual rules and preparation, as of `quakeline pick`."""
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of
    from quakeline.workflow.stages import prepare

    rules = settings_of(annotator.card, smallest)
    usual = prepare.Config()
    preparation = Preparation(usual.bridge_gap_s, usual.mend_spikes, usual.response)
    return Session(annotator, rules, preparation, patience_s, known, hurry=hurry)
