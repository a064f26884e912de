"""Runs Snakemake in the foreground: signals that it is passed, its environment, what it says."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from quakeline.io.products.atomic import writing
from quakeline.workflow.following import Follower, Progress
from quakeline.workflow.outcome import INTERRUPTED

#: How often the output of Snakemake is looked at, in seconds.
_LOOK_S = 0.3


def follow(
    command: list[str],
    folder: Path,
    lock: int,
    output: Path | None = None,
    progress: Progress | None = None,
) -> int:
    """Run a command in the foreground and return its exit code; it sees every signal we get.

    A terminal sends Ctrl-C to the command as well; otherwise it is passed on. An interrupted
    command counts as ended by the signal, whatever its exit code says.
    """
    interrupted = False
    with _written(output) as target:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            pass_fds=(lock,),
            stdout=target,
            stderr=target,
        )
    follower = Follower(output, progress) if output and progress else None
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait(_LOOK_S if follower else None)
                return INTERRUPTED if interrupted and code else code
            except subprocess.TimeoutExpired:
                if follower:
                    follower.look()
            except KeyboardInterrupt:
                interrupted = True
                if not sys.stdin.isatty():
                    process.send_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)
        if follower:
            follower.close()


def environment() -> dict[str, str]:
    """The environment of Snakemake: the commands of a profile find the Python that runs here.

    A user whom the machine knows by number alone, as in containers (`docker run --user`), is
    called by that number: Snakemake asks for a name.
    """
    here = str(Path(sys.executable).parent)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        user = str(os.getuid())
    path = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
    return {"LOGNAME": user, **os.environ, "PATH": path}


@contextmanager
def _written(output: Path | None) -> Iterator[IO[bytes] | None]:
    """A file for what a command says; None for the terminal."""
    if output is None:
        yield None
        return
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        file = output.open("wb")
    with file:
        yield file
