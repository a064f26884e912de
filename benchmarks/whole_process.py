"""What a person waits for: `quakeline pick` as a whole process, against SeisBench as a script.

`python -m benchmarks.whole_process [FILE] [--hours 24] [--only TEXT] [--rounds 3] [--quick]`: FILE
holds three components of one station in any format that ObsPy reads; without it, 80 minutes of a
borehole station after the Ridgecrest earthquakes (PB.B916, 100 Hz) from QUAKELINE_SHARED. Its
samples are repeated to fill so many hours, and written as one miniSEED file (STEIM2, records of 512
bytes). quakeline is started as `quakeline pick FILE --output picks.csv`; SeisBench by
benchmarks/seisbench_classify.py, which reads the same file, calls `classify` and writes a table, at
its default batch of 256 and at others, of which the best is taken. Both have the authors' original
weights and thresholds of 0.3. One run of quakeline goes before, which fills its cache of compiled
networks. Figures are those of processes from start to end, medians of rounds that go from one side
to the other: CPU seconds of all threads, wall seconds, and the largest memory. `equal` is the share
of SeisBench's picks of which quakeline has one of the same phase within 0.1 s. `--only TEXT`
measures the cases whose names hold the text.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, peer_networks

MODULE = "benchmarks.whole_process"
_SCRIPT = Path(__file__).with_name("seisbench_classify.py")
_SHARED = "data/ridgecrest_continuous/PB.B916.mseed"
_THRESHOLD = 0.3
_NEAR_S = 0.1
_QUICK_H = 1 / 6
#: SeisBench's batches by network; None is its default.
_BATCHES: dict[str, tuple[int | None, ...]] = {
    "PhaseNet": (None, 64),
    "EQTransformer": (None, 32),
}
_UNITS = (("cpu_s", "CPU s"), ("wall_s", "wall s"), ("peak_mb", "MB"))
#: Network, hours of the file (None: what was asked for) and threads.
_CASES: tuple[tuple[str, float | None, int], ...] = (
    ("PhaseNet", 1 / 60, 1),
    ("PhaseNet", None, 1),
    ("PhaseNet", None, 2),
    ("EQTransformer", None, 1),
    ("EQTransformer", None, 2),
)
_LENGTHS = {1 / 60: "a minute", 24.0: "a station-day"}


@dataclass(frozen=True)
class Case:
    """Both programs on one file."""

    network: str
    weights: str
    file: Path
    threads: int
    folder: Path

    @property
    def ours(self) -> Path:
        """The table of quakeline's picks."""
        return self.folder / "ours.csv"

    @property
    def theirs(self) -> Path:
        """The table of SeisBench's picks."""
        return self.folder / "theirs.csv"

    def pick(self) -> dict[str, float]:
        """`quakeline pick`."""
        program = Path(sys.executable).with_name("quakeline")
        smallest = f"P={_THRESHOLD},S={_THRESHOLD}"
        words: list[str | Path] = [program, "pick", self.file, "--output", self.ours]
        words += ["--model", peer_networks.SETS[self.network], "--threshold", smallest]
        self.ours.unlink(missing_ok=True)
        words += ["--threads", str(self.threads), "--device", "cpu"]
        return measure.spent(words, measure.environment_of(self.threads))[1]

    def classify(self, batch: int | None) -> dict[str, float]:
        """SeisBench's `classify`."""
        words: list[str | Path] = [sys.executable, _SCRIPT, self.network, self.weights, self.file]
        words += [self.theirs, "--threads", str(self.threads), "--threshold", str(_THRESHOLD)]
        words += ["--batch", str(batch)] if batch else []
        return measure.spent(words, measure.environment_of(self.threads))[1]


def weights(network: str, path: str, threads: int) -> dict[str, Any]:
    """SeisBench's files of a network with the original weights."""
    peer_networks.save(network, path)
    return {"path": path}


