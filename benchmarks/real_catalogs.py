"""Real picks to catalogs, with default settings, against references that others made.

`python -m benchmarks.real_catalogs FOLDER [--only NAME] [--seeds 2] [--quick]`: FOLDER has a folder
for each set with picks.csv, stations.csv, velocity.csv and reference_events.csv. Each catalog is
made by `quakeline catalog` in a process of its own, whose CPU seconds and memory are reported. An
event is a reference's when it is the nearest within 2 s and 5 km (networks wider than 1,000 km: 3 s
and 10 km), one to one. `recall_6` is the recall of the references of which six picks or more lie
within the search's tolerance of the arrivals that the model predicts. False events are those of the
same picks with the times of each station shifted by one random amount within 300 s. Twins are pairs
of events closer than `min_interevent_s` and 5 km that share stations. What references state of
their own errors is added to those of the events.
"""

from __future__ import annotations

import re
import sys
import tempfile
from argparse import ArgumentParser
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import finish, parser_of, spent
from benchmarks.stated import ELLIPSOID, EPICENTRE, differences, offset_km, shares
from quakeline.core.geometry import distance_azimuth
from quakeline.earth.velocity import Network
from quakeline.events.chain.material import Material, read
from quakeline.events.comparison.twins import twins

_NEAR, _WIDE = (2.0, 5.0), (3.0, 10.0)
_WIDE_KM = 1000.0
_SHIFT_S = 300.0
#: So many picks of a reference are enough to tell it.
ENOUGH = 6


def main() -> None:
    """Measure each set and keep the figures in benchmarks/results/real_catalogs.json."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="shifted runs of each set")
    words = parser.parse_args()
    rows = []
    for folder in sets(words.folder, words.only):
        rows.append({"case": folder.name, **measured(folder, words.seeds)})
        finish("real_catalogs", rows, words.quick, kept=words.only)


def parser_of_sets(description: str | None) -> ArgumentParser:
    """The parser of a benchmark of sets: their folder, part of a set's name, and `--quick`."""
    parser = parser_of(description)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="keep no figures")
    return parser


def sets(folder: Path, only: str) -> list[Path]:
    """The folders of the sets in a folder whose names hold a text; ends the program without any."""
    held = {path.name for path in folder.glob("*") if (path / "reference_events.csv").is_file()}
    found = [folder / name for name in sorted(held) if only in name]
    if not found:
        names = ", ".join(sorted(held)) or "none at all"
        sys.exit(f"{folder}: no set of real picks with {only!r} in its name; it holds {names}")
    return found


def measured(folder: Path, seeds: int) -> dict[str, Any]:
    """All figures of one set."""
    with tempfile.TemporaryDirectory() as place:
        made = made_of(folder, folder / "picks.csv", Path(place) / "catalog")
        figures = scored(folder, made)
        false = []
        for seed in range(seeds):
            table = Path(place) / f"{seed}.csv"
            shifted(folder / "picks.csv", seed).to_csv(table, index=False)
            false.append(len(made_of(folder, table, Path(place) / str(seed))["events"]))
    return {**figures, "false_events": false}


def made_of(
    folder: Path, picks: Path, output: Path, velocity: Path | None = None
) -> dict[str, Any]:
    """The tables of a set's catalog, what was chosen, CPU seconds and MB of its process.

    `velocity` is another model than the set's own.
    """
    command: list[str | Path] = [Path(sys.executable).parent / "quakeline", "catalog", picks]
    command += [folder / "stations.csv", "--velocity", velocity or folder / "velocity.csv"]
    command += ["--output", output]
    said, used = spent(command)
    tables = {
        name: pd.read_parquet(output / f"{name}.parquet")
        for name in ("events", "arrivals", "picks")
    }
    chosen = {
        name: float(value) for name, value in re.findall(r"^chosen +(\w+) ([\d.]+)$", said, re.M)
    }
    return {
        **tables,
        "chosen": chosen,
        "cpu_s": round(used["cpu_s"], 1),
        "wall_s": round(used["wall_s"], 1),
        "peak_mb": round(used["peak_mb"]),
    }


