"""A finished run as a data set: windows around its arrivals, of noise, of false picks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.timeline import SECOND, first_sample, iso, sample_time
from quakeline.io.exports import Tables
from quakeline.training.datasets.choice import Cut, Picks, chosen, picks_of
from quakeline.training.datasets.opening import assigned, linked, shares
from quakeline.training.datasets.records import PARTS, PHASES, TRAIN
from quakeline.training.datasets.rules import Rules
from quakeline.training.datasets.seisbench import UNSURE
from quakeline.training.datasets.stretches import Prepare, Stretch, chunks_of, stretches
from quakeline.training.datasets.writing import Writer

#: Share of a record that must be there on its best component.
_LEAST_SHARE = 0.9


@dataclass(frozen=True)
class Made:
    """How many records there are by part and kind, and what was left out for which reason."""

    records: Counter[tuple[str, str]]
    refused: Counter[str]


def write(
    run: Path,
    catalog: Tables,
    prepare: Prepare,
    rules: Rules,
    folder: Path,
    notify: Callable[[float, float], None],
) -> Made:
    """Write the records of a run into a folder, in SeisBench's format.

    No event is in two parts. Split by event, all events whose arrivals are in one record are in one
    part, and noise and false picks are in that of the nearest event; split by time, parts follow
    one another. The same run and rules give the same files. `prepare` is that of `stretches`.

    Raises
    ------
    DataError
        No record is left, or there are no waveforms.
    """
    picks = picks_of(catalog, rules)
    spans = chunks_of(run)
    found = chosen(picks, spans, rules)
    parts = _parts(found.cuts, picks, catalog, rules)
    records: Counter[tuple[str, str]] = Counter()
    writer: Writer | None = None
    for done, stretch in enumerate(stretches(run, prepare)):
        notify(done, len(spans))
        if writer is None:
            unit = "m/s or counts"
            facts = {"unit": unit, "measurement": "velocity"}
            writer = Writer(folder, stretch.components, stretch.grid.rate_hz, **facts)
        for cut in found.cuts:
            if not stretch.span.start_ns <= _middle(cut, rules) < stretch.span.end_ns:
                continue
            reason = _add(writer, stretch, cut, picks, rules, parts)
            if reason:
                found.refused[reason] += 1
            else:
                records[parts.of_cuts[cut], cut.kind] += 1
    if writer is None or not sum(n for (_, kind), n in records.items() if kind == "event"):
        said = ", ".join(f"{n} times {reason}" for reason, n in found.refused.items())
        raise DataError(f"{run} gives no records: {said or 'its catalog has no arrivals'}")
    with writer:
        notify(len(spans), len(spans))
    return Made(records, found.refused)


def _middle(cut: Cut, rules: Rules) -> int:
    """The time by which a window belongs to a chunk: that of its first onset."""
    return cut.start_ns + round((rules.before_s if cut.kind != "noise" else 0) * SECOND)


@dataclass(frozen=True)
class _Parts:
    """In which part windows and events are; `borders_ns` are those of parts that follow in time."""

    of_cuts: Mapping[Cut, str]
    of_events: Mapping[str, str]
    borders_ns: tuple[int, ...] = ()

    def together(self, first_ns: int, last_ns: int) -> bool:
        """Whether no border is between two times."""
        first, last = np.searchsorted(self.borders_ns, [first_ns, last_ns])
        return bool(first == last)


def _parts(cuts: list[Cut], picks: Picks, catalog: Tables, rules: Rules) -> _Parts:
    if rules.split == "time":
        return _in_order(cuts, catalog, rules)
    length = round(rules.length_s * SECOND)
    together = []
    for cut in cuts:
        if cut.kind == "event":
            inside = picks.within(cut.label, cut.start_ns, cut.start_ns + length)["event"]
            together.append((cut.event, *sorted({*inside} - {"", cut.event})))
    parts = assigned(linked(together))
    ids, times = _times(catalog, {*parts})
    made = {}
    for cut in cuts:
        if cut.event:
            made[cut] = parts[cut.event]
        elif len(times):
            middle = cut.start_ns + length // 2
            made[cut] = parts[ids[int(np.argmin(np.abs(times - middle)))]]
        else:
            made[cut] = TRAIN
    return _Parts(made, parts)


def _in_order(cuts: list[Cut], catalog: Tables, rules: Rules) -> _Parts:
    """Parts one after the other: borders lie in the middle between two events."""
    asked = [cut for cut in cuts if rules.allows(*[_middle(cut, rules)] * 2)]
    ids, times = _times(catalog, {cut.event for cut in asked if cut.event})
    order = np.argsort(times, kind="stable")
    ends = np.cumsum(shares(len(ids)))[:-1]
    sorted_ = times[order]
    borders = [int((sorted_[n - 1] + sorted_[n]) // 2) for n in ends if 0 < n < len(ids)]

    def part(time_ns: int) -> str:
        return PARTS[int(np.searchsorted(borders, time_ns))]

    everyone, when = _times(catalog)
    of_events = {name: part(int(at)) for name, at in zip(everyone, when, strict=True)}
    return _Parts(
        {cut: of_events[cut.event] if cut.event else part(_middle(cut, rules)) for cut in cuts},
        of_events,
        tuple(borders),
    )


def _times(catalog: Tables, wanted: set[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Ids and origin times (ns since 1970) of events."""
    events = catalog.events
    if wanted is not None:
        events = events[events["event_id"].isin(wanted)]
    times = events["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    return events["event_id"].tolist(), times


def _add(
    writer: Writer, stretch: Stretch, cut: Cut, picks: Picks, rules: Rules, parts: _Parts
) -> str:
    """Write a record; gives the reason where it cannot be one."""
    part = parts.of_cuts[cut]
    rate = stretch.grid.rate_hz
    before = round(rules.before_s * rate) if cut.kind != "noise" else 0
    found = stretch.cut(cut.label, cut.start_ns, round(rules.length_s * rate), before)
    if found is None:
        return "no waveforms of the instrument"
    first, data, valid = found
    if valid.mean(axis=1).max(initial=0) < _LEAST_SHARE:
        return "gaps"
    begin_ns, end_ns = (sample_time(n, rate) for n in (first, first + data.shape[1]))
    if not rules.allows(begin_ns, end_ns):
        return "not in the time that is asked for"
    if not parts.together(begin_ns, end_ns):
        return "reaches over the border of two parts"
    inside = picks.within(cut.label, begin_ns, end_ns)
    if cut.kind == "noise" and len(inside):
        return "a pick in a window of noise"
    labelled = inside[inside["event"] != ""]
    if not labelled["sure"].all():
        return "an arrival does not keep the rules"
    if any(parts.of_events.get(event, part) != part for event in labelled["event"]):
        return "an arrival of an event in another part"
    writer.add(data, _facts(stretch, cut, part, (first, valid), inside))
    return ""


def _facts(
    stretch: Stretch, cut: Cut, part: str, found: tuple[int, np.ndarray], inside: pd.DataFrame
) -> dict[str, Any]:
    """Columns of the metadata of a record."""
    (first, valid), rate = found, stretch.grid.rate_hz
    at = {i: first_sample(int(t), rate) - first for i, t in inside["time_ns"].items()}
    network, station, location, instrument = cut.label.split(".")
    live = [c for c, v in zip(stretch.components, valid, strict=True) if v.any()]
    facts: dict[str, Any] = {
        "source_id": cut.event,
        "station_network_code": network,
        "station_code": station,
        "station_location_code": location,
        "trace_channel": instrument,
        "trace_components": "".join(live),
        "trace_start_time": iso(sample_time(first, rate), digits=6),
        "trace_category": "earthquake" if cut.kind == "event" else "noise",
        "trace_kind": cut.kind,
        "split": part,
    }
    facts |= _onsets(inside[inside["event"] != ""], at)
    others = inside[(inside["event"] == "") & (cut.kind == "event")]
    return facts | {UNSURE: " ".join(str(at[i]) for i in others.index)}


def _onsets(labelled: pd.DataFrame, at: dict[Any, int]) -> dict[str, Any]:
    """Columns of onsets: the first of a phase is `trace_P_arrival_sample`, then P2, P3, ..."""
    facts: dict[str, Any] = {f"trace_{phase}_arrival_sample": None for phase in PHASES}
    for phase in PHASES:
        for number, i in enumerate(labelled.index[labelled["phase"] == phase], 1):
            name = phase if number == 1 else f"{phase}{number}"
            facts[f"trace_{name}_arrival_sample"] = at[i]
            facts[f"trace_{phase}_status"] = "automatic"
    return facts
