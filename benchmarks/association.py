"""How the time of association grows with the picks: `python -m benchmarks.association [N ...]`.

Each number of picks is a sequence of 100 events an hour, 30 % of its picks false, as long as it
must be. CPU seconds of all threads, and the largest memory of the process, which also holds the
making of the sequence.
"""

from __future__ import annotations

import sys

from benchmarks.measure import finish, peak_mb, timed
from benchmarks.sequences import CRUST, Plan, make
from quakeline.association import associate, suggested
from quakeline.sites import Sites


def main() -> None:
    """Measure each size and keep the figures in benchmarks/results/association.json."""
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    rows = []
    for size in sizes:
        sequence = make(Plan(hours=size / 4300, events_per_hour=100))
        sites = Sites.of(sequence.stations)
        search, _ = suggested({}, sites, CRUST)
        picks = sequence.picks.head(size)
        spent = timed(lambda p=picks, s=sites, r=search: associate(p, s, CRUST, r, threads=2))
        row = {"case": f"{len(picks)} picks", **spent, "peak_mb": peak_mb()}
        row["cpu_s_per_10000_picks"] = 1e4 * spent["cpu_s"] / len(picks)
        rows.append(row)
        finish("association", rows, quick=False)


if __name__ == "__main__":
    main()
