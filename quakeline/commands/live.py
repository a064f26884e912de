"""`quakeline live`: packets of waveforms to picks while they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from quakeline.commands import live_events
from quakeline.commands.live_audience import shown_page, tell
from quakeline.commands.live_options import Serve
from quakeline.commands.live_replay import replay
from quakeline.commands.live_session import record_of, run_session, session_files
from quakeline.commands.options import Threads
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.inference.annotator import Annotator
    from quakeline.live.session import Session
    from quakeline.workflow.config import Run

#: What the marks of sessions' folders say.
SECTION = "live"


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

    from quakeline.workflow import config, launch

    place = launch.find_place(Path.cwd(), overlay)
    path = launch.find_overlay(place, overlay, Path.cwd())
    settings = launch.checked(place, path, beneath=config.OF_ARCHIVES)
    if settings.live is None:
        raise ConfigError(f"{path or overlay}: no section live; allowed: live: {{feed: ...}}")
    with chdir(place):
        _run_section(settings, threads, serve)


app.command()(replay)


def _run_section(settings: Run, threads: int | None, serve: str | None) -> None:
    """Run the section `live` of a run in the present folder."""
    from quakeline.io.products import targets

    live = settings.live
    assert live is not None
    output = Path(live.output or f"live/{settings.run}")
    targets.require_folder("live.output", output, SECTION, session_files(), settings.named_files())
    session = _session(settings, threads)
    typer.echo(f"model    {session.annotator}", err=True)
    events = live_events.of_run(settings, tell)
    recipe = {
        "live": live.recipe(),
        "prepare": settings.prepare.plain(),
        "pick": session.rules.plain(),
        "weights_id": session.annotator.weights_id,
    }
    responses = [Path(one) for one in settings.stations.stationxml]
    made = record_of(recipe, live.feed, responses, events)
    shown = None
    if serve is not None:
        shown = shown_page(settings.run, serve, live_events.stations_of(settings))
    run_session(live.feed, session, output, made, SECTION, live.publish, events, shown)


def _session(settings: Run, threads: int | None) -> Session:
    """A session with the network, rules, preparation and responses of a run."""
    from quakeline.io.formats import inventory
    from quakeline.live.preparing import Preparation
    from quakeline.live.session import Session
    from quakeline.picking.direct.picks import settings_of

    live, prepare, pick = settings.live, settings.prepare, settings.pick
    assert live is not None
    annotator = _annotator(settings, threads)
    others = {name: getattr(pick, name) for name in type(pick).model_fields if name != "thresholds"}
    rules = settings_of(annotator.card, pick.thresholds, **others)
    known = inventory.read([Path(name) for name in settings.stations.stationxml])
    if prepare.prefer.instruments or prepare.prefer.locations:
        typer.echo("remark: prepare.prefer is not used: every instrument is picked", err=True)
    preparation = Preparation(
        prepare.bridge_gap_s, prepare.mend_spikes, prepare.response, tuple(prepare.instruments)
    )
    return Session(
        annotator,
        rules,
        preparation,
        live.patience_s,
        known,
        silence_s=live.silence_s,
        hurry=live.hurry,
    )


def _annotator(settings: Run, threads: int | None) -> Annotator:
    """The network of a run, ready."""
    import os
    from tempfile import TemporaryDirectory

    from quakeline.inference.annotator import Annotator

    annotate = settings.annotate
    with TemporaryDirectory(prefix="quakeline-") as folder:
        weights = Path(folder) / "picker.safetensors"
        settings.weights.write(weights)
        cores = threads or len(os.sched_getaffinity(0))
        return Annotator.load(
            weights, annotate.device, cores, annotate.batch, annotate.windowing, True
        )
