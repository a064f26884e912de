"""Jobs in SLURM's queue that a killed run has left: nobody would take what they make."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

from quakeline.core.errors import QuakelineError

_PATIENCE_S = 60.0


def job_prefix(results: Path) -> str:
    """What the names of a run's jobs begin with: the same for each start of the same run."""
    return "quakeline-" + hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:12]


def cancel_leftovers(prefix: str) -> list[str]:
    """Cancel the user's jobs whose names begin with a prefix and wait until they have ended.

    Returns the ids of the jobs. Raises QuakelineError where SLURM does not answer or jobs stay.
    """
    found = _jobs(prefix)
    if found:
        _ask("scancel", *found)
    deadline = time.monotonic() + _PATIENCE_S
    while _jobs(prefix):
        if time.monotonic() > deadline:
            raise QuakelineError(
                f"jobs {', '.join(_jobs(prefix))} of a run that was killed do not end; cancel them"
                " with scancel"
            )
        time.sleep(0.5)
    return found


def _jobs(prefix: str) -> list[str]:
    """Ids of jobs that wait, run or end."""
    lines = _ask("squeue", "--me", "--noheader", "--format", "%i %j").splitlines()
    names = dict(line.split(maxsplit=1) for line in lines if len(line.split()) > 1)
    return [job for job, name in names.items() if name.strip().startswith(prefix)]


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        raise QuakelineError(f"{command[0]} is not installed: this is no SLURM cluster") from None
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
        raise QuakelineError(f"{command[0]}: {reason}") from None
    except subprocess.TimeoutExpired:
        raise QuakelineError(f"{command[0]} did not answer within a minute") from None
    return done.stdout
