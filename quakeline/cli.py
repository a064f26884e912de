"""The command line: `quakeline run`, `quakeline summary`, `quakeline config ...`."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command, get_command_name

from quakeline import __version__
from quakeline.commands import dataset, evaluate, live, models, tune
from quakeline.commands.catalog import catalog
from quakeline.commands.correlate import correlate
from quakeline.commands.export import export
from quakeline.commands.fetch import fetch
from quakeline.commands.init import init
from quakeline.commands.inspect import inspect
from quakeline.commands.mechanism import mechanism
from quakeline.commands.merge import merge
from quakeline.commands.pick import pick
from quakeline.commands.plan import plan
from quakeline.commands.relocate import relocate
from quakeline.commands.reproduce import reproduce
from quakeline.commands.scan import scan
from quakeline.commands.train import train
from quakeline.commands.typed import as_typed, options_of
from quakeline.commands.usage import is_mistake, join_lines, line_of
from quakeline.commands.view import view
from quakeline.core import garbage, terminal
from quakeline.core.errors import EXIT_CODE, QuakelineError, memory_words, out_of_memory, words_of

if TYPE_CHECKING:
    from typer.models import CommandInfo

    from quakeline.workflow.config import Run
    from quakeline.workflow.inspection.readiness import Findings

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Earthquake catalogs from continuous data, in one reproducible workflow.",
)
config_app = typer.Typer(no_args_is_help=True, help="Check and document the configuration.")
app.add_typer(config_app, name="config")
app.add_typer(models.app, name="models")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(tune.app, name="tune")
app.add_typer(dataset.app, name="dataset")
app.add_typer(live.app, name="live")
app.command()(init)
app.command()(inspect)
app.command()(fetch)
app.command()(pick)
app.command()(scan)
app.command()(mechanism)
app.command()(train)
app.command()(catalog)
app.command()(export)
app.command()(correlate)
app.command()(relocate)
app.command()(merge)
app.command()(plan)
app.command()(view)
app.command()(reproduce)

Overlay = Annotated[
    str | None,
    typer.Argument(help="Overlay on config/config.yaml: a file, or a name in config/runs."),
]

Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail when it would change.")]


def main() -> None:
    """Run the command line; a mistake of the user is one line and exit code 2.

    Standard output that cannot be written ends no work; it is one line and exit code 3. A pipe that
    its reader closed, as `head` does, is no mistake: nothing is said, and the code is 3 as well.
    """
    garbage.search_rarely()
    output = terminal.take_output()
    sys.exit(terminal.ended(output, _code_of(*_split(sys.argv[1:]))))


def _code_of(words: list[str], further: list[str]) -> int:
    """Run a command; returns its exit code."""
    try:
        terminal.require_variables()
        terminal.mute_deprecations()
        narrow = _narrowed(words)
        done = narrow(words, obj=further, prog_name="quakeline", standalone_mode=False)
    except QuakelineError as error:
        said = as_typed(words_of(error), words, options_of(get_command(_narrowed(words)), words))
        typer.echo(f"quakeline: {_listed(said)}", err=True)
        return EXIT_CODE
    except typer.Abort:
        typer.echo("quakeline: stopped", err=True)
        return 1
    except Exception as error:
        if is_mistake(error):
            typer.echo(line_of(error, words), err=True, nl=bool(line_of(error, words)))
            return EXIT_CODE
        if not out_of_memory(error):
            raise
        typer.echo(f"quakeline: {memory_words(error)}", err=True)
        return EXIT_CODE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return done if isinstance(done, int) else 0


def _narrowed(words: list[str]) -> typer.Typer:
    """The program with the command alone that is asked for, or with all where it is none of them.

    Preparing the options of every command would take as long as loading the program.
    """
    join_lines(app)
    asked = words[0] if words else ""
    commands = [one for one in app.registered_commands if _name_of(one) == asked]
    groups = [one for one in app.registered_groups if one.name == asked]
    if not commands and not groups:
        return app
    narrow = copy.copy(app)
    narrow.registered_commands, narrow.registered_groups = commands, groups
    return narrow


def _name_of(command: CommandInfo) -> str | None:
    return command.name or (command.callback and get_command_name(command.callback.__name__))


def _listed(message: str) -> str:
    lines = message.splitlines()
    if len(lines) < 2:
        return message
    return "\n  ".join([f"{len(lines)} mistakes", *lines])


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Part the words before `--` from those after it, which are meant for Snakemake."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"quakeline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


@app.command(epilog="Words after -- go to Snakemake, e.g. `quakeline run -- --dry-run`.")
def run(
    context: typer.Context,
    overlay: Overlay = None,
    cores: Annotated[str, typer.Option(help="Cores to use at most: a number, or all.")] = "all",
    profile: Annotated[
        str | None,
        typer.Option(help="Snakemake profile, e.g. slurm: a name in profiles/ or a folder."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all that Snakemake says.")
    ] = False,
) -> None:
    """Run the workflow, whatever is missing or out of date, and show what it found.

    A killed run continues. What Snakemake says is kept in results/RUN/logs/snakemake.txt. A run
    whose picker is trained on the catalog of another one (dataset.from_run) begins with that one.
    """
    from functools import partial

    from quakeline.commands.phases import carried_out
    from quakeline.workflow import launch, profiles, rounds

    if cores != "all" and not (cores.isdecimal() and int(cores) > 0):
        raise typer.BadParameter("allowed: a number above 0, or all", param_hint="'--cores'")
    place = launch.find_place(Path.cwd(), overlay)
    path = launch.find_overlay(place, overlay, Path.cwd())
    if place != Path.cwd():
        typer.echo(f"working in {place}", err=True)
    profile_path = profiles.find(place, profile, Path.cwd())
    extra = context.obj or []
    for one in rounds.wanted(place, path):
        if one != path:
            typer.echo(f"first: the run of {os.path.relpath(one or '')}", err=True)
        settings = launch.checked(place, one)
        start = partial(launch.launch, place, settings, one, cores, extra, profile_path)
        code = carried_out(start, place, settings.run, quiet=not (verbose or extra))
        if code:
            raise typer.Exit(code)
        if one != path and launch.DRY.intersection(extra):
            typer.echo("the rest can be planned once this run has its catalog", err=True)
            return
    catalog = place / "results" / settings.run / "catalog/events.parquet"
    if not launch.DRY.intersection(extra) and catalog.is_file():
        _show(place, settings.run)


@app.command()
def summary(
    run: Annotated[
        str, typer.Argument(help="Name of a run, its folder, or the folder of any catalog.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="List all events, reasons and files, each by its path.")
    ] = False,
) -> None:
    """Show what a run found, or what a catalog holds that a command or a live session wrote."""
    from rich.console import Console

    from quakeline.commands.places import run_folder_of
    from quakeline.io.exports import event_folders
    from quakeline.io.products.runs import absolute, home_of
    from quakeline.workflow import launch
    from quakeline.workflow.summary import show_catalog

    named = launch.results_place(Path.cwd()) / "results" / run
    folder = run_folder_of(run) if Path(run).exists() or named.is_dir() else named
    is_catalog = event_folders(folder) not in ([], [folder / "catalog"])
    if absolute(folder).parent.name == "results" and not is_catalog:
        _show(home_of(folder), absolute(folder).name, everything)
    else:
        show_catalog(folder, Console(), everything=everything)


def _show(folder: Path, run: str, everything: bool = False) -> None:
    from rich.console import Console

    from quakeline.workflow.summary import show

    os.chdir(folder)
    show(Path("results") / run, Console(), everything=everything)


@config_app.command()
def check(overlay: Overlay = None) -> None:
    """Check settings, stations, data and weights of a run and show its plan, or all mistakes.

    Headers of some waveform files are read, and files of weights; servers are not asked.
    """
    from quakeline.core.timeline import iso, to_ns
    from quakeline.workflow import launch, rounds

    place = launch.find_place(Path.cwd(), overlay)
    path = launch.find_overlay(place, overlay, Path.cwd())
    *earlier, settings = rounds.planned(place, path)
    found = _looked(settings, place)
    start, end = (iso(to_ns(t), digits=0) for t in (settings.time.start, settings.time.end))
    card = settings.weights.card()
    number = len(found.doubts)
    doubts = f", but see the warning{'s' * (number > 1)} below: it may not be what you mean"
    typer.echo(f"ok{doubts if number else ''}")
    typer.echo(f"run     {settings.run}, written to {place / 'results' / settings.run}")
    typer.echo(f"span    {start} to {end}")
    typer.echo(f"chunks  {len(settings.chunk_ids)} of at most {settings.time.chunk_h:g} h")
    typer.echo(f"model   {card.name}, phases {', '.join(card.phases)}")
    for run in earlier:
        typer.echo(f"first   run {run.run}, which has no catalog yet: {len(run.chunk_ids)} chunks")
    for name, fact in found.facts.items():
        typer.echo(f"{name:<8}{fact}" if len(name) < 8 else f"{name} {fact}")
    for doubt in found.doubts:
        typer.secho(f"WARNING {doubt}", err=True, fg="yellow")


def _looked(settings: Run, folder: Path) -> Findings:
    """What stations and data of a run look like. Raises ConfigError for what cannot work."""
    from contextlib import chdir

    from quakeline.core.errors import ConfigError
    from quakeline.workflow.inspection.readiness import look

    with chdir(folder):
        found = look(settings)
    if found.mistakes:
        raise ConfigError("\n".join([*found.mistakes, *found.doubts]))
    return found


def _publish(target: Path, text: str, *, check: bool) -> None:
    from quakeline.workflow import reference

    reference.publish(target, text, check=check)
    typer.echo(f"{'current' if check else 'written'}  {target}")


@config_app.command(name="reference")
def write_reference(check: Check = False) -> None:
    """Write config/README.md: every key with its type, default and meaning."""
    from quakeline.workflow import launch, reference

    target = launch.results_place(Path.cwd()) / reference.README
    _publish(target, reference.readme(), check=check)


@config_app.command(name="schema")
def write_schema(check: Check = False) -> None:
    """Write config/config.schema.json: completion and checks in editors."""
    from quakeline.workflow import launch, reference

    target = launch.results_place(Path.cwd()) / reference.SCHEMA
    _publish(target, reference.editor_schema(), check=check)


@config_app.command(name="defaults")
def write_defaults(check: Check = False) -> None:
    """Write config/config.yaml: the defaults of every run, each with its meaning."""
    from quakeline.workflow import config, default_config, launch

    target = launch.results_place(Path.cwd()) / config.DEFAULT
    _publish(target, default_config.text(), check=check)
