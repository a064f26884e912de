"""Runs that are killed at random: `python -m benchmarks.kills [--kills 100] [--run NAME]`.

A demo runs once undisturbed. Then the same run is started again and again in a folder of its own,
and everything that belongs to it (launcher, Snakemake, jobs) is killed with SIGKILL after a random
time, until it ends by itself; its catalog must be that of the undisturbed run, value by value and
byte by byte. This is repeated until there were so many kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from benchmarks.measure import finish, parser_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/helpers"))

from workfolder import QUAKELINE, WorkFolder

RUNS = ("unterhaching", "porotomo")


def main() -> None:
    """Kill, compare, and keep the counts in benchmarks/results/kills.json."""
    parser = parser_of(__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--run", choices=RUNS, default=RUNS[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="keep no figures")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        row = counted(Path(place), words.run, words.kills, words.seed)
    finish("kills", [row], words.quick, kept=words.run)


def counted(folder: Path, run: str, kills: int, seed: int) -> dict[str, object]:
    """Runs, kills and starts until there were so many kills."""
    rng = np.random.default_rng(seed)
    whole = WorkFolder.furnished(folder / "whole")
    begun = time.perf_counter()
    if started(whole, run, None) != 0:
        sys.exit("the undisturbed run failed")
    seconds = time.perf_counter() - begun
    done, runs, left = 0, 0, 0
    while done < kills:
        place = WorkFolder.furnished(folder / f"killed{runs}")
        while True:
            code = started(place, run, float(rng.uniform(0, seconds)))
            if code is not None:
                break
            done += 1
        if code != 0:
            sys.exit(f"run {runs}, after {done} kills: exit code {code}\n{log(place)}")
        same(place.folder / "results" / run, whole.folder / "results" / run)
        left += len(list((place.folder / "results" / run).rglob("*.part")))
        runs += 1
        print(f"{runs} runs, {done} kills, catalogs equal", file=sys.stderr, flush=True)
    return {"case": run, "kills": done, "runs": runs, "seconds": round(seconds, 1), "left": left}


def same(found: Path, expected: Path) -> None:
    """Fail unless two catalogs are equal: tables value by value, CSV and QuakeML byte by byte."""
    for name in ("events", "arrivals", "picks"):
        one, other = (
            pd.read_parquet(folder / f"catalog/{name}.parquet") for folder in (found, expected)
        )
        assert len(other) or name != "picks"
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    for name in ("catalog.qml", "catalog.csv"):
        one_file, other_file = (folder / "catalog" / name for folder in (found, expected))
        assert one_file.read_bytes() == other_file.read_bytes(), name


def started(place: WorkFolder, run: str, kill_after_s: float | None) -> int | None:
    """Start a run; its exit code, or None where it was killed before."""
    words = [QUAKELINE, "run", run, "--cores", "2"]
    with (place.folder / "said.log").open("ab") as said:
        process = subprocess.Popen(
            words,
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        return process.wait(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        kill(process.pid)
        process.wait()
        return None


def kill(leader: int) -> None:
    """SIGKILL to all processes of a session, also to those that begin meanwhile."""
    while pids := [pid for pid in psutil.pids() if of_session(pid, leader)]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def of_session(pid: int, leader: int) -> bool:
    """Whether a process that is alive belongs to a session."""
    try:
        return os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.Error):
        return False


def log(place: WorkFolder) -> str:
    """The end of what a run said."""
    return (place.folder / "said.log").read_text(encoding="utf-8", errors="replace")[-3000:]


if __name__ == "__main__":
    main()
