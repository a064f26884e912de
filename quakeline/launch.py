"""Starts the workflow: where it works, one process for each run, stale locks, what went wrong.

Snakemake keeps its lock when it is killed. Two facts tell whether such a lock is stale: the launcher
holds an flock for as long as it or its Snakemake lives, and no process of this machine runs Snakemake
in the folder. Snakemake's own log names the machine of a lock that another one left behind.
"""

from __future__ import annotations

import fcntl
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import quakeline
from quakeline import config
from quakeline.errors import EXIT_CODE, ConfigError, OutputError, QuakelineError

OVERLAYS = Path("config/runs")
INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True)
class Place:
    """The folder that a run works in, and the Snakefile that it uses."""

    folder: Path
    snakefile: Path


@dataclass(frozen=True)
class Outcome:
    """How the workflow ended: exit code, and what the person should read."""

    code: int
    lines: tuple[str, ...] = ()


def find_place(folder: Path) -> Place:
    """Find where to work: this folder when it holds a configuration, else the source tree.

    Raises ConfigError when there is neither.
    """
    source_tree = Path(quakeline.__file__).resolve().parents[1]
    for candidate in (folder, source_tree):
        if not (candidate / config.DEFAULT).is_file():
            continue
        for home in (candidate, source_tree):
            if (home / "Snakefile").is_file():
                return Place(candidate, home / "Snakefile")
    raise ConfigError(
        f"no workflow here: neither {folder} nor {source_tree} holds a Snakefile and"
        f" {config.DEFAULT}; work in a clone of quakeline"
    )


def find_overlay(place: Place, given: str | None, folder: Path) -> Path | None:
    """Turn what the person named into the path of an overlay: a file, or a name of config/runs.

    None stands for the default run, which may also be called by its name. Raises ConfigError that
    lists the known names.
    """
    if given is None:
        return None
    if (folder / given).is_file():
        return folder / given
    known = {path.stem: path for path in sorted((place.folder / OVERLAYS).glob("*.yaml"))}
    if given in known:
        return known[given]
    default = str(config.read_yaml(place.folder / config.DEFAULT).get("run", ""))
    if given == default:
        return None
    names = ", ".join([f"{default} (the default)", *known])
    raise ConfigError(
        f"overlay {given!r}: neither a file nor a run of {OVERLAYS}; known runs: {names}"
    )


def checked(place: Place, overlay: Path | None) -> config.Run:
    """Read the configuration. Raises ConfigError with every mistake, one a line."""
    raw = config.read_yaml(overlay) if overlay else {}
    return config.read(raw, place.folder / config.DEFAULT)


def launch(
    place: Place, run: config.Run, overlay: Path | None, cores: str, extra: list[str]
) -> Outcome:
    """Run Snakemake for a run and wait for it. `extra` are further arguments for Snakemake.

    Raises OutputError when results cannot be written, QuakelineError when the run is being worked
    on already.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(place.snakefile)]
    if overlay and config.read_yaml(overlay):
        command += ["--configfile", str(overlay.resolve())]
    results = place.folder / "results" / run.run
    with _claimed(results) as lock:
        _unlock_stale(place.folder, command)
        start_ns = os.fstat(lock).st_mtime_ns
        command += ["--cores", cores, "--rerun-incomplete", *extra]
        code = _follow(command, place.folder, lock)
    return _outcome(code, results, place.folder, start_ns)


@contextmanager
def _claimed(results: Path) -> Iterator[int]:
    """Hold the run's lock file; Snakemake inherits it, so it is free only when both have ended."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(results / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"cannot write {results}: {error.strerror}") from error
    try:
        _claim(descriptor, results)
        yield descriptor
    finally:
        os.close(descriptor)


def _claim(descriptor: int, results: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        raise QuakelineError(f"{results} is being worked on by {holder}") from None
    except OSError as error:
        raise OutputError(f"cannot write {results}: {error.strerror}") from error


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
    if not _live_processes(folder):
        subprocess.run([*command, "--unlock", "--quiet"], cwd=folder, check=False)


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


def _is_snakemake(words: list[str]) -> bool:
    program = Path(words[0]).name if words else ""
    return program.startswith(("python", "snakemake")) and any(
        Path(word).name == "snakemake" or ".snakemake/scripts" in word for word in words[:5]
    )


def _follow(command: list[str], folder: Path, lock: int) -> int:
    """Run a command in the foreground and return its exit code; it sees every signal we get.

    A terminal sends Ctrl-C to the command as well; otherwise it is passed on. An interrupted
    command counts as ended by the signal, whatever its exit code says.
    """
    interrupted = False
    process = subprocess.Popen(command, cwd=folder, pass_fds=(lock,))
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait()
                return INTERRUPTED if interrupted and code else code
            except KeyboardInterrupt:
                interrupted = True
                if not sys.stdin.isatty():
                    process.send_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def _outcome(code: int, results: Path, folder: Path, start_ns: int) -> Outcome:
    """Say what went wrong: the users' errors that jobs left, else the logs that tell."""
    if code == 0:
        return Outcome(0)
    if code == INTERRUPTED:
        return Outcome(code, ("interrupted; the same command continues the run",))
    logs = _newer(results / "logs", "*.error", start_ns)
    mistakes = [line for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    if mistakes:
        return Outcome(EXIT_CODE, tuple(dict.fromkeys(mistakes)))
    failed = [
        log
        for log in _newer(results / "logs", "*.log", start_ns)
        if " ERROR " in log.read_text(encoding="utf-8", errors="replace")
    ]
    telling = failed or _newer(folder / ".snakemake/log", "*.log", start_ns)
    names = ", ".join(os.path.relpath(log) for log in telling) or "above"
    return Outcome(1, (f"the run did not finish (Snakemake's exit code: {code}); see {names}",))


def _newer(folder: Path, pattern: str, start_ns: int) -> list[Path]:
    return sorted(p for p in folder.rglob(pattern) if p.stat().st_mtime_ns >= start_ns)
