"""What a person reads when the workflow has ended: the mistake in one line, or where to look.

Jobs leave a file `<log>.error` with the line for the user. A job that left neither that nor the
last word of its log was killed; when the disk is full nobody could write anything down.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from quakeline.core.errors import EXIT_CODE, OutputError
from quakeline.io.products.atomic import require_space
from quakeline.workflow.runner import DONE

INTERRUPTED = 128 + signal.SIGINT
#: Mistakes that are printed.
SHOWN = 10
_AGAIN = "the same command continues the run"


@dataclass(frozen=True)
class Outcome:
    """How the workflow ended: exit code, and what the person should read."""

    code: int
    lines: tuple[str, ...] = ()


def explain(code: int, results: Path, folder: Path, start_ns: int) -> Outcome:
    """Say how a run ended that began at a time (ns since 1970): what its jobs wrote down.

    `code` is Snakemake's exit code, negative where a signal ended it.
    """
    if code == 0:
        return Outcome(0)
    if code == INTERRUPTED:
        return Outcome(code, (f"interrupted; {_AGAIN}",))
    if code < 0:
        return Outcome(1, (f"Snakemake was ended by {signal.Signals(-code).name}; {_AGAIN}",))
    notes = _newer(results / "logs", "*.error", start_ns)
    mistakes = _grouped([line for note in notes for line in _text(note).splitlines()])
    full = _full(results, folder / ".snakemake")
    if full and not mistakes:
        return Outcome(EXIT_CODE, (full,))
    defects = [] if full else _defects(results / "logs", start_ns)
    if mistakes or defects:
        return Outcome(1 if defects else EXIT_CODE, _shortened([*mistakes, *defects]))
    logs = _newer(folder / ".snakemake/log", "*.log", start_ns)
    names = ", ".join(map(os.path.relpath, logs)) or "above"
    return Outcome(1, (f"the run did not finish (Snakemake's exit code: {code}); see {names}",))


def _defects(logs: Path, start_ns: int) -> list[str]:
    """A line for each job that ended without a word for the user."""
    lines = []
    for log in _newer(logs, "*.log", start_ns):
        text = _text(log).rstrip()
        job = " ".join(log.relative_to(logs).with_suffix("").parts).removesuffix(" all")
        if " ERROR " not in text and not text.endswith(DONE):
            why = f"ended without a word, as a job that is killed or runs out of memory; {_AGAIN}"
        elif log.with_suffix(".error").exists() or " ERROR " not in text:
            continue
        else:
            why = "ended with an error of the program"
        lines.append(f"{job}: {why}; see {os.path.relpath(log)}")
    return lines


def _full(*folders: Path) -> str:
    """What is wrong with folders that cannot be written, which nobody could write down."""
    try:
        for folder in folders:
            require_space(folder)
    except OutputError as error:
        return str(error)
    return ""


def _grouped(mistakes: list[str]) -> list[str]:
    """One line for a mistake that many chunks make: the first, and how many more there are."""
    groups: dict[str, list[str]] = {}
    for line in dict.fromkeys(mistakes):
        job, _, reason = line.partition(": ")
        rule, _, chunk = job.partition(" ")
        groups.setdefault(f"{rule}: {reason.replace(chunk, '') if chunk else reason}", []).append(
            line
        )
    return [
        lines[0] + (f" (the same for {len(lines) - 1} more chunks)" if len(lines) > 1 else "")
        for lines in groups.values()
    ]


def _shortened(lines: list[str]) -> tuple[str, ...]:
    rest = len(lines) - SHOWN
    return (*lines[:SHOWN], *([f"and {rest} more of this kind in the logs"] if rest > 0 else []))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _newer(folder: Path, pattern: str, start_ns: int) -> list[Path]:
    return sorted(p for p in folder.rglob(pattern) if p.stat().st_mtime_ns >= start_ns)
