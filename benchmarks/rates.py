"""Rates for `quakeline plan`: a run on recordings of noise, `python -m benchmarks.rates [--quick]`.

Four stations of three components at 100 Hz for seven hours, in chunks of six and one: two points
for each stage. Writes quakeline/workflow/rates.json; with --quick two hours are run and nothing is
written. CPU seconds, memory and bytes are those of the jobs; association and location of noise say
little of an active region.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import obspy

from benchmarks import measure
from quakeline.workflow import config, planning

REPOSITORY = Path(__file__).resolve().parents[1]
STATIONS, HOURS, QUICK_HOURS = 4, 7, 2
_OVERLAY = """\
run: rates
time: {{start: 2020-01-01T00:00:00Z, end: 2020-01-01T0{hours}:00:00Z, chunk_h: {chunk_h}}}
stations: {{table: stations.csv}}
fetch: {{source: {{kind: files, paths: [data/*.mseed]}}}}
keep: [waveforms, probabilities]
"""


def furnish(folder: Path, hours: int) -> None:
    """A folder with a configuration and recordings of noise."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    rows = [f"XX,S{n},{47 + n / 20},11,500" for n in range(STATIONS)]
    (folder / "stations.csv").write_text(
        "\n".join(["network,station,latitude,longitude,elevation_m", *rows]) + "\n"
    )
    (folder / "overlay.yaml").write_text(_OVERLAY.format(hours=hours, chunk_h=hours - 1))
    (folder / "data").mkdir()
    random = np.random.default_rng(1)
    for n in range(STATIONS):
        for component in "ZNE":
            samples = np.cumsum(random.normal(0, 30, hours * 360_000)).astype("i4")
            codes = {"network": "XX", "station": f"S{n}", "channel": f"HH{component}"}
            begin = {"starttime": obspy.UTCDateTime(2020, 1, 1), "sampling_rate": 100.0}
            trace = obspy.Trace(samples, {**codes, **begin})
            trace.write(str(folder / f"data/S{n}{component}.mseed"), format="MSEED")


def main() -> None:
    """Run, fit, write."""
    quick = measure.arguments(__doc__).quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        furnish(folder, QUICK_HOURS if quick else HOURS)
        command = [str(Path(sys.executable).with_name("quakeline")), "run", "overlay.yaml"]
        done = subprocess.run(
            [*command, "--cores", "1"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        margin_s = config.read(config.read_yaml(folder / "overlay.yaml")).margin_s
        found = planning.measured(folder / "results/rates", STATIONS, margin_s)
    result = {"environment": measure.environment(), "rates": found.plain()}
    if not quick:
        planning.SHIPPED.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
