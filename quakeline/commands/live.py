"""`quakeline live`: packets of waveforms to picks while they arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.options import thresholds
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.live.session import Session

app = typer.Typer(
    no_args_is_help=True, help="Pick phases in packets of waveforms while they arrive."
)

Files = Annotated[list[Path], typer.Argument(help="Waveform files, or folders of them.")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the picks and of what goes on from them.")
]
Model = Annotated[
    str | None,
    typer.Option(help="Weight set; by default that of --weights, or phasenet."),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="A .safetensors file, or the model's original files, file or wheel."),
]
Threshold = Annotated[
    list[str] | None,
    typer.Option(help="Smallest probability by phase: P=0.3,S=0.2; default: the weight set's own."),
]
StationXml = Annotated[
    list[Path] | None, typer.Option(help="StationXML whose responses are removed; repeatable.")
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
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


@app.callback()
def _live() -> None:
    """Pick phases in packets of waveforms while they arrive."""


@app.command()
def replay(
    files: Files,
    output: Output,
    model: Model = None,
    weights: Weights = None,
    threshold: Threshold = None,
    stationxml: StationXml = None,
    packet_s: PacketS = 5.0,
    random_sizes: RandomSizes = False,
    shuffle: Shuffle = 0.0,
    patience: Patience = None,
    speed: Speed = "max",
    loss: Loss = 0.0,
    duplicate: Duplicate = 0.0,
    outage: Outage = 0.0,
    seed: Seed = 0,
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

    from quakeline.api.direct.picks import settings_of
    from quakeline.api.direct.weights import load
    from quakeline.io.formats import inventory
    from quakeline.io.products import targets
    from quakeline.live.output import NAMES
    from quakeline.live.session import Session

    longest = packet_s * (2 if random_sizes else 1)
    wanted = max(10.0, shuffle + longest) if patience is None else patience
    named = [*files, *(stationxml or []), weights, model]
    targets.require_folder("--output", output, COMMAND, NAMES, named)
    known = inventory.read(stationxml or [])
    annotator = load(model, weights, threads=threads, device=device)
    rules = settings_of(annotator.card, smallest)
    session = Session(annotator, rules, wanted, known)
    typer.echo(f"model    {annotator}", err=True)
    settings = {
        **feed.plain(),
        "pick": rules.plain(),
        "patience_s": wanted,
        "weights_id": annotator.weights_id,
        "stationxml": [str(path) for path in stationxml or []],
    }
    settings.pop("speed")
    _run(feed, session, output, settings, _digests(files))


#: What the mark of a session's folder says.
COMMAND = "live replay"


def _speed(text: str) -> Any:
    if text == "max":
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--speed: {text!r} given; allowed: max, or a number above 0") from None


def _digests(files: list[Path]) -> dict[str, str]:
    """Sizes and times of change of what is read: another file is another recipe."""
    inside = [
        path
        for given in files
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.is_file()
    ]
    return {str(p): f"{p.stat().st_size} {p.stat().st_mtime_ns}" for p in inside}


def _run(
    feed: Any, session: Session, output: Path, settings: dict[str, Any], inputs: dict[str, str]
) -> None:
    from quakeline.io.products.provenance import Record
    from quakeline.live.output import Output as Folder
    from quakeline.live.running import Running
    from quakeline.workflow.stages.pick import VERSION

    recipe = Record("live", VERSION, settings, inputs)
    session.remarks.say = lambda line: typer.echo(line, err=True)
    folder = Folder(output, COMMAND, recipe, typer.echo)
    if folder.ended:
        folder.close()
        typer.echo(f"ended    {output} holds all picks of these data already", err=True)
        return
    if folder.state:
        typer.echo("goes on  from an earlier session", err=True)
    with _stoppable() as stopped:
        ended = Running(feed, session, folder, stopped).run()
    for line in _summary(session, folder, ended):
        typer.echo(line, err=True)


def _stoppable() -> Any:
    """Give a function that says whether SIGTERM or SIGINT came."""
    import signal
    from contextlib import contextmanager

    @contextmanager
    def caught() -> Any:
        came: list[int] = []
        before = {
            number: signal.signal(number, lambda n, frame: came.append(n))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            stopped: Callable[[], bool] = lambda: bool(came)  # noqa: E731
            yield stopped
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return caught()


def _summary(session: Session, folder: Any, ended: bool) -> list[str]:
    counts, every = session.counts, folder.latencies.plain().get("all")
    lines = [
        f"packets  {counts.packets}, {counts.unused} of them unused",
        f"samples  {counts.samples} used, {counts.repeated} came again, {counts.late} came late",
        f"picks    {every['picks'] if every else 0}",
    ]
    if every:
        data, own = every["data_s"], every["computing_s"]
        lines.append(
            f"latency  {data['median']:.1f} s from onset to the last packet needed (99 %:"
            f" {data['p99']:.1f} s), then {own['median']:.2f} s of computing ({own['p99']:.2f} s)"
        )
    where = "ended" if ended else "stopped; the same words go on"
    return [*session.remarks.lines(), *lines, f"{where:8} {folder.folder}"]