def station(source: Path, hours: float, path: Path) -> None:
    """Write so many hours of a station as miniSEED: what there is, again and again."""
    import obspy

    stream = obspy.read(str(source))
    n = min(trace.stats.npts for trace in stream)
    for trace in stream:
        rate = trace.stats.sampling_rate
        samples = np.round(trace.data[:n]).astype(np.int32)
        trace.data = np.resize(samples, round(hours * 3600 * rate))
    stream.write(str(path), format="MSEED", reclen=512, encoding="STEIM2")


def shared(ours: Path, theirs: Path) -> tuple[int, int, float | None]:
    """Picks of both sides, and the share of theirs that ours have; None where they have none."""
    import pandas as pd

    tables = [pd.read_csv(path, dtype={"phase": "str"}) for path in (ours, theirs)]
    times = [pd.to_datetime(table["time"], utc=True, format="ISO8601") for table in tables]
    own, other = (
        table.assign(at=time.dt.as_unit("ns")).sort_values("at")
        for table, time in zip(tables, times, strict=True)
    )
    found = pd.merge_asof(
        other,
        own[["at", "phase"]].assign(held=True),
        on="at",
        by="phase",
        direction="nearest",
        tolerance=pd.Timedelta(seconds=_NEAR_S),
    )
    held = round(float(found["held"].notna().mean()), 4) if len(other) else None
    return len(own), len(other), held


def compare(title: str, case: Case, rounds: int) -> list[dict[str, Any]]:
    """The rows of a case; the first round tells which batch of SeisBench is the best."""
    case.pick()
    mine = [case.pick()]
    theirs = {batch: [case.classify(batch)] for batch in _BATCHES[case.network]}
    picks, others, equal = shared(case.ours, case.theirs)
    best = min(theirs, key=lambda batch: theirs[batch][0]["cpu_s"])
    for _ in range(rounds - 1):
        mine.append(case.pick())
        for batch in dict.fromkeys((None, best)):
            theirs[batch].append(case.classify(batch))
    me = measure.medians(mine)
    rows = []
    for batch, word in ((None, "default batch"), (best, f"best batch ({best or 256})")):
        they = measure.medians(theirs[batch])
        for key, unit in _UNITS:
            name = f"{title}, {word}"
            rows.append(measure.case(name, unit, me[key], they[key], equal))
    return [*rows, measure.case(f"{title}, picks", "number", picks, others, equal)]


def source_of(given: Path | None) -> Path:
    """The file to repeat; ends the program with a line where there is none."""
    named = os.environ.get("QUAKELINE_SHARED", "")
    source = given or (Path(named) / _SHARED if named else None)
    if source is None:
        sys.exit("no file given, and QUAKELINE_SHARED does not name the folder that has one")
    if not source.is_file():
        sys.exit(f"{source}: no such file")
    return source


def title_of(network: str, hours: float, threads: int) -> str:
    """What a case is called in results."""
    length = _LENGTHS.get(hours, f"{hours:g} hours")
    return f"{network}, {length}, {threads} thread{'s' * (threads > 1)}"


def main() -> None:
    """Run the cases; --quick runs ten minutes of PhaseNet once."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold TEXT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    words = parser.parse_args()
    if measure.answered(words, weights=weights):
        return
    source = source_of(words.file)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network, asked, threads in _CASES:
            hours = min(asked or words.hours, _QUICK_H if words.quick else np.inf)
            title = title_of(network, hours, threads)
            if words.only not in title or (words.quick and network != "PhaseNet"):
                continue
            file = folder / "station.mseed"
            station(source, hours, file)
            made = measure.child(MODULE, 1, network=network, path=str(folder / network))
            case = Case(network, made["path"], file, threads, folder)
            rows += compare(title, case, 1 if words.quick else words.rounds)
            measure.finish("whole_process", rows, words.quick, words.only)


if __name__ == "__main__":
    main()
