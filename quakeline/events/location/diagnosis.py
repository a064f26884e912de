"""What the residuals of a catalog say about its velocity model.

Hypocentres take up most of what a wrong model does, so small residuals prove little. Three looks go
around that: Wadati's diagram, which needs no hypocentres (Wadati, K., 1933, On the travel time of
earthquake waves, part II, Geophys. Mag. 7, 101-111); the share by which all travel times of a phase
would have to be longer, found together with the hypocentres (`coupled`); and residuals against
distance, depth, azimuth and elevation.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from quakeline.events.location import coupled, delays
from quakeline.events.location.coupled import Arrivals, Predicted, System
from quakeline.events.location.delays import Delays

if TYPE_CHECKING:
    from quakeline.events.location.locator import Locator

#: Events that are looked at, evenly over the catalog; arrivals of one, and pairs of P and S.
_EVENTS = 250
_LEAST_ARRIVALS, _LEAST_PAIRS = 7, 30
#: Groups of stations that are left out in turn for the errors.
_GROUPS = 8
_LEAST_WEIGHT = 0.5
_MAD = 1.4826
#: What is said: errors of velocities and vp/vs as shares, trends in s, shares of lone picks.
_SHARE, _RATIO = 0.02, 0.02
#: Of the search for the share: its a priori spread, the largest step, turns, and steps of the
#: hypocentres in each.
_EXPECTED_SHARE, _SHARE_STEP, _TURNS, _FOLLOWED = 0.15, 0.05, 12, 3
_AZIMUTH_S, _ELEVATION_S_KM = 0.1, 0.1
_LONE = 0.5
#: Events from which velocities and depths can be told apart.
MANY = 100
#: Part of the arrivals that are S below which depths hang on the velocities.
_FEW_S = 0.1
#: Standard errors by which something must differ from nothing.
_SURE = 3.0
_SPREAD_SECONDS = 0.5


@dataclass(frozen=True)
class Value:
    """An estimate, its standard error, and of how many pairs or arrivals."""

    value: float
    error: float
    n: int

    def sure(self, least: float, against: float = 0.0) -> bool:
        """Whether it differs by `least` at least, and by much more than its error."""
        off = abs(self.value - against)
        return off >= least and off > _SURE * self.error


@dataclass(frozen=True)
class Diagnosis:
    """`sentences` for the reader; estimates by name, None where there is too little to tell.

    `velocity` says how the model was read, `doubts` what looks wrong in it by itself.
    `vp_vs` and `model_vp_vs` are the slopes of observed and predicted Wadati diagrams; `slower`
    says by phase by which share the ground is slower than the model; `per_km` how residuals grow
    with distance, `per_km_elevation` with the station's elevation, in s/km; `azimuth` is half the
    difference between opposite azimuths in s and `azimuth_late_deg` where arrivals are latest.
    `depth_s` are the medians of absolute residuals in s in three thirds of depth; `delays` those of
    the stations by phase.
    """

    velocity: str
    doubts: list[str]
    sentences: list[str]
    vp_vs: Value | None
    model_vp_vs: float | None
    slower: dict[str, Value]
    per_km: dict[str, Value]
    per_km_elevation: dict[str, Value]
    azimuth: dict[str, Value]
    azimuth_late_deg: dict[str, float]
    depth_s: list[tuple[float, float, float]]
    delays: dict[str, Delays]
    events: int
    picks: int
    joined: int

    def text(self) -> str:
        """All of it as JSON."""
        return json.dumps(_finite(asdict(self)), indent=1) + "\n"


def _finite(value: Any) -> Any:
    """The same without numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def diagnosed(
    locator: Locator, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame
) -> Diagnosis:
    """Look at located EVENTS and ARRIVALS, of PICKS.

    Parameters
    ----------
    locator
        What located them; its model and stations count.
    events, arrivals, picks
        EVENTS and ARRIVALS as the locator gives them, and all PICKS, also those of no event.
    """
    joined = int(picks["pick_id"].isin(arrivals["pick_id"]).sum())
    every = _rows(locator, events, arrivals, picks)
    rows = every[every["weight"] >= _LEAST_WEIGHT]
    observed, predicted = _wadati(rows)
    late = {phase: _trend(rows[rows["phase"] == phase], "azimuth_deg") for phase in "PS"}
    found: dict[str, Any] = {
        "vp_vs": observed,
        "model_vp_vs": predicted,
        "slower": _slower(locator, every),
        "per_km": _by_phase(rows, "distance_km"),
        "per_km_elevation": _by_phase(rows, "elevation_km"),
        "azimuth": {phase: value[0] for phase, value in late.items() if value},
        "azimuth_late_deg": {phase: value[1] for phase, value in late.items() if value},
        "depth_s": _by_depth(rows),
        "delays": delays.delays_of(rows),
        "events": len(events),
        "picks": len(picks),
        "joined": joined,
    }
    said = _sentences(found, own_delays=locator.given_terms is None)
    if len(events):
        of_s = float((arrivals["phase"] == "S").mean())
        sigma_km = float(events["depth_sigma_km"].median())
        said += _of_depths(sigma_km, of_s, locator, len(events))
    return Diagnosis(locator.model.reading, _doubts(locator), said, **found)


