"""Search for fronts along a fibre over growing numbers of onsets.

Onsets at random on 500 channels 1 m apart: more and more of them in 50 s, and more and more of 50 s
with 30,000 each. CPU seconds of `clean`, and peak memory of the process with its packages. There
is no peer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.das_fronts"
CHANNELS = 500
#: Onsets, and seconds that they lie in.
CASES = ((1_000, 50), (3_000, 50), (10_000, 50), (30_000, 50), (100_000, 50), (100_000, 167))
LONG = ((300_000, 500), (1_000_000, 1_667))


def one(onsets: int, seconds: int, threads: int) -> dict[str, Any]:
    """CPU seconds and memory of one number of onsets, and the fronts found."""
    import pandas as pd

    from quakeline.fibres.fronts.coherence import clean
    from quakeline.fibres.fronts.settings import FrontSettings

    rng = np.random.default_rng(onsets)
    channel = rng.integers(0, CHANNELS, onsets)
    picks = pd.DataFrame(
        {
            "channel_index": channel,
            "distance_m": channel.astype(float),
            "seconds": rng.uniform(0, seconds, onsets),
            "phase": rng.choice(["P", "S"], onsets),
            "probability": rng.uniform(0.3, 1, onsets),
        }
    )
    found: list[Any] = []
    rules = FrontSettings()
    took = measure.timed(lambda: found.append(clean(picks, np.arange(CHANNELS), rules)))
    fronts = int(found[0]["front"].max()) + 1
    return {**took, "peak_mb": measure.peak_mb(), "fronts": fronts}


def main() -> None:
    """Run the cases."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one):
        return
    rows = []
    for onsets, seconds in CASES if given.quick else CASES + LONG:
        run = measure.child(MODULE, 1, onsets=onsets, seconds=seconds)
        title = f"{onsets} onsets in {seconds} s, {run['fronts']} fronts"
        for key, unit in (("cpu_s", "CPU s"), ("peak_mb", "MB")):
            rows.append(measure.case(title, unit, run[key], run[key], None))
    measure.finish("das_fronts", rows, given.quick)


if __name__ == "__main__":
    main()
