"""Which share of the references lies within the errors that hypocentres state.

`python -m benchmarks.stated_errors FOLDER [--only NAME]`: FOLDER has the sets that
`benchmarks.real_catalogs` reads. Parts of them are located with default settings, and events are
the references' as there. The references' own errors (`erh_km` and `erz_km`, where a table has them)
are added to the stated ones. Shares are those within the 68 and the 95 % ellipsoid, within the
ellipse of the epicentre alone and within the range of the depth alone.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import finish
from benchmarks.real_catalogs import (
    POINTS,
    made_of,
    matched,
    offset_km,
    parser_of_sets,
    sets,
    window,
)
from quakeline.io.formats.ellipsoids import covariance_of

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


def main() -> None:
    """Measure each part and keep the figures in benchmarks/results/stated_errors.json."""
    words = parser_of_sets(__doc__).parse_args()
    rows = []
    held = [folder.name for folder in sets(words.folder, words.only)]
    for name, begin, end in PARTS:
        if name in held:
            figures = measured(words.folder / name, begin, end)
            rows.append({"case": name, "begin": begin, "end": end, **figures})
            finish("stated_errors", rows, words.quick, kept=words.only)


def measured(folder: Path, begin: str | None, end: str | None) -> dict[str, Any]:
    """Figures of one part of a set."""
    with tempfile.TemporaryDirectory() as place:
        part = Path(place)
        for name in ("stations.csv", "velocity.csv"):
            shutil.copyfile(folder / name, part / name)
        between(folder / "picks.csv", begin, end, _MARGIN).to_csv(part / "picks.csv", index=False)
        reference = between(folder / "reference_events.csv", begin, end, pd.Timedelta(0))
        reference = reference.reset_index(drop=True)
        made = made_of(part, part / "picks.csv", part / "catalog")
        pairs = matched(made["events"], reference, *window(part / "stations.csv"))
        return {
            "references": len(reference),
            "events": len(made["events"]),
            "matched": len(pairs),
            **held(made["events"], reference, pairs),
        }


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
    offsets, spreads = [], []
    for row, number in pairs:
        event = {str(key): value for key, value in events.iloc[number].items()}
        spread = covariance_of(event)
        if spread is not None:
            offsets.append(offset_km(event, reference.iloc[row]))
            spreads.append(spread + own(reference.iloc[row]))
    apart, wide = np.array(offsets), np.array(spreads)
    return {
        "ellipsoid": shares(apart, wide, slice(0, 3)),
        "epicentre": shares(apart, wide, slice(0, 2)),
        "depth": shares(apart, wide, slice(2, 3)),
        "epicentre_km": round(float(np.median(np.hypot(apart[:, 0], apart[:, 1]))), 2),
        "depth_km": round(float(-np.median(apart[:, 2])), 2),
        "stated_depth_km": round(float(np.median(np.sqrt(wide[:, 2, 2]))), 2),
    }


def own(reference: pd.Series) -> np.ndarray:
    """Covariance of the reference's own stated errors in km2: zero where it states none."""
    flat, down = (float(reference.get(name, 0.0) or 0.0) for name in ("erh_km", "erz_km"))
    return np.diag(np.nan_to_num([flat**2, flat**2, down**2]))


def shares(apart: np.ndarray, wide: np.ndarray, axes: slice) -> list[float]:
    """Shares of offsets, in the 68 and the 95 % region of some axes."""
    some, spread = apart[:, axes], wide[:, axes, axes]
    squared = np.einsum("ni,ni->n", some, np.linalg.solve(spread, some[..., None])[..., 0])
    return [round(float(np.mean(squared <= point)), 2) for point in POINTS[some.shape[1]]]


if __name__ == "__main__":
    main()
