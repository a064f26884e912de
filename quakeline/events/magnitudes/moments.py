"""Moment magnitudes of the stations of an event, from the spectra around their picks.

S and P count each by itself where the window holds nothing else: the P window must end before S,
both before the next event. The three components make one spectrum, the root of their summed power,
less the noise before P. What does not show its low-frequency level has no magnitude.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.earth.velocity import Model
from quakeline.events.magnitudes import brune
from quakeline.events.magnitudes.instruments import Seen
from quakeline.events.magnitudes.network import REASON, of_event
from quakeline.events.magnitudes.settings import Moment
from quakeline.signal import spectra

#: Frequencies below so many periods in a window do not count.
_LEAST_PERIODS = 2.0
#: Least number of neighbouring frequencies, half a decade.
_FEWEST = 6
#: What the model keeps of its level at the lowest frequency, else the level is a mere guess.
_LEAST_KEPT = 0.6
_WORST_MISFIT = 0.15


def stations_of(
    instruments: Iterable[Seen], model: Model, rules: Moment, vp_vs: float
) -> pd.DataFrame:
    """STATION_MOMENTS: a row for each event, instrument and phase.

    Parameters
    ----------
    instruments
        From `instruments.seen`.
    model
        Gives the velocity at the source.
    vp_vs
        Tells S from P where S was not picked.
    """
    rows = [
        {**_plain(one.place), "phase": phase, **_measured(one, phase, model, rules, vp_vs)}
        for one in instruments
        for phase in rules.phases
    ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["event_id", *REASON])


def of_events(events: pd.DataFrame, rows: pd.DataFrame, min_stations: int) -> pd.DataFrame:
    """Fill the moment magnitudes of EVENTS: median over stations of the mean over phases."""
    keys = ["event_id", "network", "station"]
    stations = pd.DataFrame(columns=["event_id", "magnitude", *REASON])
    if not rows.empty:
        by_station = rows.groupby(keys)
        how = {"magnitude": "mean", **dict.fromkeys(REASON, "first")}
        stations = by_station.agg(how).reset_index()
    groups = dict(iter(stations.groupby("event_id")))
    found = [of_event(groups.get(event), min_stations) for event in events["event_id"]]
    names = {name: f"mw_{name}" for name in ("sigma", "stations", "note", "note_codes")}
    names["value"] = "mw"
    columns = pd.DataFrame(found, index=events.index, columns=list(names)).rename(columns=names)
    return pd.concat([events.drop(columns=list(columns), errors="ignore"), columns], axis=1)


def _plain(place: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in place.items() if name != "epicentral_km"}


def _measured(seen: Seen, phase: str, model: Model, rules: Moment, vp_vs: float) -> dict[str, Any]:
    """Level, corner, moment and magnitude of a phase at one instrument, or why there are none."""
    pick = seen.picked.get(phase)
    result: dict[str, Any] = {
        "pick_id": None if pick is None else str(pick.pick_id),
        "level_m_s": np.nan,
        "corner_hz": np.nan,
        "t_star_s": np.nan,
        "misfit": np.nan,
        "moment_nm": np.nan,
        "magnitude": np.nan,
        **cells("reason", []),
    }
    unfit = _unfit(seen, phase, rules, vp_vs)
    if unfit:
        return {**result, **cells("reason", [unfit])}
    answer = _spectrum(seen, phase, rules)
    if isinstance(answer, Code):
        return {**result, **cells("reason", [Reason.of(answer)])}
    fit = brune.fit(*answer)
    if fit.misfit > _WORST_MISFIT:
        why = cells("reason", [Reason.of(Code.NOT_AS_MODEL)])
        return {**result, "misfit": fit.misfit, **why}
    if fit.kept(float(answer[0][0])) < _LEAST_KEPT:
        why = cells("reason", [Reason.of(Code.NO_LEVEL)])
        return {**result, "corner_hz": fit.corner_hz, "misfit": fit.misfit, **why}
    source = (np.array([value]) for value in (seen.latitude, seen.longitude, seen.depth_km))
    speed = float(model.speed(phase, *source)[0])
    moment = brune.moment_nm(fit.level_m_s, seen.place["distance_km"], speed, phase)
    return {
        **result,
        "level_m_s": fit.level_m_s,
        "corner_hz": fit.corner_hz if fit.corner_hz <= answer[0][-1] else np.nan,
        "t_star_s": fit.t_star_s,
        "misfit": fit.misfit,
        "moment_nm": moment,
        "magnitude": brune.magnitude(moment),
    }


def _unfit(seen: Seen, phase: str, rules: Moment, vp_vs: float) -> Reason | None:
    """Why a phase at an instrument may not be measured, before its spectrum is looked at."""
    if seen.unusable:
        return Reason.of(seen.unusable)
    pick = seen.picked.get(phase)
    if pick is None:
        return Reason.of(Code.NOT_PICKED, phase=phase)
    rows = seen.around(phase)
    unfit = _unmeasured(rows)
    if unfit:
        return Reason.of(unfit)
    low, high = rules.distance_km
    if not low <= seen.place["distance_km"] <= high:
        return Reason.of(Code.OUTSIDE_DISTANCE, low_km=low, high_km=high)
    end = float(pick.travel_s) + rows["Z"].spectrum_s
    if phase == "P" and end > seen.onsets(vp_vs)[1]:
        return Reason.of(Code.S_IN_P_WINDOW)
    return Reason.of(Code.CROWDED) if end > float(pick.next_s) else None


def _unmeasured(rows: dict[str, Any]) -> Code | None:
    """Why what was measured around a pick, by component, is no spectrum of motion."""
    if not rows:
        return Code.NOT_MEASURED
    if all(row.spectrum is None for row in rows.values()):
        return Code.COUNTS_ONLY
    return None if set("ZNE") <= set(rows) else Code.TOO_FEW_COMPONENTS


def _spectrum(seen: Seen, phase: str, rules: Moment) -> tuple[np.ndarray, np.ndarray] | Code:
    """Frequencies and spectrum in m s of the part of the band above the noise."""
    rows = seen.around(phase)
    signal = _power(rows, "spectrum")
    if not np.isfinite(signal).all():
        return Code.WINDOW_SPOILT
    noise = next(_noises(seen, phase), None)
    if noise is None:
        return Code.NO_NOISE
    frequencies = spectra.frequencies(len(signal))
    low = max(rules.band_hz[0], _LEAST_PERIODS / rows["Z"].spectrum_s)
    usable = (frequencies >= low) & (frequencies <= rules.band_hz[1])
    usable &= signal > rules.min_snr**2 * _widened(noise)
    run = _longest(usable)
    if run.stop - run.start < _FEWEST:
        return Code.SPECTRUM_WEAK
    return frequencies[run], np.sqrt(signal[run] - noise[run])


def _noises(seen: Seen, phase: str) -> Iterator[np.ndarray]:
    """Noise power before P, else before the phase itself, where it is whole."""
    for rows in (seen.around("P"), seen.around(phase)):
        if set("ZNE") <= set(rows):
            power = _power(rows, "noise_spectrum")
            if np.isfinite(power).all():
                yield power


def _power(rows: dict[str, Any], column: str) -> np.ndarray:
    """Summed power of the three components."""
    parts = [np.asarray(getattr(rows[name], column), dtype=float) for name in "ZNE"]
    return np.asarray(np.sum(np.square(parts), axis=0))


def _widened(power: np.ndarray) -> np.ndarray:
    """The largest of each value and its two neighbours: one window of noise has chance holes."""
    padded = np.pad(power, 1, mode="edge")
    return np.asarray(np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:]))


def _longest(usable: np.ndarray) -> slice:
    """The longest run of neighbouring frequencies."""
    edges = np.flatnonzero(np.diff(np.r_[False, usable, False].astype(int))).reshape(-1, 2)
    if not len(edges):
        return slice(0, 0)
    start, stop = edges[int(np.argmax(edges[:, 1] - edges[:, 0]))]
    return slice(int(start), int(stop))
