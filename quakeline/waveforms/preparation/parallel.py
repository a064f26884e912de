"""Work in several threads, its results in order, never more than needed in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_threads(work: Sequence[Callable[[], T]], threads: int) -> Iterator[T]:
    """Results of all calls in their order; no more are begun than threads, so none pile up.

    What takes time in the preparation (FFTs, filters, decoding) leaves Python's lock, and results
    need not be copied between processes.
    """
    if threads < 2 or len(work) < 2:
        yield from (call() for call in work)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[T]] = deque()
        for call in work:
            running.append(pool.submit(call))
            if len(running) >= threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
