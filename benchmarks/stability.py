"""How much a catalog of real picks changes when its input changes by little.

`python -m benchmarks.stability FOLDER [--only NAME] [--seeds 2] [--quick]`: FOLDER has the sets
that `benchmarks.real_catalogs` reads, NAME is in the name of a part; what is known of others stays.
The parts of `benchmarks.stated_errors` and the first 300 picks of some sets, with their velocities
and without (IASP91), are made to catalogs with default settings, and again without one percent of
the picks (one pick at least, chosen at random, `--seeds` times) and with `associate.tolerance_s` a
tenth smaller and larger. Of each: the number of events, references that were found, the shares of
them in the 68 and 95 % ellipsoids, and beside the first catalog the share of its events that are
still there (within 2 s and 5 km), how far these moved in km (median and ninth decile; depth), and
the share of them that moved by more than their stated standard deviation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import quakeline
from benchmarks.measure import finish
from benchmarks.real_catalogs import matched, parser_of_sets, sets, window
from benchmarks.stated import offset_km
from benchmarks.stated_errors import PARTS, between, held
from quakeline.events.chain.merge import Catalog

_SHARE = 0.01
_TOLERANCES = (0.9, 1.1)
_FIRST = 300
_MARGIN = pd.Timedelta("60s")
#: Sets whose first picks are looked at, and whether with their velocities.
_HEADS = (
    ("westmorland2020", True),
    ("westmorland2020", False),
    ("ridgecrest2019_rt20min", True),
    ("ridgecrest2019_scsn", True),
    ("ridgecrest2019_pal_foreshocks", True),
    ("ridgecrest2019_pal_foreshocks", False),
    ("calaveras_ncsn", True),
)


@dataclass(frozen=True)
class Part:
    """Some picks of a set with the references of their time; `velocity` None: IASP91."""

    name: str
    folder: Path
    picks: pd.DataFrame
    reference: pd.DataFrame
    velocity: Path | None

    def made(self, picks: pd.DataFrame, **associate: float) -> Catalog:
        """The catalog of these picks."""
        stations = self.folder / "stations.csv"
        made: Catalog = quakeline.catalog(
            picks, stations, self.velocity, threads=1, associate=associate
        )
        return made


def main() -> None:
    """Measure each part and keep the figures in benchmarks/results/stability.json."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="times that picks are left out")
    words = parser.parse_args()
    rows: list[dict[str, Any]] = []
    parts = [part for folder in sets(words.folder, "") for part in parts_of(folder)]
    for part in (part for part in parts if words.only in part.name):
        rows.append({"case": part.name, **measured(part, words.seeds)})
        finish("stability", rows, words.quick, keys=("case",))
    if not rows:
        sys.exit(f"no part with {words.only!r} in its name; {', '.join(p.name for p in parts)}")


def parts_of(folder: Path) -> Iterator[Part]:
    """The parts of a set."""
    velocity, files = folder / "velocity.csv", ("picks.csv", "reference_events.csv")
    for name, begin, end in PARTS:
        if name == folder.name:
            margins = (_MARGIN, pd.Timedelta(0))
            picks, reference = (
                _plain(between(folder / file, begin, end, margin))
                for file, margin in zip(files, margins, strict=True)
            )
            yield Part(f"{name} {begin or 'all'}", folder, picks, reference, velocity)
    for name, known in _HEADS:
        if name == folder.name:
            picks, reference = (between(folder / f, None, None, _MARGIN) for f in files)
            picks = picks.sort_values("time", kind="stable").head(_FIRST)
            inside = reference["time"].between(picks["time"].iloc[0], picks["time"].iloc[-1])
            words = "" if known else ", IASP91"
            yield Part(
                f"{name} first {_FIRST}{words}",
                folder,
                _plain(picks),
                _plain(reference[inside]),
                velocity if known else None,
            )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True)


def measured(part: Part, seeds: int) -> dict[str, Any]:
    """The first catalog of a part, and what becomes of it."""
    begun = time.process_time()
    first = part.made(part.picks)
    chosen = float(first.chosen["associate.tolerance_s"])
    changed = []
    for seed in range(seeds):
        less = part.picks.drop(_dropped(len(part.picks), seed))
        changed.append(
            {"change": f"1 % less, {seed}", **beside(part, first, part.made(_plain(less)))}
        )
    for factor in _TOLERANCES:
        other = part.made(part.picks, tolerance_s=round(chosen * factor, 3))
        changed.append({"change": f"tolerance {factor:g}", **beside(part, first, other)})
    return {
        "references": len(part.reference),
        "first": told(part, first.events.reset_index(drop=True)),
        "changed": changed,
        "cpu_s": round(time.process_time() - begun, 1),
    }


def _dropped(count: int, seed: int) -> np.ndarray:
    some = max(1, round(_SHARE * count))
    return np.random.default_rng(seed).choice(count, some, replace=False)


def told(part: Part, events: pd.DataFrame) -> dict[str, Any]:
    """Events, and those that are references', with the shares within their stated errors."""
    pairs = matched(events, part.reference, *window(part.folder / "stations.csv"))
    figures = {"events": len(events), "matched": len(pairs)}
    return {**figures, **(held(events, part.reference, pairs) if pairs else {})}


def beside(part: Part, first: Catalog, other: Catalog) -> dict[str, Any]:
    """A catalog, and the events of the first one in it."""
    before, after = (some.events.reset_index(drop=True) for some in (first, other))
    pairs = matched(after, before, 2.0, 5.0)
    away = np.array([offset_km(after.iloc[n], before.iloc[row]) for row, n in pairs])
    figures = told(part, after)
    if not pairs:
        return figures
    flat, down = np.hypot(away[:, 0], away[:, 1]), np.abs(away[:, 2])
    rows = before.iloc[[row for row, _ in pairs]]
    return {
        **figures,
        "kept": round(len(pairs) / len(before), 3),
        "moved_km": [round(float(np.quantile(flat, share)), 2) for share in (0.5, 0.9)],
        "moved_depth_km": [round(float(np.quantile(down, share)), 2) for share in (0.5, 0.9)],
        "beyond_sigma": [
            round(float((flat > rows["horizontal_sigma_km"].to_numpy()).mean()), 3),
            round(float((down > rows["depth_sigma_km"].to_numpy()).mean()), 3),
        ],
    }


if __name__ == "__main__":
    main()
