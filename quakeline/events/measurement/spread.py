"""Blocks of work on the workers of a dask cluster that the user names."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from quakeline.core.errors import ConfigError, DataError, QuakelineError
from quakeline.core.extras import require

_LOCAL = "local:"
#: Blocks that wait for each thread of the cluster, and for all of a cluster that has none yet.
_AHEAD, _FEWEST = 3, 16
_CONNECT_S = 30


class Named(Protocol):
    """A block of work."""

    @property
    def name(self) -> str:
        """What it is, for messages."""


Work = TypeVar("Work", bound=Named)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Computes blocks on a cluster.

    Attributes
    ----------
    client
        A `distributed.Client`.
    most
        Comparisons in a block: 20,000 take about ten seconds.
    """

    client: Any
    most: int = 20_000

    def map(self, function: Callable[[Work], Result], blocks: Iterable[Work]) -> Iterator[Result]:
        """What a function gives for each block, in their order; a few are on their way at a time.

        Raises DataError that names a block which fails.
        """
        waiting: deque[tuple[str, Any]] = deque()
        for number, block in enumerate(blocks, start=1):
            future = self.client.submit(function, block, pure=False)
            waiting.append((f"block {number}, {block.name}", future))
            threads = sum(self.client.nthreads().values())
            while len(waiting) > max(_AHEAD * threads, _FEWEST):
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())


def _result(name: str, future: Any) -> Any:
    try:
        return future.result()
    except QuakelineError as error:
        raise DataError(f"{name}: {error}") from error
    except Exception as error:
        why = " ".join(str(error).split())
        raise DataError(f"{name}: {type(error).__name__}: {why}") from error


@contextmanager
def workers(where: str, most: int = Workers.most) -> Iterator[Workers]:
    """Reach the cluster whose scheduler has an address, or start "local:N" processes here.

    The workers need the same versions of all packages, and see the same folders.

    Raises
    ------
    ConfigError
        No scheduler answers, or the words are others.
    QuakelineError
        Dask is not installed.
    """
    require("dask", f"--dask {where}")
    from distributed import Client, LocalCluster

    if where.startswith(_LOCAL):
        count = where.removeprefix(_LOCAL)
        if not count.isdecimal() or int(count) < 1:
            raise ConfigError(
                f"--dask: {where!r} given; allowed: local:N, or a scheduler's address"
            )
        quiet = {"dashboard_address": "localhost:0", "silence_logs": logging.ERROR}
        with (
            LocalCluster(n_workers=int(count), threads_per_worker=1, **quiet) as cluster,
            Client(cluster) as client,
        ):
            yield Workers(client, most)
        return
    try:
        client = Client(where, timeout=_CONNECT_S)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"--dask: no scheduler answers at {where!r}: {why}") from error
    with client:
        yield Workers(client, most)
