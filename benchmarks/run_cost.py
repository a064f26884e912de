"""What a run costs per station-day: CPU seconds of each rule, and bytes that each stage writes.

`python -m benchmarks.run_cost [FILE] [--rounds 3] [--quick]`: a station-day of miniSEED (see
`benchmarks.whole_process`; --quick: ten minutes) goes through `quakeline run` from `fetch` to
`measure`, one chunk, one core, without stores that are kept, and once with both of them. `CPU s,
whole run` is all that the command and its jobs take, start-up of Snakemake and of each job
included; a rule's seconds are the CPU time of its job as the process itself tells at its end.
`prepare to measure` are those that each chunk of a run has. Sizes are bytes on the disk below the
results of the run that keeps its stores.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import measure, whole_process
from benchmarks.processes import Listener

_ONCE = ("stations", "weights", "fetch")
#: Rules that each chunk has, where nothing is kept and where stores are.
_OF_CHUNKS = ("prepare", "pick", "measure")
_OF_KEPT = ("prepare", "annotate", "pick", "measure")
#: Folders below the results that a stage writes, logs and figures of jobs together.
_FOLDERS = {
    "prepare, waveforms": ("waveforms",),
    "annotate, probabilities": ("probabilities",),
    "pick, picks": ("picks",),
    "measure, measurements": ("measurements",),
    "fetch and prepare, tables": ("raw", "coverage"),
    "logs, times and checksums": ("logs", "benchmarks", ".checksums"),
}
_OVERLAY = """\
run: day
time: {{start: {start}, end: {end}, chunk_h: 24}}
stations: {{table: stations.csv}}
fetch: {{source: {{kind: files, paths: [station.mseed]}}}}
"""
_KEEP = "keep: [waveforms, probabilities]\n"
_STATION = "network,station,latitude,longitude,elevation_m\n{},{},35.7,-117.5,700\n"


def furnish(source: Path, hours: float, folder: Path) -> None:
    """A folder with an overlay, a station table and one file."""
    import obspy

    whole_process.station(source, hours, folder / "station.mseed")
    trace = obspy.read(str(folder / "station.mseed"), headonly=True)[0]
    codes = trace.stats.network, trace.stats.station
    (folder / "stations.csv").write_text(_STATION.format(*codes))
    # a chunk is cut at midnight: the day begins where that of the file does
    start = trace.stats.starttime
    for one in (day := obspy.read(str(folder / "station.mseed"))):
        one.stats.starttime += obspy.UTCDateTime(start.date) - start
    day.write(str(folder / "station.mseed"), format="MSEED", reclen=512, encoding="STEIM2")
    begin = obspy.UTCDateTime(start.date)
    text = _OVERLAY.format(start=begin, end=begin + 86400)
    (folder / "overlay.yaml").write_text(text)
    (folder / "kept.yaml").write_text(text + _KEEP)


def both(folder: Path) -> dict[str, float]:
    """Figures of a run that keeps nothing, and of one that keeps its stores, with their sizes."""
    kept = once(folder, "kept.yaml", _OF_KEPT)
    run = folder / "results/day"
    sizes = {name: sum(_size(run / part) for part in parts) for name, parts in _FOLDERS.items()}
    sizes["all files"] = _size(run)
    found = once(folder, "overlay.yaml", _OF_CHUNKS)
    found |= {f"kept: {name}": kept[name] for name in (*_OF_KEPT, "prepare to measure")}
    found |= {name: size / 1e6 for name, size in sizes.items()}
    return found | {"all files that stay, nothing kept": _size(run) / 1e6}


def once(folder: Path, overlay: str, of_chunks: tuple[str, ...]) -> dict[str, float]:
    """Run everything anew; CPU seconds and wall seconds by name."""
    shutil.rmtree(folder / "results", ignore_errors=True)
    program = Path(sys.executable).with_name("quakeline")
    words: list[str | Path] = [program, "run", overlay, "--cores", "1"]
    listener = Listener(folder / "listener")
    environment = {**measure.environment_of(1), **listener.environment}
    _, spent = measure.spent([*words, "--", "--until", "measure"], environment, folder)
    found = {"whole run": spent["cpu_s"], "whole run, wall": spent["wall_s"]}
    jobs = listener.ended
    silent = {*_ONCE, *of_chunks}.difference(job.rule for job in jobs)
    if silent:
        sys.exit(f"no job of {', '.join(sorted(silent))} told what it took")
    for rule in (*_ONCE, *of_chunks):
        found[rule] = sum(job.cpu_s for job in jobs if job.rule == rule)
    found["prepare to measure"] = sum(found[rule] for rule in of_chunks)
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Medians of some runs."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        furnish(whole_process.source_of(words.file), 1 / 6 if words.quick else 24.0, folder)
        runs = [both(folder) for _ in range(1 if words.quick else words.rounds)]
    rows: list[dict[str, Any]] = []
    for key, value in measure.medians(runs).items():
        unit = "wall s" if "wall" in key else "MB" if key in _FOLDERS else "CPU s"
        unit = "MB" if key.startswith("all files") else unit
        rows.append({"case": key, "unit": unit, "ours": round(value, 4)})
    measure.finish("run_cost", rows, words.quick)


if __name__ == "__main__":
    main()
