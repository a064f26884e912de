"""`quakeline init`: a folder for a run, with an overlay written from the data themselves."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from quakeline.core.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

Name = Annotated[
    str | None,
    typer.Argument(
        help="Name of the run; demo or demo-das: an embedded example; seismic-torch: files for"
        " `quakeline train`; full_array, bremerton_6c,"
        " gappy_data, analogue_tohoku, analogue_maule or analogue_ridgecrest: one that downloads"
        " its data. Default: mine."
    ),
]
Waveforms = Annotated[
    list[str] | None,
    typer.Option(help="Files, folders or quoted patterns, repeatable; default: below here."),
]
Stations = Annotated[
    list[str] | None,
    typer.Option(
        help="CSV table of stations, StationXML or dataless SEED, repeatable; default: what lies"
        " beside the data."
    ),
]
Fibre = Annotated[
    list[str] | None,
    typer.Option(
        help="Files, folders or quoted patterns of one fibre (DAS), repeatable, in place of"
        " --waveforms."
    ),
]
ChannelTable = Annotated[
    Path | None,
    typer.Option(help="Where the fibre's channels are: CSV, channel, latitude, longitude, ..."),
]
Velocity = Annotated[Path | None, typer.Option(help="Velocity model; default: IASP91.")]
Model = Annotated[str, typer.Option(help="Network that picks; see `quakeline models`.")]
Profile = Annotated[str | None, typer.Option(help="Write a further Snakemake profile, e.g. slurm.")]


def init(
    name: Name = None,
    waveforms: Waveforms = None,
    stations: Stations = None,
    fibre: Fibre = None,
    channels: ChannelTable = None,
    velocity: Velocity = None,
    model: Model = "phasenet",
    profile: Profile = None,
) -> None:
    """Write the settings of a run into this folder, from what its data hold.

    Waveform headers and station files are read; the overlay names them, the span of the data and
    what was chosen, with comments on what was found and what looks wrong. Nothing that is there is
    replaced. `quakeline run` then makes the catalog.
    """
    from quakeline.workflow import run_folder

    here = Path.cwd()
    if name == run_folder.SEISMIC_TORCH:
        for path in run_folder.lay_trainings(here):
            typer.echo(f"written  {path}")
        typer.echo(
            "next     name your data sets in them; quakeline train FILE, see docs/training.md"
        )
        return
    if name in run_folder.DEMOS:
        if waveforms or stations or fibre or channels or velocity:
            raise ConfigError(f"{name} is an embedded example with data of its own: another name")
        run, files = run_folder.DEMOS[name], run_folder.files_of_demo(name)
    else:
        run = _named(name)
        files = {run_folder.OVERLAYS / f"{run}.yaml": ""}
    _require_profile(profile)
    if (fibre and (waveforms or stations)) or (channels and not fibre):
        raise ConfigError(
            "--fibre stands alone, or with --channels: write one overlay with --waveforms and"
            " --stations, and copy `fibres` of the other into it for a run of both"
        )
    overlay = run_folder.OVERLAYS / f"{run}.yaml"
    if overlay.exists():
        raise ConfigError(f"{overlay} is there already, and is not replaced: give another name")
    if not files[overlay]:
        if fibre:
            files |= _from_fibre(run, fibre, channels, velocity, model)
        else:
            files |= _from_data(run, waveforms, stations, velocity, model)
    for path in run_folder.lay(here, run, files, profile):
        typer.echo(f"written  {path}")
    typer.echo(f"next     quakeline config check {run}; quakeline run {run}")


def _named(name: str | None) -> str:
    if name is None:
        return "mine"
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"name {name!r} given; allowed: letters, digits, _ and -, beginning with one of the"
            " first two"
        )
    return name


def _require_profile(profile: str | None) -> None:
    from quakeline.core.installed import PROFILES

    known = sorted(path.parent.name for path in PROFILES.glob("*/config.yaml"))
    if profile is not None and profile not in known:
        raise ConfigError(f"--profile: {profile!r} given; known: {', '.join(known)}")


def _from_data(
    run: str,
    waveforms: list[str] | None,
    stations: list[str] | None,
    velocity: Path | None,
    model: str,
) -> dict[Path, str]:
    """The overlay of a run for data that are looked at, and its table of stations if it needs one.

    Both are checked as the workflow checks them.
    """
    import yaml
    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.models.named import named_card
    from quakeline.workflow import config
    from quakeline.workflow.inspection.overlay import about, on_stations, overlay, own_table
    from quakeline.workflow.inspection.survey import survey
    from quakeline.workflow.run_folder import OVERLAYS

    name, card = named_card(model)
    layers = _velocity(velocity)
    with shown("reading headers", Console(stderr=True), _megabytes) as progress:
        found = survey(
            waveforms or ["."],
            stations or [],
            card.sampling_rate_hz,
            len(os.sched_getaffinity(0)),
            progress,
        )
    typed = shlex.join(["quakeline", *sys.argv[1:]])
    text = overlay(run, found, typed, layers, name)
    config.read(yaml.safe_load(text))
    for sentence in (*about(found), *on_stations(found)):
        typer.echo(sentence)
    table = {own_table(run): found.own_table()} if found.needless else {}
    return {OVERLAYS / f"{run}.yaml": text, **table}


def _from_fibre(
    run: str, fibre: list[str], channels: Path | None, velocity: Path | None, model: str
) -> dict[Path, str]:
    """The overlay of a run for a fibre whose files are opened, checked as the workflow does."""
    import yaml
    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.core import extras
    from quakeline.models.named import named_card
    from quakeline.workflow import config
    from quakeline.workflow.run_folder import OVERLAYS

    extras.require("das", "--fibre")
    from quakeline.workflow.inspection import fibres

    (name, _), layers = named_card(model), _velocity(velocity)
    with shown("opening files", Console(stderr=True), _megabytes) as progress:
        found = fibres.survey(fibre, channels, progress)
    typed = shlex.join(["quakeline", *sys.argv[1:]])
    text = fibres.overlay(run, found, typed, layers, name)
    config.read(yaml.safe_load(text))
    for sentence in fibres.about(found):
        typer.echo(sentence)
    return {OVERLAYS / f"{run}.yaml": text}


def _velocity(given: Path | None) -> dict[str, object] | None:
    """What the section `velocity` says of a file that can be used."""
    from quakeline.events.chain.material import described

    if given is None:
        return None
    _, section = described(given)
    said = section.model_dump(mode="json", exclude_defaults=True)
    return said if section.kind == "table" else {"kind": section.kind, **said}


def _megabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:.0f} MB"
