"""Counts: the headline, picks of each station, and why a catalog is empty."""

from __future__ import annotations

from dataclasses import dataclass

from quakeline.report.catalog import Catalog
from quakeline.report.coverage import Lane
from quakeline.report.formatting import count, percent


@dataclass(frozen=True)
class Figure:
    """A headline number with its name and a remark."""

    value: str
    name: str
    remark: str


@dataclass(frozen=True)
class StationPicks:
    """Picks of a station or fibre: all, and those that belong to an event."""

    site: str
    p: int
    s: int
    p_used: int
    s_used: int


def headline(catalog: Catalog, lanes: list[Lane]) -> list[Figure]:
    """Events, picks, stations, coverage."""
    n_events = len(catalog.events)
    good = int((catalog.events["quality"] == "good").sum())
    remark = f"{good:,} of quality good" if n_events else "why: see below"
    events = Figure(f"{n_events:,}", "event" if n_events == 1 else "events", remark)
    if catalog.given_only:
        picked = Figure(
            f"{len({*catalog.picks['site']} & {*catalog.stations['site']}):,}",
            "stations with picks",
            f"of {len(catalog.stations):,} in the table",
        )
        return [events, _phase(catalog, "P"), _phase(catalog, "S"), picked]
    with_data = {lane.site for lane in lanes if lane.share > 0}
    shares = _station_shares(lanes)
    mean = sum(shares) / len(shares) if shares else 0.0
    return [
        events,
        _phase(catalog, "P"),
        _phase(catalog, "S"),
        Figure(f"{len(with_data):,}", "stations with data", f"of {len(shares):,} asked for"),
        Figure(percent(mean), "data coverage", "mean of the stations"),
    ]


def _station_shares(lanes: list[Lane]) -> list[float]:
    """The best instrument's coverage of each station."""
    best: dict[str, float] = {}
    for lane in lanes:
        best[lane.site] = max(best.get(lane.site, 0.0), lane.share)
    return list(best.values())


def _phase(catalog: Catalog, phase: str) -> Figure:
    picks = catalog.picks[catalog.picks["phase"] == phase]
    used = int(picks["associated"].sum())
    name = f"{phase} pick" if len(picks) == 1 else f"{phase} picks"
    return Figure(f"{len(picks):,}", name, f"{used:,} belong to an event")


def picks_by_station(catalog: Catalog) -> list[StationPicks]:
    """Picks of every station of the run, also of those that have none."""
    sites = sorted({*catalog.stations["site"], *catalog.picks["site"]})
    grouped = catalog.picks.groupby(["site", "phase"])["associated"].agg(["size", "sum"])
    counts = {key: (int(row["size"]), int(row["sum"])) for key, row in grouped.iterrows()}
    result = []
    for site in sites:
        p, s = counts.get((site, "P"), (0, 0)), counts.get((site, "S"), (0, 0))
        result.append(StationPicks(site, p[0], s[0], p[1], s[1]))
    return result


def why_empty(catalog: Catalog, lanes: list[Lane]) -> list[str]:
    """Sentences on what is known about a run without events; none for a run that has some."""
    if len(catalog.events):
        return []
    covered = sorted({lane.site for lane in lanes if lane.share > 0})
    if not covered and not catalog.given_only:
        return [
            "No usable data came for any station, so there was nothing to pick.",
            "The reasons are listed under data coverage.",
        ]
    data = f"Data came for {count(len(covered), 'station')}: {_list(covered)}."
    if catalog.given_only:
        data = "The run began at a table of picks."
    if not len(catalog.picks):
        if catalog.given_only:
            return [data, "It holds none in the run's time."]
        if (catalog.settings.get("import_picks") or {}).get("replaces"):
            return [data, "The table that replaces its picks holds none in the run's time."]
        return [data, f"The network made no pick in them{_thresholds(catalog)}."]
    phases = catalog.picks["phase"].value_counts()
    sites = sorted(set(catalog.picks["site"]))
    found = " and ".join(count(int(n), f"{phase} pick") for phase, n in sorted(phases.items()))
    where = f"{count(len(sites), 'station')} ({_list(sites)})"
    unplaced = _unplaced(catalog)
    if unplaced and set(sites) <= {f"fibre {name}" for name in unplaced}:
        return [
            data,
            f"There are {found} of fronts on {where}, but the channels have no positions.",
            "Without them nothing can be associated or located.",
        ]
    return [
        data,
        f"There are {found} on {where}, but no group of them satisfied the association.",
        "Its conditions stand under settings, associate.",
    ]


def _unplaced(catalog: Catalog) -> set[str]:
    """Fibres without any positions of channels."""
    placed = catalog.channels[catalog.channels["latitude"].notna()]
    return set(catalog.channels["fibre"]) - set(placed["fibre"])


def _thresholds(catalog: Catalog) -> str:
    section = catalog.settings.get("pick")
    given = section.get("thresholds") if isinstance(section, dict) else None
    if not isinstance(given, dict) or not given:
        return ": no probability reached the threshold of its phase"
    levels = ", ".join(f"{phase} {level}" for phase, level in given.items())
    return f": no probability reached the thresholds ({levels})"


def _list(names: list[str], most: int = 10) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
