"""P and S of the embedded event on the fibre at Brady Hot Springs, from the results of the demo.

Counts and spread before and after cleaning; `make demo-das` first.
Raw is every onset of a single channel, clean the onsets of fronts under the name of their front.
`near` is the share within 1 s of the onset that is seen by eye (8.4 and 28.2 s behind the first
sample); `spread` is half the width of the middle 68.3 % of times, as in the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import measure
from quakeline.core.schemas import FIBRE_PICKS
from quakeline.io.products import tables

FOLDER = Path("results/porotomo/fibres/BRADY/picks")
BEGIN = pd.Timestamp("2016-03-21T07:37:30.532309Z")
ONSETS = {"P": 8.4, "S": 28.2}


def row(case: str, times: pd.Series, onset: float) -> dict[str, object]:
    """Count, median in s, spread in s, share near the onset."""
    seconds = (times - BEGIN).dt.total_seconds()
    low, high = np.percentile(seconds, (15.87, 84.13))
    return {
        "case": case,
        "count": len(seconds),
        "median_s": round(float(seconds.median()), 2),
        "spread_s": round(float(high - low) / 2, 2),
        "near": round(float(((seconds - onset).abs() < 1).mean()), 3),
    }


def main() -> None:
    """Print the figures and keep them."""
    measure.parser_of(__doc__).parse_args()
    files = sorted(FOLDER.glob("*.parquet"))
    if not files:
        sys.exit(f"{FOLDER}: no picks here; `make demo-das` makes them")
    picks = pd.concat([tables.read(path, FIBRE_PICKS) for path in files])
    rows = []
    for name, column in (("raw", "phase"), ("clean", "front_phase")):
        for phase, onset in ONSETS.items():
            rows.append(row(f"{phase}, {name}", picks.loc[picks[column] == phase, "time"], onset))
    measure.finish("das_event", rows, quick=False)


if __name__ == "__main__":
    main()