def shifted(picks: Path, seed: int) -> pd.DataFrame:
    """A table of picks with each station's times moved by one random amount."""
    table = pd.read_csv(picks)
    times = pd.to_datetime(table["time"], utc=True, format="ISO8601")
    group = table.groupby(["network", "station"], dropna=False).ngroup()
    rng = np.random.default_rng(seed)
    moved = times + pd.to_timedelta(rng.uniform(-_SHIFT_S, _SHIFT_S, group.max() + 1)[group], "s")
    return table.assign(time=moved.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")).sort_values("time")


def scored(folder: Path, made: dict[str, Any]) -> dict[str, Any]:
    """A catalog beside its reference."""
    events = made["events"].reset_index(drop=True)
    reference, found, figures = beside(folder, events)
    material = read(folder / "picks.csv", folder / "stations.csv", folder / "velocity.csv")
    rich = np.array(picks_of(material, reference, made["chosen"]["tolerance_s"])) >= ENOUGH
    least_s = made["chosen"]["min_interevent_s"]
    return {
        "picks": len(made["picks"]),
        **figures,
        "recall_6": round(float(found[rich].mean()), 3) if rich.any() else None,
        "references_6": int(rich.sum()),
        "share_of_picks": round(len(made["arrivals"]) / len(made["picks"]), 3),
        "twins": len(twins(events, made["arrivals"], made["picks"], least_s)),
        **{name: made[name] for name in ("cpu_s", "wall_s", "peak_mb")},
        "chosen": made["chosen"],
    }


def beside(folder: Path, events: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, dict[str, Any]]:
    """The reference of a set, which of it some events have, and the figures that tell of that."""
    reference = pd.read_csv(folder / "reference_events.csv")
    reference["time"] = pd.to_datetime(reference["time"], utc=True, format="ISO8601")
    pairs = matched(events, reference, *window(folder / "stations.csv"))
    found = np.isin(np.arange(len(reference)), [one for one, _ in pairs])
    span = pd.Timedelta(seconds=5)
    inside = events["time"].between(reference["time"].min() - span, reference["time"].max() + span)
    figures = {
        "references": len(reference),
        "recall": round(float(found.mean()), 3),
        "events_per_reference": round(int(inside.sum()) / len(reference), 2),
        **offsets(events, reference, pairs),
    }
    return reference, found, figures


def window(stations: Path) -> tuple[float, float]:
    """Seconds and km within which an event is a reference's, by the width of a network."""
    table = pd.read_csv(stations)
    ends = [table[name].agg(["min", "max"]).to_numpy() for name in ("latitude", "longitude")]
    km, _ = distance_azimuth(ends[0][0], ends[1][0], ends[0][1:], ends[1][1:])
    return _NEAR if float(km[0]) < _WIDE_KM else _WIDE


def matched(
    events: pd.DataFrame, reference: pd.DataFrame, within_s: float, within_km: float
) -> list[tuple[int, int]]:
    """Rows of references and events that are the same, one to one, as the references stand."""
    used: set[int] = set()
    pairs = []
    times = events["time"].to_numpy(dtype="datetime64[ns]")
    places = events[["latitude", "longitude"]].to_numpy()
    sought = reference["time"].to_numpy(dtype="datetime64[ns]")
    for row, (latitude, longitude) in enumerate(reference[["latitude", "longitude"]].to_numpy()):
        seconds = np.abs((times - sought[row]) / np.timedelta64(1, "s"))
        km = np.full(len(events), np.inf)
        near = np.flatnonzero(seconds <= within_s)
        km[near], _ = distance_azimuth(latitude, longitude, *places[near].T)
        free = [n for n in near if km[n] <= within_km and n not in used]
        if free:
            best = int(min(free, key=lambda n: seconds[n] + km[n] / 5))
            used.add(best)
            pairs.append((row, best))
    return pairs


def offsets(
    events: pd.DataFrame, reference: pd.DataFrame, pairs: list[tuple[int, int]]
) -> dict[str, Any]:
    """Median differences, and the shares of references in the ellipses and the ellipsoids."""
    if not pairs:
        return {"epicentre_km": None, "depth_km": None}
    apart = np.array([offset_km(events.iloc[n], reference.iloc[row]) for row, n in pairs])
    medians = {
        "epicentre_km": round(float(np.median(np.hypot(*apart[:, :2].T))), 2),
        "depth_km": round(float(-np.nanmedian(apart[:, 2])), 2),
    }
    stated = differences(events, reference, pairs)
    if not len(stated[0]):
        return medians
    flat, full = (shares(*stated, axes) for axes in (EPICENTRE, ELLIPSOID))
    return medians | {f"in_{name}": [flat[k], full[k]] for k, name in enumerate(("68", "95"))}


def picks_of(material: Material, reference: pd.DataFrame, within_s: float) -> list[int]:
    """How many stations' first P and S that each reference predicts have a pick near them."""
    owner = picks_near(material, reference, within_s)["reference"]
    return [int(n) for n in np.bincount(owner, minlength=len(reference))]


def picks_near(material: Material, reference: pd.DataFrame, within_s: float) -> pd.DataFrame:
    """The nearest pick to the first P and S that each reference predicts at each station.

    Numbers of references and of picks (`reference`, `pick`), where one is within some seconds.
    """
    sites = material.sites
    local = sites.local
    picks = material.picks
    x, y = sites.frame.to_xy(reference["latitude"].to_numpy(), reference["longitude"].to_numpy())
    depth = reference["depth_km"].fillna(5.0).clip(lower=0.0).to_numpy()
    levels = local["depth_km"].to_numpy()
    low = np.array([x.min(), y.min(), min(0.0, levels.min())])
    box = np.array([low, [x.max(), y.max(), depth.max() + 1]])
    times = material.model.times(Network(sites.frame, local, box))
    zero = reference["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9
    owner, phases = sites.find(picks), picks["phase"].to_numpy()
    seconds = picks["time"].astype("int64").to_numpy() / 1e9
    parts = []
    for site, phase in product(np.unique(owner[owner >= 0]), "PS"):
        mine = np.flatnonzero((owner == site) & (phases == phase))
        if not len(mine):
            continue
        mine = mine[np.argsort(seconds[mine], kind="stable")]
        rows = times.rows_of(np.full(len(x), phase), np.full(len(x), site))
        offsets = x - local["x"].iloc[site], y - local["y"].iloc[site]
        expected = zero + times.travel(rows, *offsets, depth)
        after = np.searchsorted(seconds[mine], expected)
        sides = mine[np.clip([after - 1, after], 0, len(mine) - 1)]
        away = np.abs(seconds[sides] - expected)
        best = away.argmin(axis=0)
        near = np.flatnonzero(away.min(axis=0) <= within_s)
        parts.append(pd.DataFrame({"reference": near, "pick": sides[best[near], near]}))
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    main()
