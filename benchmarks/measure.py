"""One process family per benchmark: each measurement in a child of its own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_UNKEPT = "PYTHONDONTWRITEBYTECODE"
_PACKAGES = ("quakeline", "seisbench", "torch", "openvino", "numpy", "obspy")


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """CPU seconds (user and system, all threads) and wall seconds of some work."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(module: str, threads: int, **arguments: Any) -> dict[str, Any]:
    """Run `python -m module --child JSON` and return the JSON object of its last line."""
    asked = json.dumps({"threads": threads, **arguments})
    command = [sys.executable, "-m", module, "--child", asked]
    done = subprocess.run(
        command, env=environment_of(threads), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(failure(command, done.stderr))
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def spent(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[str, dict[str, float]]:
    """What a process prints, and the CPU and wall seconds and peak MB of it and its children.

    It has the environment and the folder of this process where none is given; one that fails ends
    this one too, with what it said.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, cwd=folder
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - begun
        output.seek(0)
        said = output.read()
    if process.returncode:
        sys.exit(failure(command, said))
    cpu_s, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return said, {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak}


def environment_of(threads: int) -> dict[str, str]:
    """The environment of a process whose libraries use so many threads.

    Python keeps what it has compiled, as it does unless it is told otherwise: programs that are
    installed are compiled once, not at each start.
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name != _UNKEPT}
    return {**kept, **dict.fromkeys(names, str(threads))}


def failure(command: Sequence[str | Path], said: str) -> str:
    """What to say of a process that failed: its end, or the one package that it lacks."""
    absent = re.search(r"^ModuleNotFoundError: No module named '([\w.]+)'$", said, re.M)
    if absent:
        program = next(word for word in command[1:] if word != "-m")
        return f"{program}: the Python package {absent[1]!r} is not installed"
    return f"{' '.join(map(str, command))} failed:\n{said[-3000:]}"


def medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Median of every number over repeated runs."""
    return {
        key: statistics.median(run[key] for run in runs)
        for key, value in runs[0].items()
        if isinstance(value, int | float)
    }


def case(name: str, unit: str, ours: float, peer: float, equal: Any) -> dict[str, Any]:
    """One row of a benchmark: ratio above 1 means that ours is faster or smaller."""
    return {
        "case": name,
        "unit": unit,
        "ours": round(ours, 4),
        "peer": round(peer, 4),
        "ratio": round(peer / ours, 3),
        "equal": equal,
    }


def finish(
    name: str,
    cases: list[dict[str, Any]],
    quick: bool,
    kept: str = "",
    keys: Sequence[str] = (),
) -> None:
    """Print the result as the last line and keep it in benchmarks/results, unless it is quick.

    Called after every case, so that what was measured is kept when a later one fails. Where only
    the cases with `kept` in their names were asked for, those of the file without it stay; with
    `keys` all cases of the file stay that differ in one of these from those measured.
    """
    path = RESULTS / f"{name}.json"
    if (kept or keys) and path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))["cases"]
        done = {tuple(row[key] for key in keys) for row in cases}

        def stays(row: dict[str, Any]) -> bool:
            return tuple(row[key] for key in keys) not in done if keys else kept not in row["case"]

        cases = [row for row in old if stays(row)] + cases
    result = {"name": name, "cases": cases, "environment": environment()}
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def environment() -> dict[str, Any]:
    """Machine and versions."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {"processor": model, "cores": os.cpu_count(), "versions": versions}


def arguments(description: str | None) -> argparse.Namespace:
    """`--quick` for a run of less than a minute; see `answered` for `--child`.

    `--only TEXT` measures the cases whose names hold the text, where a benchmark knows cases.
    """
    parser = parser_of(description)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold TEXT")
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    return parser.parse_args()


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """A parser whose `--help` shows the docstring of the benchmark; it knows `--child`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    return parser


def answered(given: argparse.Namespace, **sides: Callable[..., dict[str, Any]]) -> bool:
    """Whether this process is a child; it has then printed what the side asked for gave.

    The side is the one that `child` names with `side=`, or the only one.
    """
    if not given.child:
        return False
    asked = dict(given.child)
    name = asked.pop("side") if len(sides) > 1 else next(iter(sides))
    print(json.dumps(sides[name](**asked)))
    return True
