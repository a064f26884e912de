"""The folder of a user in which quakeline keeps what it would fetch or compute again."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Name the folder: QUAKELINE_CACHE, else XDG_CACHE_HOME/quakeline, else ~/.cache/quakeline."""
    given = os.environ.get("QUAKELINE_CACHE")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "quakeline"
