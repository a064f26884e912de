"""Jobs of a batch system: submitted with a file for their exit code, and asked for by it."""

from __future__ import annotations

import shlex
import subprocess
import time
import uuid
from collections.abc import Callable
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
    token = uuid.uuid4().hex
    wrapped = FOLDER / f"{token}.sh"
    wrapped.write_text(_wrapper(script.resolve(), _code(token).resolve()), encoding="utf-8")
    wrapped.chmod(0o755)
    done = _ask([*system.submission(job), str(wrapped.resolve())])
    if done is None or done.returncode:
        said = " ".join((done.stderr or done.stdout).split()) if done else "no answer in a minute"
        raise QuakelineError(f"{system.programs[0]} refused a job: {said}")
    identifier = system.identifier(done.stdout)
    (FOLDER / f"{identifier}.token").write_text(token, encoding="utf-8")
    (FOLDER / f"{identifier}.gone").unlink(missing_ok=True)
    return identifier


def state(system: System, identifier: str, say: Callable[[str], None]) -> State:
    """Whether a job waits or runs, or how it ended.

    A job that the system does not know any more and that left no exit code, because it was killed
    or its node died, has failed after a while. Where the system does not answer, jobs run on. A job
    that waits for a person is told by `say`, once.
    """
    code = _code((FOLDER / f"{identifier}.token").read_text(encoding="utf-8"))
    if code.exists():
        return _ended(code)
    done = _ask(system.question(identifier))
    standing = system.standing(done.returncode, done.stdout + done.stderr) if done else None
    if code.exists():
        return _ended(code)
    gone, stuck = FOLDER / f"{identifier}.gone", FOLDER / f"{identifier}.stuck"
    if standing == "stuck" and not stuck.exists():
        stuck.touch()
        say(f"job {identifier} does not run until its error or hold is cleared")
    if standing != "gone":
        gone.unlink(missing_ok=True)
        return "running"
    if not gone.exists():
        gone.touch()
    return "running" if time.time() - gone.stat().st_mtime < PATIENCE_S else "failed"


def _code(token: str) -> Path:
    """The file for the exit code of a job."""
    return FOLDER / f"{token}.exit"


def _ended(code: Path) -> State:
    return "success" if code.read_text(encoding="utf-8").strip() == "0" else "failed"


def _wrapper(script: Path, code: Path) -> str:
    """A script that runs another one and leaves its exit code in a file."""
    kept = shlex.quote(str(code))
    return (
        "#!/bin/sh\n"
        f"/bin/sh {shlex.quote(str(script))}\n"
        "code=$?\n"
        f'echo "$code" > {kept}.part && mv {kept}.part {kept}\n'
        'exit "$code"\n'
    )


def _ask(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command of the batch system; None where it does not answer within a minute."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except FileNotFoundError:
        raise QuakelineError(f"{command[0]} is not installed on this machine") from None
    except subprocess.TimeoutExpired:
        return None
