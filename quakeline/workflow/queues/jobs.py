"""Jobs of a batch system: submitted with a file for their exit code, and asked for by it."""

from __future__ import annotations

import shlex
import subprocess
import time
import uuid
from pathlib import Path
from typing import Literal

from quakeline.core.errors import QuakelineError
from quakeline.workflow.queues.systems import Job, System

State = Literal["running", "success", "failed"]

#: Where jobs and their exit codes are kept, in the folder of the run.
FOLDER = Path(".snakemake/queue")
#: How long the exit code of a job that left the queue may take to be seen on this machine.
PATIENCE_S = 60.0
_ANSWER_S = 60.0


def submit(system: System, job: Job, script: Path) -> str:
    """Submit a script as a job, from the folder of the run; gives the id of the job.

    Raises QuakelineError with what the batch system says against it.
    """
    job.logs.mkdir(parents=True, exist_ok=True)
    wrapped = FOLDER / f"{uuid.uuid4().hex}.sh"
    wrapped.write_text(_wrapper(system.variable, script.resolve()), encoding="utf-8")
    wrapped.chmod(0o755)
    done = _ask([*system.submission(job), str(wrapped.resolve())])
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise QuakelineError(f"{system.submission(job)[0]} refused a job: {said}")
    return system.identifier(done.stdout)


def state(system: System, identifier: str) -> State:
    """Whether a job waits or runs, or how it ended.

    A job that the system does not know any more and that left no exit code, because it was killed
    or its node died, has failed.
    """
    code = FOLDER / f"{identifier}.exit"
    if code.exists():
        return _ended(code)
    done = _ask(system.question(identifier))
    gone = FOLDER / f"{identifier}.gone"
    if system.knows(done.returncode, done.stdout):
        gone.unlink(missing_ok=True)
        return "running"
    if code.exists():
        return _ended(code)
    if not gone.exists():
        gone.touch()
    return "running" if time.time() - gone.stat().st_mtime < PATIENCE_S else "failed"


def _ended(code: Path) -> State:
    return "success" if code.read_text(encoding="utf-8").strip() == "0" else "failed"


def _wrapper(variable: str, script: Path) -> str:
    """A script that runs another one and leaves its exit code under the id of the job."""
    folder = FOLDER.resolve()
    return (
        "#!/bin/sh\n"
        f"/bin/sh {shlex.quote(str(script))}\n"
        "code=$?\n"
        f'kept={shlex.quote(str(folder))}/"${variable}".exit\n'
        'echo "$code" > "$kept.part" && mv "$kept.part" "$kept"\n'
        'exit "$code"\n'
    )


def _ask(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except FileNotFoundError:
        raise QuakelineError(f"{command[0]} is not installed on this machine") from None
    except subprocess.TimeoutExpired:
        raise QuakelineError(f"{command[0]} did not answer within a minute") from None
