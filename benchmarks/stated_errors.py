"""Which share of the references lies within the errors that hypocentres state.

`python -m benchmarks.stated_errors FOLDER [--only NAME]`: FOLDER has the sets that
`benchmarks.real_catalogs` reads. Parts of them, and catalogs of 300 picks at five places of each
set together, are located with default settings, in the set's own velocities and in IASP91, and
events are the references' as there. The references' own errors (`erh_km` and `erz_km`, where a
table has them) are added to the stated ones. Shares are those within the 68 and the 95 % ellipsoid,
within the ellipse of the epicentre alone and within the range of the depth alone. In the sets'
velocities `at_interfaces` are the events within 0.1 km of the top of a layer, and as many as would
lie there if all within 1 km of one were spread evenly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import finish
from benchmarks.real_catalogs import made_of, matched, parser_of_sets, sets, window
from benchmarks.stated import DEPTH, ELLIPSOID, EPICENTRE, differences, shares
from quakeline.earth.velocity import load

#: Set, begin and end of a part; a whole set where they are None.
PARTS: tuple[tuple[str, str | None, str | None], ...] = (
    ("westmorland2020", "2020-10-01T01:00Z", "2020-10-01T02:00Z"),
    ("westmorland2020", "2020-10-01T06:00Z", "2020-10-01T07:30Z"),
    ("westmorland2020", "2020-10-01T11:00Z", "2020-10-01T12:30Z"),
    ("ridgecrest2019_rt20min", None, None),
    ("ridgecrest2019_scsn", "2019-07-04T18:00Z", "2019-07-04T19:00Z"),
    ("ridgecrest2019_scsn", "2019-07-04T20:00Z", "2019-07-04T21:00Z"),
    ("calaveras_ncsn", "1984-01-01T00:00Z", "1988-01-01T00:00Z"),
    ("calaveras_ncsn", "1988-01-01T00:00Z", "1998-01-01T00:00Z"),
    ("ridgecrest2019_pal_foreshocks", "2019-07-04T18:00Z", "2019-07-04T20:00Z"),
    ("ridgecrest2019_pal_foreshocks", "2019-07-05T00:00Z", "2019-07-05T02:00Z"),
)
_MARGIN = pd.Timedelta("60s")
#: Picks of one small catalog, and how many of these a set gives.
_SMALL, _PLACES = 300, 5
VELOCITIES = ("own", "IASP91")


def main() -> None:
    """Measure each part and keep the figures in benchmarks/results/stated_errors.json."""
    words = parser_of_sets(__doc__).parse_args()
    rows = []
    folders = {folder.name: folder for folder in sets(words.folder, words.only)}
    spans = [(name, begin, end) for name, begin, end in PARTS if name in folders]
    cases = [(f"{name} {begin or 'all'}", [spanned(folders[name], begin, end)])
             for name, begin, end in spans]  # fmt: skip
    names = [name for name in dict.fromkeys(name for name, _, _ in PARTS) if name in folders]
    cases += [(f"{name} few events", list(small(folders[name]))) for name in names]
    for velocity in VELOCITIES:
        for case, parts in cases:
            found = measured(folders[case.split()[0]], parts, velocity)
            rows.append({"case": case, "velocity": velocity, **found})
            finish("stated_errors", rows, words.quick, keys=("case", "velocity"))


#: Picks and references.
Part = tuple[pd.DataFrame, pd.DataFrame]


def spanned(folder: Path, begin: str | None, end: str | None) -> Part:
    """A part of a set; picks to a minute before and after it."""
    reference = between(folder / "reference_events.csv", begin, end, pd.Timedelta(0))
    picks = between(folder / "picks.csv", begin, end, _MARGIN)
    return picks, reference.reset_index(drop=True)


def small(folder: Path) -> Iterator[Part]:
    """A few picks at some places of a set."""
    picks, reference = spanned(folder, None, None)
    picks = picks.sort_values("time", kind="stable")
    for first in np.linspace(0, max(len(picks) - _SMALL, 0), _PLACES + 1, dtype=int)[:_PLACES]:
        some = picks.iloc[first : first + _SMALL]
        inside = reference["time"].between(some["time"].iloc[0], some["time"].iloc[-1])
        yield some, reference[inside].reset_index(drop=True)


def measured(folder: Path, parts: list[Part], velocity: str) -> dict[str, Any]:
    """Figures of parts of a set together, each a catalog of its own."""
    counts, offsets, spreads, depths = np.zeros(3, dtype=int), [], [], []
    model = folder / "velocity.csv" if velocity == "own" else Path(velocity.lower())
    for picks, reference in parts:
        with tempfile.TemporaryDirectory() as place:
            table = Path(place) / "picks.csv"
            picks.to_csv(table, index=False)
            events = made_of(folder, table, Path(place) / "catalog", model)["events"]
        pairs = matched(events, reference, *window(folder / "stations.csv"))
        apart, wide = differences(events, reference, pairs)
        depths.append(events["depth_km"].to_numpy(float))
        counts += [len(reference), len(events), len(pairs)]
        offsets.append(apart)
        spreads.append(wide)
    said = dict(zip(("references", "events", "matched"), counts.tolist(), strict=True))
    said |= figures(np.concatenate(offsets), np.concatenate(spreads))
    if velocity == "own":
        said["at_interfaces"] = at_tops(np.concatenate(depths), np.array(load(model).tops[1:]))
    return said


def at_tops(depth_km: np.ndarray, tops_km: np.ndarray) -> list[float]:
    """Depths within 0.1 km of tops of layers, and as many as those within 1 km would make there."""
    away = np.abs(depth_km[:, None] - tops_km)
    return [int((away < 0.1).sum()), round(float((away < 1.0).sum()) / 10, 1)]


def between(file: Path, begin: str | None, end: str | None, margin: pd.Timedelta) -> pd.DataFrame:
    """Rows of a table whose `time` lies in a span, widened by a margin."""
    table = pd.read_csv(file)
    table["time"] = pd.to_datetime(table["time"], utc=True, format="ISO8601")
    if begin is None or end is None:
        return table
    span = (pd.Timestamp(begin) - margin, pd.Timestamp(end) + margin)
    return table[table["time"].between(*span, inclusive="left")]


def held(
    events: pd.DataFrame, reference: pd.DataFrame, pairs: list[tuple[int, int]]
) -> dict[str, Any]:
    """Shares of the references within the stated errors, and how far they are off, in km."""
    return figures(*differences(events, reference, pairs))


def figures(apart: np.ndarray, wide: np.ndarray) -> dict[str, Any]:
    """Of offsets with stated covariances: shares within these, medians in km."""
    return {
        "ellipsoid": shares(apart, wide, ELLIPSOID),
        "epicentre": shares(apart, wide, EPICENTRE),
        "depth": shares(apart, wide, DEPTH),
        "epicentre_km": round(float(np.median(np.hypot(apart[:, 0], apart[:, 1]))), 2),
        "depth_km": round(float(-np.median(apart[:, 2])), 2),
        "stated_depth_km": round(float(np.median(np.sqrt(wide[:, 2, 2]))), 2),
    }


if __name__ == "__main__":
    main()
