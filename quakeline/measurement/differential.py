"""Differential travel times of neighbouring events from their waveforms.

Two events close to each other look alike at a station, so that the time between their arrivals
follows from the shift at which their waveforms correlate best, far more exactly than from picks.
Programs that locate events relative to each other take such times (Waldhauser, F. & Ellsworth, W.
L., 2000, A double-difference earthquake location algorithm, Bull. Seismol. Soc. Am. 90, 1353-1368).
The shift is found by `obspy.signal.cross_correlation.xcorr_pick_correction`: a parabola through the
top of the correlation (Deichmann, N. & Garcia-Fernandez, M., 1992, Geophys. J. Int. 110, 501-517).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.geometry import neighbours
from quakeline.io import tables
from quakeline.measurement.snippets import CODES, Snippet, Waveforms, snippets
from quakeline.schemas import DIFFERENTIALS
from quakeline.timeline import SECOND

_VERTICAL, _HORIZONTAL = ("Z",), ("N", "E", "1", "2")
#: P windows end so long before S, and shorter ones tell nothing, in s.
_BEFORE_S, _SHORTEST_S = 0.05, 0.3
#: Shifts nearer than this to the longest one that is tried are no maximum.
_INSIDE = 0.95
_UNLIKE = "S too soon after P, no common component, or a correlation below"


@dataclass(frozen=True)
class Rules:
    """Which events are compared and how; lengths in km, times in s, frequencies in Hz.

    Each event has up to `neighbours` others within `max_km`. Windows reach from `before_s` before
    an arrival to `p_s` or `s_s` after it; a P window ends before S. Shifts up to `max_shift_s` are
    tried. A pair of events counts with at least `min_links` differences of `min_correlation`.
    """

    max_km: float = 5.0
    neighbours: int = 20
    band_hz: tuple[float, float] = (2.0, 15.0)
    before_s: float = 0.2
    p_s: float = 0.8
    s_s: float = 1.2
    max_shift_s: float = 0.2
    min_correlation: float = 0.7
    min_links: int = 4

    @property
    def reach_s(self) -> tuple[float, float]:
        """What of a waveform a difference may need, before and after an arrival."""
        return self.before_s + self.max_shift_s, max(self.p_s, self.s_s) + self.max_shift_s


def differentials(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    waveforms: Waveforms,
    rules: Rules,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[pd.DataFrame, Counter[str]]:
    """Differential travel times of neighbouring events.

    Parameters
    ----------
    events
        EVENTS.
    arrivals
        ARRIVALS with the columns of their PICKS.
    waveforms
        The kept waveforms of the run.
    rules
        What is compared.
    progress
        Is told the arrivals done and those of all.

    Returns
    -------
    DIFFERENTIALS, and how many arrivals, comparisons and differences were not used, by reason.
    """
    close = neighbours(events, rules.neighbours, rules.max_km)
    order = {event: number for number, event in enumerate(events["event_id"])}
    origin_ns = events["time"].astype("int64").to_numpy()
    rows = arrivals.assign(event=arrivals["event_id"].map(order), room_s=_rooms(arrivals))
    unused: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    done = 0
    for codes, group in rows.groupby(CODES, sort=True):
        cut = snippets(group, waveforms, rules.reach_s, rules.band_hz, unused)
        labels = dict(zip(CODES, codes, strict=True))
        found += [labels | row for row in _of_instrument(cut, close, origin_ns, rules, unused)]
        done += len(group)
        progress(done, len(rows))
    return _table(found, events, close, rules, unused), unused


def _rooms(arrivals: pd.DataFrame) -> pd.Series:
    """Seconds from each arrival to S of its event at its station; infinite where none is known."""
    keys = ["event_id", "network", "station"]
    onsets = arrivals[arrivals["phase"] == "S"].groupby(keys)["time"].min()
    after = arrivals.join(onsets.rename("s_time"), on=keys)
    room = (after["s_time"] - after["time"]).dt.total_seconds()
    return room.where((arrivals["phase"] == "P") & room.notna(), np.inf)


def _of_instrument(
    cut: Mapping[tuple[int, str], Snippet],
    close: pd.DataFrame,
    origin_ns: np.ndarray,
    rules: Rules,
    unused: Counter[str],
) -> Iterator[dict[str, Any]]:
    """Rows of one instrument, but for its codes and the ids of the events."""
    for phase in ("P", "S"):
        has = np.zeros(len(origin_ns), dtype=bool)
        has[[event for event, name in cut if name == phase]] = True
        both = close[has[close["first"]] & has[close["second"]]]
        for first, second in zip(both["first"].tolist(), both["second"].tolist(), strict=True):
            one, other = cut[first, phase], cut[second, phase]
            best = _best(one, other, phase, rules)
            if best is None:
                unused[f"comparisons: {_UNLIKE} {rules.min_correlation:g}"] += 1
                continue
            component, shift, coefficient = best
            travel = [s.time_ns - origin_ns[e] for s, e in ((one, first), (other, second))]
            picked = one.pick_ns - origin_ns[first] - (other.pick_ns - origin_ns[second])
            difference = (travel[0] - travel[1]) / SECOND - shift
            yield {
                "first": first,
                "second": second,
                "pick_id_1": one.pick_id,
                "pick_id_2": other.pick_id,
                "component": component,
                "phase": phase,
                "difference_s": difference,
                "correlation": coefficient,
                "shift_s": difference - picked / SECOND,
            }


def _best(
    one: Snippet, other: Snippet, phase: str, rules: Rules
) -> tuple[str, float, float] | None:
    """Component, shift in s and coefficient of the waveforms that correlate best."""
    after = min(
        rules.p_s if phase == "P" else rules.s_s, *(s.room_s - _BEFORE_S for s in (one, other))
    )
    if one.rate_hz != other.rate_hz or after < _SHORTEST_S:
        return None
    usable = [name for name in one.usable if name in other.usable]
    wanted = _VERTICAL if phase == "P" else _HORIZONTAL
    found = [
        (name, *match)
        for name in ([n for n in wanted if n in usable] or usable)
        if (match := _match(one, other, name, after, rules)) is not None
    ]
    best = max(found, key=lambda match: match[2], default=None)
    return best if best is not None and best[2] >= rules.min_correlation else None


def _match(
    one: Snippet, other: Snippet, component: str, after_s: float, rules: Rules
) -> tuple[float, float] | None:
    """By how much the second arrival is late in s, and the coefficient; None: no maximum."""
    from obspy.signal.cross_correlation import xcorr_pick_correction

    (onset, trace), (again, late) = one.trace(component), other.trace(component)
    longest = rules.max_shift_s
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shift, coefficient = xcorr_pick_correction(
                onset, trace, again, late, rules.before_s, after_s, longest
            )
        except Exception as error:
            # obspy raises the bare class where the correlation has no top; all else is a mistake.
            if type(error) is not Exception:
                raise
            return None
    if not np.isfinite([shift, coefficient]).all() or abs(shift) > _INSIDE * longest:
        return None
    return float(shift), float(coefficient)


def _table(
    found: list[dict[str, Any]],
    events: pd.DataFrame,
    close: pd.DataFrame,
    rules: Rules,
    unused: Counter[str],
) -> pd.DataFrame:
    """DIFFERENTIALS of the pairs of events that have enough of them."""
    if not found:
        return tables.empty(DIFFERENTIALS)
    made = pd.DataFrame(found).merge(close, on=["first", "second"])
    links = made.groupby(["first", "second"])["phase"].transform("size")
    enough = links >= rules.min_links
    if not enough.all():
        unused[f"differences: fewer than {rules.min_links} of a pair of events"] = int(
            (~enough).sum()
        )
    made = made[enough]
    ids = events["event_id"].to_numpy()
    made = made.assign(event_id_1=ids[made["first"]], event_id_2=ids[made["second"]])
    order = ["first", "second", *CODES, "phase"]
    ordered = tables.conform(made.sort_values(order)[DIFFERENTIALS.names], DIFFERENTIALS)
    return pd.DataFrame(ordered.to_pandas())
