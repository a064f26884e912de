"""Several catalogs as one: the same event of two catalogs is found by its picks and its origin.

Runs with other pickers or associators, with fibres and with seismometers, over overlapping regions
or once more over the same days give the same events again. Two are one where half of the picks of
the smaller one are those of the other, or where their origins agree within the joint uncertainty of
both, or where they are closer than two events of one catalog may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.core.timeline import SECOND
from quakeline.events.association.ids import new_ids
from quakeline.events.association.rules import AGREE
from quakeline.events.comparison.twins import twins
from quakeline.io.formats.ellipsoids import covariance_of

#: Uncertainties of an origin that states none: seconds, km horizontally, km in depth.
_UNKNOWN = (1.0, 5.0, 10.0)
_LONGEST_S = 30.0

_Pairs = dict[tuple[int, int], int]


@dataclass(frozen=True)
class Catalog:
    """EVENTS, ARRIVALS and PICKS, and what the catalog is called."""

    name: str
    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame


@dataclass(frozen=True)
class Union:
    """One catalog of several, and the events that went: `duplicates`.

    Columns of `duplicates`: catalog, event_id, kept_catalog, kept_event_id (before new ids), id,
    seconds and km apart, chi_squared (4 degrees of freedom), shared_picks.
    """

    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame
    duplicates: pd.DataFrame


def union(
    catalogs: Sequence[Catalog], same_onset_s: float = 0.3, min_interevent_s: float = 0.0
) -> Union:
    """Join catalogs; the better one of two that are the same stays, with the first one's id.

    Of events that share stations no two are closer than `min_interevent_s` and 5 km afterwards.
    Better is the event with more picks, then the smaller uncertainty, then the earlier catalog.
    Picks of one phase at one station no farther apart than `same_onset_s` are the same pick.
    """
    events = pd.concat([c.events.assign(catalog=c.name) for c in catalogs], ignore_index=True)
    first = np.cumsum([0, *(len(c.events) for c in catalogs)])
    arrivals = pd.concat(
        [_of(c.arrivals, c.events, int(n)) for c, n in zip(catalogs, first, strict=False)],
        ignore_index=True,
    )
    picks = pd.concat([c.picks for c in catalogs], ignore_index=True).drop_duplicates("pick_id")
    shared = _shared(arrivals, picks, same_onset_s)
    size = np.bincount(arrivals["number"], minlength=len(events))
    kept, rows = _chosen(events, size, shared, _twins(events, arrivals, picks, min_interevent_s))
    ids = _ids(events, kept)
    rows["id"] = rows["kept"].map(ids)
    own = np.flatnonzero(kept == np.arange(len(events))).tolist()
    rank = pd.Series(np.arange(len(events)), index=_preferred(events, size))
    used = arrivals[np.isin(arrivals["number"], own)]
    used = used.assign(rank=used["number"].map(rank)).sort_values("rank", kind="stable")
    twice = used["pick_id"].duplicated()
    found = _recounted(events, used[~twice], picks, used.loc[twice, "number"].unique())
    found = found.iloc[own].assign(event_id=[ids[number] for number in own])
    used = used[~twice].assign(event_id=used["number"].map(ids))
    return Union(
        found.drop(columns="catalog").reset_index(drop=True),
        used.drop(columns=["number", "rank"]).reset_index(drop=True),
        picks.drop(columns="event_id", errors="ignore").reset_index(drop=True),
        _report(rows, events),
    )


def _of(arrivals: pd.DataFrame, events: pd.DataFrame, first: int) -> pd.DataFrame:
    """Arrivals with the number of their event in all catalogs."""
    numbers = pd.Series(first + np.arange(len(events)), index=events["event_id"])
    return arrivals.assign(number=arrivals["event_id"].map(numbers).to_numpy(dtype=np.int64))


def _shared(arrivals: pd.DataFrame, picks: pd.DataFrame, within_s: float) -> _Pairs:
    """How many picks pairs of events have in common."""
    columns = ["network", "station", "phase", "time"]
    joined = arrivals[["number", "pick_id"]].merge(picks[["pick_id", *columns]], on="pick_id")
    joined["ns"] = joined["time"].astype("int64")
    joined = joined.sort_values([*columns[:3], "ns"], ignore_index=True)
    groups = joined.groupby(columns[:3], sort=False).ngroup().to_numpy()
    times, numbers = joined["ns"].to_numpy(), joined["number"].to_numpy()
    found: _Pairs = {}
    step = 1
    while step < len(joined):
        near = (groups[step:] == groups[:-step]) & (
            times[step:] - times[:-step] <= within_s * SECOND
        )
        if not near.any():
            break
        for one, other in zip(numbers[:-step][near], numbers[step:][near], strict=True):
            if one != other:
                pair = (min(one, other), max(one, other))
                found[pair] = found.get(pair, 0) + 1
        step += 1
    return found


def _twins(
    events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, within_s: float
) -> set[tuple[int, int]]:
    """Numbers of pairs of events that are closer than two of one catalog may be."""
    numbered = events.assign(event_id=np.arange(len(events)).astype(str))
    used = arrivals.assign(event_id=arrivals["number"].astype(str))
    pairs = (sorted(map(int, pair)) for pair in twins(numbered, used, picks, within_s))
    return {(one, other) for one, other in pairs}


def _recounted(
    events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, changed: np.ndarray
) -> pd.DataFrame:
    """Events with the numbers of their arrivals, where a better event took some of them."""
    events = events.copy()
    codes = picks.set_index("pick_id")[["network", "station"]]
    for number in changed:
        own = arrivals[arrivals["number"] == number]
        counts = [(own["phase"] == phase).sum() for phase in ("P", "S")]
        stations = len(codes.loc[own["pick_id"]].drop_duplicates())
        events.loc[number, ["n_p", "n_s", "n_stations"]] = [*counts, stations]
    return events


def _chosen(
    events: pd.DataFrame, size: np.ndarray, shared: _Pairs, too_close: set[tuple[int, int]]
) -> tuple[np.ndarray, pd.DataFrame]:
    """The event that stands for each one, and a row for each that another stands for."""
    origins = _Origins.of(events)
    partners: dict[int, list[int]] = {}
    for one, other in {*shared, *origins.close(), *too_close}:
        partners.setdefault(int(one), []).append(int(other))
        partners.setdefault(int(other), []).append(int(one))
    kept = np.full(len(events), -1)
    rows = []
    for number in _preferred(events, size):
        same = []
        for other in sorted(partners.get(int(number), [])):
            if kept[other] != other:
                continue
            pair = (min(int(number), other), max(int(number), other))
            common = shared.get(pair, 0)
            distance = origins.chi_squared(int(number), other)
            half = 2 * common >= max(min(size[number], size[other]), 1)
            if half or distance < AGREE or pair in too_close:
                same.append((-common, distance, other))
        kept[number] = min(same)[2] if same else number
        if same:
            rows.append((int(number), min(same)[2], min(same)[1], -min(same)[0]))
    names = ["number", "kept", "chi_squared", "shared_picks"]
    return kept, pd.DataFrame(rows, columns=names)


def _preferred(events: pd.DataFrame, size: np.ndarray) -> np.ndarray:
    """Numbers of events, the best first."""
    spread = events["horizontal_sigma_km"].astype(float).fillna(np.inf).to_numpy()
    return np.lexsort((np.arange(len(events)), spread, -size))


@dataclass(frozen=True)
class _Origins:
    """Origin times in ns, degrees, depths in km, variances of time and covariances in space."""

    times: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    depth: np.ndarray
    time_variance: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, events: pd.DataFrame) -> _Origins:
        unknown_s, across, down = _UNKNOWN
        default = np.diag([across**2, across**2, down**2])
        rows = [{str(k): v for k, v in row.items()} for row in events.to_dict("records")]
        known = [covariance_of(row) for row in rows]
        matrices = [default if matrix is None else matrix for matrix in known]
        sigma = events["time_sigma_s"].astype(float).fillna(unknown_s).to_numpy()
        return cls(
            events["time"].astype("int64").to_numpy(),
            events["latitude"].to_numpy(float),
            events["longitude"].to_numpy(float),
            events["depth_km"].to_numpy(float),
            sigma**2,
            np.array(matrices).reshape(-1, 3, 3),
        )

    def close(self) -> Iterator[tuple[int, int]]:
        """Pairs of events whose origin times agree within their joint uncertainty."""
        order = np.argsort(self.times, kind="stable")
        times = self.times[order] / SECOND
        sigma = np.sqrt(self.time_variance)[order]
        reach = np.minimum(np.sqrt(AGREE) * (sigma + sigma.max(initial=0)), _LONGEST_S)
        last = np.searchsorted(times, times + reach, side="right")
        for first, end in enumerate(last.tolist()):
            for second in range(first + 1, end):
                limit = AGREE * (sigma[first] ** 2 + sigma[second] ** 2)
                if (times[second] - times[first]) ** 2 < limit:
                    one, other = int(order[first]), int(order[second])
                    yield min(one, other), max(one, other)

    def apart(self, one: int, other: int) -> tuple[float, np.ndarray]:
        """Seconds, and km to the east, north and down, from one origin to the other."""
        distance, azimuth = distance_azimuth(
            self.latitude[one], self.longitude[one], self.latitude[[other]], self.longitude[[other]]
        )
        angle = np.radians(float(azimuth[0]))
        along = float(distance[0]) * np.array([np.sin(angle), np.cos(angle)])
        seconds = (int(self.times[other]) - int(self.times[one])) / SECOND
        return seconds, np.array([*along, self.depth[other] - self.depth[one]])

    def chi_squared(self, one: int, other: int) -> float:
        """Square of the distance of two origins over their joint uncertainty."""
        seconds, km = self.apart(one, other)
        space = self.covariance[one] + self.covariance[other] + 1e-6 * np.eye(3)
        time = self.time_variance[one] + self.time_variance[other] + 1e-6
        return float(km @ np.linalg.solve(space, km) + seconds**2 / time)


def _ids(events: pd.DataFrame, kept: np.ndarray) -> dict[int, str]:
    """Ids of the events that stay: that of the first catalog that has it, new where it is taken."""
    ids: dict[int, str] = {}
    taken: set[str] = set()
    times = events["time"].astype("int64").to_numpy()
    for number in range(len(events)):
        stays = int(kept[number])
        if stays in ids:
            continue
        name = str(events["event_id"].iat[number])
        if name in taken:
            name = new_ids(times[[number]], taken)[0]
        ids[stays] = name
        taken.add(name)
    return ids


def _report(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The events that went, beside those that stay for them."""
    origins = _Origins.of(events)
    apart = [
        origins.apart(one, other) for one, other in zip(rows["number"], rows["kept"], strict=True)
    ]
    gone, stays = events.iloc[rows["number"]], events.iloc[rows["kept"]]
    return pd.DataFrame(
        {
            "catalog": gone["catalog"].to_numpy(),
            "event_id": gone["event_id"].to_numpy(),
            "time": gone["time"].to_numpy(),
            "kept_catalog": stays["catalog"].to_numpy(),
            "kept_event_id": stays["event_id"].to_numpy(),
            "id": rows["id"].to_numpy(),
            "seconds": [seconds for seconds, _ in apart],
            "km": [float(np.linalg.norm(km)) for _, km in apart],
            "chi_squared": rows["chi_squared"].to_numpy(),
            "shared_picks": rows["shared_picks"].to_numpy(),
        }
    )
