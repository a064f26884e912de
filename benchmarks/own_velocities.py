"""Whether errors hold references where velocities are those of the same picks.

`python -m benchmarks.own_velocities FOLDER [--only NAME]`: FOLDER has the sets that
`benchmarks.real_catalogs` reads. The picks of a part up to a time go through `quakeline tune
velocity`, and those after it through `quakeline catalog` with the table and delays that it writes,
and with the table alone. Events are the references' as in `benchmarks.stated_errors`, whose figures
these are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measure import finish
from benchmarks.real_catalogs import matched, parser_of_sets, sets, window
from benchmarks.stated_errors import Part, held, spanned

#: Set, begin and end of a part, when those of the model end, and the velocities to begin with.
PARTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("westmorland2020", "2020-10-01T06:00Z", "2020-10-01T07:30Z", "2020-10-01T06:30Z", "own"),
    ("westmorland2020", "2020-10-01T01:00Z", "2020-10-01T02:00Z", "2020-10-01T01:25Z", "iasp91"),
    ("ridgecrest2019_scsn", "2019-07-04T18:00Z", "2019-07-04T19:00Z", "2019-07-04T18:20Z", "own"),
    ("ridgecrest2019_pal_foreshocks", "2019-07-05T00:00Z", "2019-07-05T02:00Z",
     "2019-07-05T00:45Z", "own"),
    ("ridgecrest2019_pal_foreshocks", "2019-07-04T18:00Z", "2019-07-04T20:00Z",
     "2019-07-04T18:40Z", "iasp91"),
    ("calaveras_ncsn", "1984-01-01T00:00Z", "1998-01-01T00:00Z", "1984-05-15T00:00Z", "own"),
)  # fmt: skip


def main() -> None:
    """Measure each part and keep the figures in benchmarks/results/own_velocities.json."""
    words = parser_of_sets(__doc__).parse_args()
    rows = []
    folders = {folder.name: folder for folder in sets(words.folder, words.only)}
    for name, begin, end, until, velocity in PARTS:
        if name in folders:
            one = {"case": f"{name} {begin}", "velocity": velocity}
            rows += measured(one, folders[name], (begin, until, end), velocity)
            finish("own_velocities", rows, words.quick, keys=("case", "velocity", "delays"))


def measured(
    one: dict[str, Any], folder: Path, times: tuple[str, str, str], velocity: str
) -> list[dict[str, Any]]:
    """Rows of a part: with the delays that were found with the model, and with its own ones."""
    begin, until, end = times
    model = str(folder / "velocity.csv") if velocity == "own" else velocity
    with tempfile.TemporaryDirectory() as place:
        first, later = spanned(folder, begin, until), spanned(folder, until, end)
        made = Path(place) / "model"
        said = _quakeline("tune", "velocity", *_tables(place, folder, first), "--velocity", model,
                          "--output", str(made))  # fmt: skip
        found = re.search(r"events +(\d+) inverted", said)
        inverted = int(found[1]) if found else 0
        rows = []
        for delays in ("given", "estimated"):
            words = ["--velocity", str(made / "velocity.csv")]
            if delays == "given":
                words += ["--set", f"locate.station_terms={made / 'station_terms.csv'}"]
            output = Path(place) / delays
            _quakeline("catalog", *_tables(place, folder, later), *words, "--output", str(output))
            events = pd.read_parquet(output / "events.parquet").reset_index(drop=True)
            pairs = matched(events, later[1], *window(folder / "stations.csv"))
            figures = held(events, later[1], pairs)
            rows.append({**one, "delays": delays, "inverted": inverted, "matched": len(pairs),
                         **figures})  # fmt: skip
    return rows


def _tables(place: str, folder: Path, part: Part) -> list[str]:
    """Paths of a table of picks, written here, and of the stations."""
    picks = Path(place) / "picks.csv"
    part[0].to_csv(picks, index=False)
    return [str(picks), str(folder / "stations.csv")]


def _quakeline(*words: str) -> str:
    """What a command says on its standard output."""
    program = Path(sys.executable).parent / "quakeline"
    done = subprocess.run([program, *words], check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