def _doubts(locator: Locator) -> list[str]:
    """What looks wrong in the model and in the elevations of the stations by themselves."""
    from quakeline.io.formats.station_list import elevation_doubts

    sites = locator.sites
    return [*locator.model.doubts_for(sites.table), *elevation_doubts(sites.heights)]


def _rows(
    locator: Locator, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame
) -> pd.DataFrame:
    """Arrivals that count, of some events, with their predictions and what these change by."""
    chosen = events.iloc[:: max(1, len(events) // _EVENTS)]
    rows = arrivals[arrivals["event_id"].isin(chosen["event_id"])]
    codes = ["pick_id", "network", "station", "location", "time"]
    rows = rows.merge(picks[codes].drop_duplicates("pick_id"), on="pick_id")
    origin = chosen[["event_id", "time", "latitude", "longitude", "depth_km"]]
    rows = rows.merge(origin.rename(columns={"time": "origin"}), on="event_id")
    sites = locator.sites
    site = sites.find(rows)
    local = sites.local.iloc[site]
    x, y = sites.frame.to_xy(rows["latitude"].to_numpy(), rows["longitude"].to_numpy())
    east, north = x - local["x"].to_numpy(), y - local["y"].to_numpy()
    table = locator.times.rows_of(rows["phase"].to_numpy(), site)
    travel, slopes = locator.times.sloped(table, east, north, rows["depth_km"].to_numpy())
    found = rows.assign(
        site=site,
        travel=travel,
        dx=slopes[:, 0],
        dy=slopes[:, 1],
        dz=slopes[:, 2],
        seconds=(rows["time"] - rows["origin"]).dt.total_seconds(),
        elevation_km=-local["depth_km"].to_numpy(),
    )
    return _velocities_apart(found)


def _velocities_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """The same where corrections are delays of stations alone, and residuals have all else.

    Terms hold both (`terms.static`, `terms.source_specific`). A delay is the same for all arrivals
    of a station and phase; what velocities do grows with the travel time, and what differs between
    events besides is of their places.
    """
    if "correction_s" not in rows or rows["correction_s"].isna().all():
        return rows
    delay_s = np.zeros(len(rows))
    for phase in "PS":
        own = (rows["phase"] == phase).to_numpy()
        if own.any():
            site, travel, held = (
                rows.loc[own, name] for name in ("site", "travel", "correction_s")
            )
            slope = _robust(_centred(site, travel), _centred(site, held))
            delay_s[own] = (held - slope * travel).groupby(site).transform("mean")
    residual_s = rows["residual_s"] + rows["correction_s"] - delay_s
    return rows.assign(residual_s=residual_s, correction_s=delay_s)


def _wadati(rows: pd.DataFrame) -> tuple[Value | None, float | None]:
    """vp/vs of the observed times of pairs, and that of the predicted times of the same pairs."""
    keys = ["event_id", "site"]
    columns = [*keys, "seconds", "residual_s"]
    pairs = rows.loc[rows["phase"] == "P", columns].merge(
        rows.loc[rows["phase"] == "S", columns], on=keys, suffixes=("_p", "_s")
    )
    count = pairs.groupby("event_id")["site"].transform("size")
    pairs = pairs[count >= 3]
    if len(pairs) < _LEAST_PAIRS:
        return None, None
    event, site = pairs["event_id"], pairs["site"].to_numpy()
    p, s = (_centred(event, pairs[f"seconds_{phase}"]) for phase in "ps")
    q, t = (
        _centred(event, pairs[f"seconds_{phase}"] - pairs[f"residual_s_{phase}"]) for phase in "ps"
    )
    if np.std(q) < _SPREAD_SECONDS:
        return None, None
    return _slope(p, s, site), _robust(q, t)


def _centred(event: pd.Series, values: pd.Series) -> np.ndarray:
    return np.asarray(values - values.groupby(event).transform("mean"), dtype=float)


def _slope(x: np.ndarray, y: np.ndarray, site: np.ndarray) -> Value:
    """A robust slope; its error from leaving out groups of stations (jackknife)."""
    groups = _groups(site)
    each = [_robust(x[site_group], y[site_group]) for site_group in groups]
    return Value(_robust(x, y), _jackknife(each), len(x))


def _groups(site: np.ndarray) -> list[np.ndarray]:
    """What stays when each of a few groups of stations is left out."""
    order = np.unique(site, return_inverse=True)[1] % _GROUPS
    return [order != k for k in np.unique(order)]


def _jackknife(each: list[float]) -> float:
    values = np.array(each)
    count = len(values)
    if count < 3:
        return float("inf")
    return float(np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum()))


def _robust(x: np.ndarray, y: np.ndarray) -> float:
    """Slope through the origin with Huber's weights."""
    weight = np.ones(len(x))
    slope = 0.0
    for _ in range(15):
        slope = float((weight * x * y).sum() / max((weight * x * x).sum(), 1e-12))
        left = np.abs(y - slope * x)
        scale = max(_MAD * float(np.median(left)), 1e-6)
        weight = np.minimum(1, 1.5 * scale / np.maximum(left, 1e-12))
    return slope


def _slower(locator: Locator, rows: pd.DataFrame) -> dict[str, Value]:
    """By which share the ground is slower than the model, by phase.

    All travel times of a phase are stretched by one share, and hypocentres found anew with it.
    """
    count = rows.groupby("event_id")["site"].transform("size")
    rows = rows[count >= _LEAST_ARRIVALS]
    if len(rows) < _LEAST_PAIRS:
        return {}
    seen, places = _arrivals(locator, rows)
    whole, found = _shares(locator, seen, places, np.zeros(2))
    each = []
    for kept in _groups(seen.site):
        many = kept & (np.bincount(seen.event, kept)[seen.event] >= _LEAST_ARRIVALS)
        if many.any():
            here = found[np.unique(seen.event[many])]
            each.append(_shares(locator, seen.of(many), here, whole)[0])
    told = {}
    for k, (phase, n) in enumerate([("P", (~seen.is_s).sum()), ("S", seen.is_s.sum())]):
        if n >= _LEAST_PAIRS:
            told[phase] = Value(float(whole[k]), _jackknife([one[k] for one in each]), int(n))
    return told


def _arrivals(locator: Locator, rows: pd.DataFrame) -> tuple[Arrivals, np.ndarray]:
    """The arrivals, with delays of stations off, and the hypocentres (x, y, z, t0) of the events.

    Times count from the origin times.
    """
    rows = rows.assign(event=pd.factorize(rows["event_id"])[0]).sort_values("event", kind="stable")
    local = locator.sites.local.iloc[rows["site"]]
    seen = Arrivals(
        event=rows["event"].to_numpy(),
        site=rows["site"].to_numpy(),
        is_s=(rows["phase"] == "S").to_numpy(),
        x=local["x"].to_numpy(),
        y=local["y"].to_numpy(),
        station_km=local["depth_km"].to_numpy(),
        time_s=(rows["travel"] + rows["residual_s"]).to_numpy(float),
        sigma_s=np.full(len(rows), locator.min_pick_sigma_s),
    )
    first = rows.drop_duplicates("event")
    x, y = locator.sites.frame.to_xy(first["latitude"].to_numpy(), first["longitude"].to_numpy())
    depth = first["depth_km"].to_numpy(float)
    return seen, np.column_stack([x, y, depth, np.zeros(len(first))])


def _shares(
    locator: Locator, seen: Arrivals, places: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares by which times of P and of S are longer, from some on, and hypocentres with them."""
    phase = seen.is_s.astype(int)
    rows = locator.times.rows_of(np.array(["P", "S"])[phase], seen.site)
    only = np.column_stack([phase == 0, phase == 1])

    def predict(some: Arrivals, points: np.ndarray) -> Predicted:
        place = points[some.event]
        east, north = place[:, 0] - some.x, place[:, 1] - some.y
        travel, slopes = locator.times.sloped(rows, east, north, place[:, 2])
        longer = 1 + shares[phase]
        return Predicted(travel * longer, slopes * longer[:, None])

    residual = coupled.state(seen, places, predict, seen.sigma_s).residual_s
    for _ in range(_TURNS):
        scale = np.hypot(seen.sigma_s, coupled.size(residual, seen.events))
        here = coupled.located(seen, places, predict, scale, locator.depth_km, _FOLLOWED)
        travel = here.predicted.travel_s / (1 + shares[phase])
        columns = sparse.csr_matrix(travel[:, None] * only)
        system = System.of(seen, here, scale, locator.depth_km, columns=columns)
        expected = np.eye(2) / _EXPECTED_SHARE**2
        change = np.linalg.solve(system.normal + expected, system.right - expected @ shares)
        change = np.clip(change, -_SHARE_STEP, _SHARE_STEP)
        places = coupled.moved(here.points, system.moves(change), locator.depth_km)
        shares, residual = shares + change, here.residual_s
        if np.abs(change).max() < _SHARE / 20:
            break
    return shares, places


def _by_phase(rows: pd.DataFrame, column: str) -> dict[str, Value]:
    """How residuals grow with something, in s/km, event by event."""
    found = {}
    for phase in "PS":
        part = rows[rows["phase"] == phase]
        x = _centred(part["event_id"], part[column])
        if len(part) >= _LEAST_PAIRS and np.std(x) > 0.05:
            y = _centred(part["event_id"], part["residual_s"])
            found[phase] = _slope(x, y, part["site"].to_numpy())
    return found


def _trend(rows: pd.DataFrame, column: str) -> tuple[Value, float] | None:
    """Half the difference of residuals at opposite azimuths, and the azimuth of late arrivals."""
    if len(rows) < _LEAST_PAIRS:
        return None

    def fitted(part: pd.DataFrame) -> np.ndarray:
        angle = np.radians(part[column].to_numpy(float))
        columns = np.column_stack([np.ones(len(part)), np.sin(angle), np.cos(angle)])
        solved = np.linalg.lstsq(columns, part["residual_s"].to_numpy(float), rcond=None)[0]
        return np.asarray(solved[1:])

    whole = fitted(rows)
    each = [fitted(rows[kept]) for kept in _groups(rows["site"].to_numpy())]
    east, north = (_jackknife([float(pair[k]) for pair in each]) for k in (0, 1))
    error = float(np.hypot(east, north))
    towards = float(np.degrees(np.arctan2(whole[0], whole[1])) % 360)
    return Value(float(np.hypot(*whole)), error, len(rows)), towards


def _by_depth(rows: pd.DataFrame) -> list[tuple[float, float, float]]:
    """Shallow and deep end of each third of the arrivals' depths, and the median residual."""
    if len(rows) < _LEAST_PAIRS:
        return []
    edges = np.quantile(rows["depth_km"], [0, 1 / 3, 2 / 3, 1])
    third = np.searchsorted(edges[1:-1], rows["depth_km"].to_numpy(float), side="right")
    sizes = rows["residual_s"].abs()
    return [
        (float(edges[k]), float(edges[k + 1]), float(sizes[third == k].median()))
        for k in range(3)
        if (third == k).any()
    ]


def _sentences(found: dict[str, Any], *, own_delays: bool) -> list[str]:
    """What a reader should know, the most important first; empty where all is well.

    Delays that were given, not found with the hypocentres (`own_delays`), are no news.
    """
    said = []
    picks, joined = found["picks"], found["joined"]
    if picks and joined < _LONE * picks:
        share = 100 * (1 - joined / picks)
        said.append(
            f"MOST PICKS JOIN NO EVENT: {share:.0f} % of {picks}. Either they are noise, or the"
            " velocity model, the stations' coordinates or clocks, or the settings of association"
            " are wrong."
        )
    said += _of_ratio(found["vp_vs"], found["model_vp_vs"])
    said += _of_speed(found["slower"], found["per_km"])
    said += delays.sentences(found["delays"]) if own_delays else []
    for phase, value in found["azimuth"].items():
        if value.sure(_AZIMUTH_S):
            said.append(
                f"{phase} arrives {value.value:.2f} s late towards azimuth"
                f" {found['azimuth_late_deg'][phase]:.0f} and early on the other side: the ground"
                " is not layered, or stations on one side are too few."
            )
    for phase, value in found["per_km_elevation"].items():
        if value.sure(_ELEVATION_S_KM):
            word = "later" if value.value > 0 else "earlier"
            why = (
                "the model is too fast near the surface, or elevations are wrong"
                if value.value > 0
                else "the ground under low stations, as in a basin, is slower than the model; give"
                " it a model of its own, or stations their terms (locate.station_terms)"
            )
            said.append(
                f"{phase} arrives {abs(value.value):.2f} s {word} for each km that a station is"
                f" higher: {why}."
            )
    return said


def _of_depths(sigma_km: float, of_s: float, locator: Locator, events: int) -> list[str]:
    """Why all depths may be wrong together, where no residual need show it, and what helps."""
    general = locator.model.general
    why = [
        *(["the velocity model is a general one, not one of this region"] if general else []),
        *([f"only {100 * of_s:.0f} % of the arrivals are S"] if of_s < _FEW_S else []),
    ]
    if not why:
        return []
    holds = locator.model_error_share == "auto" and (
        locator.station_terms != "none" or locator.given_terms is not None
    )
    helps = (
        "`quakeline tune velocity` makes a model from them"
        if events >= MANY and locator.given_terms is None
        else "a model of the region helps (velocity.table), or more events"
    )
    allows = "allow" if holds else "do not allow"
    errors = (
        f"Their stated errors (median {sigma_km:.1f} km) {allows} for it"
        if np.isfinite(sigma_km)
        else "They have no stated errors"
    )
    said = (
        "All depths may be wrong together, by more than residuals tell:"
        f" {' and '.join(why)}. {errors}; {helps}."
    )
    return [said]


def _of_ratio(observed: Value | None, model: float | None) -> list[str]:
    if observed is None or model is None or not observed.sure(_RATIO * model, model):
        return []
    off = 100 * abs(observed.value / model - 1)
    word = "fast" if observed.value > model else "slow"
    said = (
        f"Pairs of P and S have vp/vs {observed.value:.2f} ± {observed.error:.2f}, the model"
        f" {model:.2f}: its S velocities are {off:.0f} % too {word} for its P velocities."
    )
    return [said]


def _of_speed(slower: dict[str, Value], per_km: dict[str, Value]) -> list[str]:
    wrong = {phase: value for phase, value in slower.items() if value.sure(_SHARE)}
    said = []
    for phase in sorted(wrong):
        value = wrong[phase]
        word = "fast" if value.value > 0 else "slow"
        trend = per_km.get(phase)
        grows = (
            f" ({phase} residuals {'grow' if trend.value > 0 else 'fall'} by"
            f" {abs(trend.value):.3f} s per km)"
            if trend and trend.sure(0.002)
            else ""
        )
        size = f"{100 * abs(value.value):.1f} ± {100 * value.error:.1f} %"
        said.append(f"The model is {size} too {word} for {phase}{grows}.")
    if said:
        said[-1] += (
            " `quakeline tune velocity` makes a model from picks of 19 events or more, one to trust"
            f" of {MANY} or more."
        )
    return said
