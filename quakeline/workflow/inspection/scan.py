"""Headers of many files, read in several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from glob import has_magic, iglob
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError
from quakeline.io.formats.quality_flags import records_of
from quakeline.io.formats.waveform_files import ChannelHeader, read_headers
from quakeline.io.products.remarks import some

#: Below so many bytes and files one process is faster than the start of others.
_FEW_BYTES, _FEW_FILES = 500_000_000, 200
#: Files that a process is given at a time.
_BATCH = 16
#: Files of no use that are named.
_NAMED = 3

#: Hears how many bytes are done, and of how many.
Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Scan:
    """What the headers of a file say, or why it cannot be read."""

    path: Path
    size: int
    headers: list[ChannelHeader] = field(default_factory=list)
    timing: dict[str, np.ndarray] = field(default_factory=dict)
    unreadable: str = ""


def nothing_in(
    what: str, count: int, places: Sequence[Path | str], refused: Mapping[str, Sequence[str]]
) -> str:
    """Say that files hold nothing of use: their number, where, and the most frequent reason.

    `refused` has names of files by why they were.
    """
    said = f"no {what} in {count} file{'s' * (count > 1)} of {', '.join(map(str, places))}"
    if not refused:
        return said
    reason, names = max(refused.items(), key=lambda item: len(item[1]))
    return f"{said}: {some(names, _NAMED)}: {reason}" if count > 1 else f"{said}: {reason}"


def find(paths: Sequence[Path | str]) -> list[tuple[Path, int]]:
    """Files and their sizes: those given, those of patterns, those in folders but for hidden ones.

    Folders that may not be read, and names of files that do not exist, are among them. Raises
    DataError where there are none.
    """
    found: dict[Path, int] = {}
    for given in map(Path, paths):
        matches = map(Path, iglob(str(given), recursive=True)) if has_magic(str(given)) else [given]
        for path in [given] if given.exists() else matches:
            if path == given or os.path.lexists(path):  # glob makes up folders in front of **
                found.update(_below(path))
    if not found:
        raise DataError(f"no file in {', '.join(map(str, paths))}")
    return sorted(found.items())


def _below(path: Path) -> Iterator[tuple[Path, int]]:
    if not path.is_dir():
        yield path, _size(path)
        return
    closed: list[OSError] = []
    seen: set[str] = set()  # links may lead in circles
    for folder, folders, names in os.walk(path, onerror=closed.append, followlinks=True):
        if os.path.realpath(folder) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(folder))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield Path(folder, name), _size(Path(folder, name))
    for error in closed:
        yield Path(error.filename), 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def scan(path: Path, size: int) -> Scan:
    """Read the headers of one file, not its samples."""
    try:
        headers = read_headers(path)
    except DataError as error:
        return Scan(path, size, unreadable=str(error))
    timing = {codes: one.timing for codes, one in records_of(path).items()}
    return Scan(path, size, headers, timing)


def scan_all(
    files: Sequence[tuple[Path, int]], processes: int, progress: Progress | None = None
) -> list[Scan]:
    """Read the headers of files, in several processes where it pays."""
    notify = progress or (lambda done, total: None)
    total = sum(size for _, size in files)
    scans, done = [], 0
    for one in _scanned(files, processes if _is_much(total, len(files)) else 1):
        scans.append(one)
        done += one.size
        notify(done, max(total, 1))
    return scans


def _is_much(n_bytes: int, n_files: int) -> bool:
    return n_bytes > _FEW_BYTES or n_files > _FEW_FILES


def _scanned(files: Sequence[tuple[Path, int]], processes: int) -> Iterator[Scan]:
    if processes < 2:
        yield from (scan(path, size) for path, size in files)
        return
    context = get_context("forkserver")  # a fork of this process might copy its threads' locks
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(scan, *zip(*files, strict=True), chunksize=_BATCH)
