"""How far a command is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

_LINE_EVERY_S = 10.0


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h of data"


@contextmanager
def shown(
    what: str, console: Console, amount: Callable[[float], str] = _hours
) -> Iterator[Callable[[float, float], None]]:
    """Give a function that takes what is done and all that there is to do.

    That is seconds of data unless `amount` words another quantity.
    """
    if not console.is_terminal:
        yield _Lines(what, console, amount).notify
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def told(console: Console) -> Iterator[Callable[[str], None]]:
    """Give a function that takes a line on the state of things, which replaces the one before."""
    if console.is_terminal:
        with console.status("") as status:
            yield status.update
        return
    last = time.monotonic()

    def tell(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_EVERY_S:
            last = time.monotonic()
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    yield tell


class _Lines:
    def __init__(self, what: str, console: Console, amount: Callable[[float], str]) -> None:
        self._what, self._console, self._amount = what, console, amount
        self._last = time.monotonic()

    def notify(self, done: float, total: float) -> None:
        if time.monotonic() - self._last >= _LINE_EVERY_S and total:
            self._last = time.monotonic()
            self._console.print(
                f"{self._what}: {100 * done / total:.0f} % of {self._amount(total)}",
                highlight=False,
                soft_wrap=True,
            )
