"""Association alone, and picks to a catalog, against PyOcto on the same real picks.

`python -m benchmarks.association_rivals FOLDER --python PYTHON [--only NAME] [--runs 3]
[--limit 600] [--quick]`: FOLDER as for `benchmarks.real_catalogs`; PYTHON is that of an environment
with what `benchmarks.rivals` needs. Both are processes on one thread that read picks and stations
and write events; ours also reads velocities, of which PyOcto needs none (one speed), and locates
each event with them. `catalog_cpu_s` and `catalog_peak_mb` are those of `quakeline catalog` as a
process, from the table of picks to QuakeML, of which PyOcto does the first part. CPU seconds are
those of the whole processes, start-up included, medians of so many runs in turn, for 10,000 picks;
`work_cpu_s` those of association alone. The first of our runs compiles: where there are others it
is `first_cpu_s` only. PyOcto's settings are those of `benchmarks.rival_associators`; it is stopped
after `--limit` CPU seconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import answered, environment_of, finish, spent
from benchmarks.real_catalogs import parser_of_sets, sets
from benchmarks.rivals import part_of, require, rival
from quakeline.events.chain.associate import Settings, associated
from quakeline.events.chain.material import read


def main() -> None:
    """Measure each set and keep the figures in benchmarks/results/association_rivals.json."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--python", type=Path, required="--child" not in sys.argv)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=int, default=600, metavar="CPU_S")
    words = parser.parse_args()
    if answered(words, measured=measured):
        return
    require(words.python)
    rows = []
    for folder in sets(words.folder, words.only):
        figures = beside(folder, words.python, words.runs, words.limit)
        rows.append({"case": folder.name, **figures})
        finish("association_rivals", rows, words.quick, kept=words.only)


def beside(folder: Path, python: Path, runs: int, limit_s: int) -> dict[str, Any]:
    """What a set takes both programs, in turn."""
    ours, whole, peer = [], [], []
    with tempfile.TemporaryDirectory() as place:
        for number in range(runs):
            ours.append(process(folder, Path(place) / "caches"))
            whole.append(catalog(folder, Path(place) / "caches", Path(place) / f"{number}.catalog"))
            found, took = rival(
                "pyocto", part_of(folder, None, Path(place) / str(number)), python, limit_s
            )
            peer.append({**took, "events": None if found is None else len(found[0])})
    picks, later = ours[0]["picks"], ours[1:] or ours
    mine, its = (statistics.median(run["cpu_s"] for run in some) for some in (later, peer))
    return {
        "picks": picks,
        "runs": runs,
        "first_cpu_s": ours[0]["cpu_s"],
        "cpu_s": mine,
        "work_cpu_s": statistics.median(run["work_cpu_s"] for run in later),
        "cpu_s_per_10000_picks": round(mine * 1e4 / picks, 2),
        "peak_mb": max(run["peak_mb"] for run in ours),
        "events": ours[0]["events"],
        "catalog_cpu_s": (made := statistics.median(run["cpu_s"] for run in whole)),
        "catalog_cpu_s_per_10000_picks": round(made * 1e4 / picks, 2),
        "catalog_peak_mb": max(run["peak_mb"] for run in whole),
        "peer_cpu_s": its,
        "peer_cpu_s_per_10000_picks": round(its * 1e4 / picks, 2),
        "peer_peak_mb": max(run["peak_mb"] for run in peer),
        "peer_events": peer[0]["events"],
        "peer_ended": peer[0].get("ended", "well"),
        "ratio": round(its / mine, 2),
    }


def process(folder: Path, caches: Path) -> dict[str, Any]:
    """Association of a set in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.association_rivals", str(folder)]
    command += ["--child", json.dumps({"folder": str(folder)})]
    said, used = spent(command, _alone(caches))
    return {**json.loads(said.splitlines()[-1]), **_rounded(used)}


def catalog(folder: Path, caches: Path, output: Path) -> dict[str, Any]:
    """A set to a catalog by the command that a person gives."""
    files = [str(folder / name) for name in ("picks.csv", "stations.csv", "velocity.csv")]
    command = [str(Path(sys.executable).with_name("quakeline")), "catalog", *files[:2]]
    command += ["--velocity", files[2], "--threads", "1", "--output", str(output)]
    return _rounded(spent(command, _alone(caches))[1])


def _alone(caches: Path) -> dict[str, str]:
    """The environment of a process on one thread with caches of its own."""
    return {**environment_of(1), "QUAKELINE_CACHE": str(caches)}


def _rounded(used: dict[str, float]) -> dict[str, Any]:
    return {"cpu_s": round(used["cpu_s"], 1), "peak_mb": round(used["peak_mb"])}


def measured(folder: str) -> dict[str, Any]:
    """Numbers of events and of picks of a set, and CPU seconds of the association."""
    place = Path(folder)
    given = read(place / "picks.csv", place / "stations.csv", place / "velocity.csv")
    before = time.process_time()
    events, _ = associated(Settings(), given.picks, given.sites, given.model)
    work_s = round(time.process_time() - before, 1)
    return {"events": len(events), "picks": len(given.picks), "work_cpu_s": work_s}


if __name__ == "__main__":
    main()
