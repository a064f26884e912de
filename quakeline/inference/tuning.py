"""The best batch of a network on this machine: measured once, then remembered."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from quakeline.inference.backends import Backend
from quakeline.io.products.atomic import write_text
from quakeline.models import cache

#: Windows in a batch that are tried: larger ones do not fit into the cache of a CPU, smaller ones
#: do not fill a GPU.
CPU_SIZES = (4, 8, 16, 32)
GPU_SIZES = (64, 256, 1024, 4096)
_ROUNDS = 5
_BATCHES = 3
#: Of sizes that take as long but for so much the largest counts: every batch costs its handling.
_AS_FAST = 1.03


def best_batch(
    make: Callable[[int], Backend],
    window: tuple[int, int],
    name: str,
    sizes: Sequence[int] = CPU_SIZES,
) -> int:
    """The largest batch with which windows take the least time; results do not depend on it.

    `make` builds the backend for a size, `window` is (components, samples), `name` says what is
    measured, with which library on which device. Remembered in the cache folder. A size for which
    the device has not enough memory is left out.
    """
    path = cache.folder() / "batches.json"
    known = _read(path)
    if name not in known:
        times = {size: _time(make, size, window, _BATCHES * sizes[-1]) for size in sizes}
        known[name] = max(n for n in sizes if times[n] <= _AS_FAST * min(times.values()))
        write_text(path, json.dumps(known, indent=1, sort_keys=True))
    return int(known[name])


def _read(path: Path) -> dict[str, int]:
    """What is remembered; nothing where the file is missing or damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def on_cpu(library: str, threads: int) -> str:
    """Words for a library on so many cores of this machine's processor, for `best_batch`."""
    return f"{library} {version(library)} {threads} {platform.machine()} {_processor()}"


def _time(
    make: Callable[[int], Backend], size: int, window: tuple[int, int], windows: int
) -> float:
    """Least seconds per window of some rounds; infinite where memory does not suffice."""
    batch = np.random.default_rng(0).normal(size=(size, *window)).astype(np.float32)
    count = max(windows // size, 1)
    rounds = []
    try:
        backend = make(size)
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            for _ in backend.run(((), batch) for _ in range(count)):
                pass
            rounds.append((time.perf_counter() - start) / (count * size))
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        return np.inf
    return min(rounds)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next((line.split(":")[1].strip() for line in file if "model name" in line), "")
    except OSError:
        return platform.processor()
