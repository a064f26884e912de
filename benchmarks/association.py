"""How the time of association grows with the picks: `python -m benchmarks.association [N ...]`.

Each number of picks is a sequence of 10 events an hour, 30 % of its picks false, as long as it
must be; association with all its passes. CPU seconds of all threads, and the largest memory of the
process, which also holds the making of the sequence.
"""

from __future__ import annotations

import sys

import pandas as pd

from benchmarks.measure import finish, peak_mb, timed
from benchmarks.sequences import CRUST, Plan, make
from quakeline.association import Search, associate, suggested
from quakeline.location import Locator
from quakeline.sites import Sites


def main() -> None:
    """Measure each size and keep the figures in benchmarks/results/association.json."""
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    rows = []
    for size in sizes:
        sequence = make(Plan(hours=size / 550, events_per_hour=10))
        sites = Sites.of(sequence.stations)
        search, _ = suggested({}, sites, CRUST)
        picks = sequence.picks.head(size)
        finder = Locator(sites, CRUST, search.depth_km)

        def work(
            picks: pd.DataFrame = picks,
            sites: Sites = sites,
            search: Search = search,
            finder: Locator = finder,
        ) -> None:
            associate(picks, sites, CRUST, search, threads=2, finder=finder)

        spent = timed(work)
        row = {"case": f"{len(picks)} picks", **spent, "peak_mb": peak_mb()}
        row["cpu_s_per_10000_picks"] = 1e4 * spent["cpu_s"] / len(picks)
        rows.append(row)
        finish("association", rows, quick=False)


if __name__ == "__main__":
    main()
