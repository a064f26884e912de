"""Starts the workflow: where it works, one process for each run, stale locks, what went wrong.

Snakemake keeps its lock when it is killed. Two facts tell whether such a lock is stale: the
launcher holds an flock for as long as it or its Snakemake lives, and no process of this machine
runs Snakemake in the folder. Snakemake's own log names the machine of a lock that another one left
behind.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import chdir, suppress
from functools import partial
from pathlib import Path
from typing import Any

import typer

from quakeline.core.errors import ConfigError, DataError, QuakelineError
from quakeline.core.installed import HOME, SNAKEFILE
from quakeline.core.names import proposal
from quakeline.io.products import checksums, locking
from quakeline.io.products.atomic import require_space, writing
from quakeline.workflow import cluster, config, foreground, profiles
from quakeline.workflow.following import Progress
from quakeline.workflow.outcome import Outcome, explain
from quakeline.workflow.stages import table as stages

OVERLAYS = Path("config/runs")
#: Words with which Snakemake only says what it would do.
DRY = {"-n", "--dry-run", "--dryrun"}
#: What a folder of results holds that a run, a repetition or a download began.
_BEGUN = {".lock", checksums.FOLDER, "logs", "ids.parquet", "archive"}
#: How long processes of a cancelled job may take to end.
_PATIENCE_S = 15.0


def find_place(folder: Path, given: str | None = None) -> Path:
    """The folder to work in: this one, when it holds runs or the file that was given, else a clone.

    Raises ConfigError when there is neither.
    """
    if is_furnished(folder):
        return folder
    if given is not None and (folder / given).is_file():
        return folder
    if is_furnished(HOME):
        return HOME
    raise ConfigError(f"no run in {folder}: `quakeline init NAME` writes one, or name an overlay")


def results_place(folder: Path) -> Path:
    """Where results are looked for: this folder when it holds runs or results, else a clone."""
    here = is_furnished(folder) or (folder / "results").is_dir() or not is_furnished(HOME)
    return folder if here else HOME


def is_furnished(folder: Path) -> bool:
    """Whether a folder holds defaults, or overlays of runs."""
    return (folder / config.DEFAULT).is_file() or any((folder / OVERLAYS).glob("*.yaml"))


def find_overlay(place: Path, given: str | None, folder: Path) -> Path | None:
    """Turn what the person named into the path of an overlay: a file, or a name of config/runs.

    None stands for the run of `config.read` without an overlay, which may also be called by its
    name. Raises ConfigError that lists the known names.
    """
    if given is None:
        return config.only_overlay(place / config.DEFAULT)
    if (folder / given).is_file():
        return folder / given
    known = {path.stem: path for path in sorted((place / OVERLAYS).glob("*.yaml"))}
    if given in known:
        return known[given]
    default = str(config.defaults(place / config.DEFAULT).get("run", ""))
    if given == default:
        return None
    names = [*([default] if default else []), *known]
    raise ConfigError(
        f"overlay {given!r}: neither a file nor a run of {OVERLAYS}; {proposal(given, names)}known"
        f" runs: {', '.join(names)}"
    )


def checked(
    place: Path,
    overlay: Path | None,
    coming: Collection[str] = (),
    beneath: Mapping[str, Any] | None = None,
) -> config.Run:
    """Read the configuration and the tables that it names; `beneath` as in `config.read`.

    The job that needs a table may begin hours later. The catalogs of runs that are `coming` before
    this one need not be there. Raises ConfigError with every mistake, one a line.
    """
    own = config.read_yaml(overlay) if overlay else None
    run = config.read(own, place / config.DEFAULT, beneath)
    with chdir(place):
        run.require_files(coming)
        for stage in stages.of(run):
            stage.check(run)
        _require_tables(run)
    return run


def _require_tables(run: config.Run) -> None:
    from quakeline.io.formats import station_tables

    mistakes = []
    table = run.stations.table
    readers: list[Callable[[], object]] = [run.velocity.model]
    if table:
        readers.insert(0, partial(station_tables.read_table, Path(table)))
    for read in readers:
        try:
            read()
        except DataError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def launch(
    place: Path,
    run: config.Run,
    overlay: Path | None,
    cores: str,
    extra: list[str],
    profile: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run Snakemake for a run and wait for it. `extra` are further arguments for Snakemake.

    `profile` is the folder of a Snakemake profile, of a cluster for instance. With `progress`,
    which hears of the steps, what Snakemake says goes to a file, `output_of`; else to the terminal.

    Raises OutputError when results cannot be written, ConfigError when they would go where other
    things are, QuakelineError when the run is being worked on already.
    """
    # -P: a file of the working folder never stands for a module of Python.
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    if overlay and config.read_yaml(overlay):
        command += ["--configfile", str(overlay.resolve())]
    results = place / "results" / run.run
    _require_own(results)
    elsewhere = cluster.read_site(place).results
    if elsewhere:
        elsewhere.require()
    with locking.claimed(results, ".lock", partial(_holders, place)) as lock:
        for folder in (results, place / ".snakemake"):
            require_space(folder)
        # Jobs of a killed run that still work on this machine would pass for the lock's owners.
        words = profiles.arguments(profile, place, run) if profile else []
        _unlock_stale(place, command)
        start_ns = os.fstat(lock).st_mtime_ns
        command += ["--cores", cores, "--rerun-incomplete"]
        command += [] if DRY.intersection(extra) else _without_damage(place, results)
        command += [*words, *extra]
        output = output_of(results) if progress else None
        code = foreground.follow(command, place, lock, output, progress)
        if code < 0:
            _end_orphans(place)
    return explain(code, results, place, start_ns)


