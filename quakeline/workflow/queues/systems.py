"""How each batch system is told of a job, and how it is asked whether it still has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from quakeline.core.errors import QuakelineError

#: Whether a job waits or runs, cannot run any more without help, or is gone; null: no answer.
Standing = Literal["there", "stuck", "gone"] | None


@dataclass(frozen=True)
class Job:
    """What a job asks for: memory in MB of the whole job, time in minutes."""

    name: str
    threads: int
    memory_mb: int
    runtime_min: int
    queue: str | None
    account: str | None
    parallel_environment: str
    gres: str | None
    options: tuple[str, ...]
    logs: Path


class System(Protocol):
    """A batch system."""

    #: Programs that submit, ask and cancel.
    programs: tuple[str, str, str]

    def submission(self, job: Job) -> list[str]:
        """The command that submits a job, without the script at its end."""

    def identifier(self, answer: str) -> str:
        """The id of a job, from what its submission printed."""

    def question(self, identifier: str) -> list[str]:
        """The command that asks for a job."""

    def standing(self, code: int, answer: str) -> Standing:
        """What the exit code and all output of the question say of a job."""


class GridEngine:
    """Sun, Son of, Univa or Open Cluster Grid Engine: `qsub`, `qstat`.

    Memory is asked for as free memory of the host (`mem_free`), which every installation has.
    """

    programs = ("qsub", "qstat", "qdel")

    def submission(self, job: Job) -> list[str]:
        """See `System`."""
        seconds = job.runtime_min * 60
        words = ["qsub", "-terse", "-cwd", "-V", "-S", "/bin/sh", "-N", job.name]
        words += ["-j", "y", "-o", f"{job.logs}/"]
        words += ["-l", f"h_rt={seconds},mem_free={job.memory_mb}M"]
        words += ["-pe", job.parallel_environment, str(job.threads)] if job.threads > 1 else []
        words += ["-q", job.queue] if job.queue else []
        return [*words, *(["-P", job.account] if job.account else []), *job.options]

    def identifier(self, answer: str) -> str:
        """See `System`. Warnings may stand before the id."""
        return only_id(r"^(\d+)$", answer)

    def question(self, identifier: str) -> list[str]:
        """See `System`."""
        return ["qstat", "-j", identifier]

    def standing(self, code: int, answer: str) -> Standing:
        """See `System`. A job in an error state (Eqw) waits for its owner to clear it."""
        if code == 0:
            return "stuck" if re.search(r"^error reason", answer, re.MULTILINE) else "there"
        return "gone" if "do not exist" in answer else None


class Pbs:
    """OpenPBS or PBS Professional: `qsub` with `select`, `qstat`."""

    programs = ("qsub", "qstat", "qdel")

    def submission(self, job: Job) -> list[str]:
        """See `System`. Names of jobs have at most 15 characters in old versions."""
        hours, minutes = divmod(job.runtime_min, 60)
        words = ["qsub", "-V", "-N", job.name[:15], "-j", "oe", "-o", f"{job.logs}/"]
        chunk = f"select=1:ncpus={job.threads}:mem={job.memory_mb}mb"
        words += ["-l", f"{chunk}:{job.gres}" if job.gres else chunk]
        words += ["-l", f"walltime={hours:02d}:{minutes:02d}:00"]
        words += ["-q", job.queue] if job.queue else []
        return [*words, *(["-A", job.account] if job.account else []), *job.options]

    def identifier(self, answer: str) -> str:
        """See `System`."""
        return only_id(r"^(\d+\S*)$", answer)

    def question(self, identifier: str) -> list[str]:
        """See `System`."""
        return ["qstat", "-x", "-f", identifier]

    def standing(self, code: int, answer: str) -> Standing:
        """See `System`. Ended jobs are kept for a while, in state F, or are unknown."""
        state = re.search(r"job_state = (\w)", answer)
        if state:
            return "gone" if state[1] in "FX" else "stuck" if state[1] == "H" else "there"
        return "gone" if re.search("Unknown Job|has finished", answer, re.IGNORECASE) else None


class Lsf:
    """IBM Spectrum LSF, version 10 or later: `bsub`, `bjobs`."""

    programs = ("bsub", "bjobs", "bkill")

    def submission(self, job: Job) -> list[str]:
        """See `System`."""
        where = f"span[hosts=1] rusage[mem={job.memory_mb}MB]"
        words = ["bsub", "-J", job.name, "-n", str(job.threads), "-o", f"{job.logs}/%J.log"]
        words += ["-M", f"{job.memory_mb}MB", "-R", where, "-W", str(job.runtime_min)]
        words += ["-q", job.queue] if job.queue else []
        return [*words, *(["-P", job.account] if job.account else []), *job.options]

    def identifier(self, answer: str) -> str:
        """See `System`."""
        return only_id(r"^Job <(\d+)>", answer)

    def question(self, identifier: str) -> list[str]:
        """See `System`."""
        return ["bjobs", "-noheader", "-o", "stat", identifier]

    def standing(self, code: int, answer: str) -> Standing:
        """See `System`. An ended job is listed for an hour."""
        said = answer.strip()
        if said in ("DONE", "EXIT") or "is not found" in said:
            return "gone"
        if said in ("PSUSP", "USUSP"):
            return "stuck"
        return "there" if re.fullmatch(r"[A-Z]+", said) else None


def only_id(pattern: str, answer: str) -> str:
    """The one id in an answer. Raises QuakelineError with the answer where there is none."""
    found = re.findall(pattern, answer, re.MULTILINE)
    if len(found) != 1:
        said = " ".join(answer.split()) or "nothing"
        raise QuakelineError(f"the batch system answered {said!r}, which holds no id of a job")
    return str(found[0])
