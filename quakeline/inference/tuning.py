"""The best batch of a network on this machine: measured once, then remembered."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

from quakeline.inference.backends import Backend
from quakeline.io.atomic import write_text
from quakeline.models import cache

_CANDIDATES = (4, 8, 16, 32)
_WINDOWS = 96
_ROUNDS = 3


def best_batch(make: Callable[[int], Backend], window: tuple[int, int], name: str) -> int:
    """The batch size with which windows take the least time; results do not depend on it.

    `make` builds the backend for a size, `window` is (components, samples), `name` says what is
    measured. Remembered in the cache folder for this processor and library version.
    """
    key = f"{name} {platform.machine()} {_processor()} {version('openvino')}"
    path = cache.folder() / "batches.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    if key not in known:
        times = {size: _time(make(size), window) for size in _CANDIDATES}
        known[key] = min(times, key=lambda size: times[size])
        write_text(path, json.dumps(known, indent=1, sort_keys=True))
    return int(known[key])


def _time(backend: Backend, window: tuple[int, int]) -> float:
    """Least seconds of some rounds over about the same number of windows."""
    windows = np.random.default_rng(0).normal(size=(backend.batch, *window)).astype(np.float32)
    count = max(_WINDOWS // backend.batch, 1)
    rounds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for _ in backend.run(((), windows) for _ in range(count)):
            pass
        rounds.append((time.perf_counter() - start) / (count * backend.batch))
    return min(rounds)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next((line.split(":")[1].strip() for line in file if "model name" in line), "")
    except OSError:
        return platform.processor()
