"""Where a run is, and where the paths in its products begin."""

from __future__ import annotations

import os
from pathlib import Path


def absolute(path: Path) -> Path:
    """A path from the root on, without `.` and `..`; links in it stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (Path.resolve would follow links)


def home_of(run: Path) -> Path:
    """The folder that holds `results` of a run, to which the paths in its products are relative.

    Parameters
    ----------
    run
        The folder `results/RUN`, absolute or relative to the working folder. Links in it are kept
        as they are: `results` may be a link to another disk.
    """
    return absolute(run).parent.parent
