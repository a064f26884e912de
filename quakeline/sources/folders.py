"""Folders that a search by glob pattern passes over in silence, and the state of what it finds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import has_magic, iglob
from pathlib import Path

from quakeline.io.provenance import digest_of


def closed(pattern: str) -> list[Path]:
    """Folders on the way of a pattern that may not be read: what is in them is not found."""
    parts = Path(pattern).parts[:-1]
    first = next((n for n, part in enumerate(parts) if has_magic(part)), len(parts))
    ways = [str(Path(*parts[:n])) for n in range(first, len(parts) + 1)]
    folders = {folder for way in ways for folder in iglob(f"{way}/", recursive=True)}
    return sorted(Path(f) for f in folders if not os.access(f, os.R_OK | os.X_OK))


def digest(paths: Iterable[str]) -> str:
    """Digest of names, sizes and times of change of files."""
    stats = [(path, Path(path).lstat()) for path in sorted(paths)]
    return digest_of([[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats])