def output_of(results: Path) -> Path:
    """Where all that Snakemake says is kept, of the last start of a run."""
    return results / "logs/snakemake.txt"


def _without_damage(folder: Path, results: Path) -> list[str]:
    """Remove damaged products of a run; arguments that have them made again.

    Snakemake by itself makes an intermediate product again only when something later is missing.
    """
    found = checksums.sweep(results)
    for wrong in found.values():
        typer.echo(f"quakeline: damaged: {wrong}; it is made again", err=True)
    again = [os.path.relpath(product, folder) for product in found]
    return ["--forcerun", *again] if again else []


def _require_own(results: Path) -> None:
    """Refuse a folder that holds other things than a run: products would replace them."""
    with writing(results):
        held = {path.name for path in results.iterdir()} if results.is_dir() else set()
    if held and not held & _BEGUN:
        raise ConfigError(
            f"run: {results} holds other things ({min(held)}) and no run; give the run another"
            " name, or move them away"
        )


def _holders(folder: Path) -> str:
    """Words for the processes that work on runs of a folder; empty where there are none here."""
    pids = ", ".join(map(str, _live_processes(folder)))
    return f"process {pids}" if pids else ""


def _unlock_stale(folder: Path, command: list[str]) -> None:
    """Remove Snakemake's lock when nothing that could have made it is alive any more."""
    locks = list((folder / ".snakemake/locks").glob("*.lock"))
    if not locks:
        return
    elsewhere = _other_hosts(folder, min(lock.stat().st_mtime for lock in locks))
    if elsewhere:
        raise QuakelineError(
            f"{folder} was locked by Snakemake on {', '.join(elsewhere)}; if nothing works there"
            " any more, remove the lock with `snakemake --unlock`"
        )
    _end_orphans(folder)
    if _all_ended(folder):
        subprocess.run([*command, "--unlock", "--quiet"], cwd=folder, check=False)


def _all_ended(folder: Path) -> bool:
    """Whether no process works in a folder; those of a cancelled job may take seconds to end."""
    deadline = time.monotonic() + _PATIENCE_S
    while _live_processes(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _other_hosts(folder: Path, since: float) -> list[str]:
    """Other machines on which Snakemake has written a log in this folder since a time."""
    logs = (folder / ".snakemake/log").glob("*.snakemake.log")
    recent = [log for log in logs if log.stat().st_mtime >= since]
    lines = [line for log in recent for line in log.read_text(errors="replace").splitlines()]
    hosts = {line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("Host:")}
    return sorted(hosts - {platform.node()})


def _live_processes(folder: Path) -> list[int]:
    """Processes of this machine that run Snakemake, or a job of it, in a folder."""
    import psutil

    return [
        process.pid
        for process in psutil.process_iter(["cwd", "cmdline"])
        if process.info["cwd"] == str(folder.resolve())
        and _is_snakemake(process.info["cmdline"] or [])
    ]


def _end_orphans(folder: Path) -> None:
    """End jobs in a folder whose Snakemake was killed: nobody would take what they make."""
    import psutil

    ended = []
    for pid in _live_processes(folder):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if not _is_supervised(process):
                typer.echo(f"quakeline: ending process {pid}, left by a killed run", err=True)
                process.kill()
                ended.append(process)
    psutil.wait_procs(ended, timeout=10)


def _is_supervised(process: Any) -> bool:
    """Whether a process or one that started it is Snakemake itself."""
    family = [process, *process.parents()]
    return any(Path(word).name == "snakemake" for member in family for word in member.cmdline()[:5])


def _is_snakemake(words: list[str]) -> bool:
    program = Path(words[0]).name if words else ""
    return program.startswith(("python", "snakemake")) and any(
        Path(word).name == "snakemake" or ".snakemake/scripts" in word for word in words[:5]
    )
