"""Which windows of a finished run become records, by rules on its picks and arrivals."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, Span
from quakeline.io.exports import Tables
from quakeline.training.datasets.rules import Rules

#: A window of noise has no pick in it and so many seconds around it.
_QUIET_S = 5.0


@dataclass(frozen=True)
class Cut:
    """A window of an instrument: `kind` is event, noise or false pick; `event` the id, or ""."""

    label: str
    start_ns: int
    kind: str
    event: str = ""


@dataclass(frozen=True)
class Picks:
    """Picks of seismometers with what the catalog says of them, in order of time.

    Columns: label, time_ns, phase, event ("" for none), sure (whether it keeps the rules).
    """

    frame: pd.DataFrame

    def within(self, label: str, start_ns: int, end_ns: int) -> pd.DataFrame:
        """Those of an instrument in [start, end)."""
        own = self.frame.loc[self._places.get(label, [])]
        times = own["time_ns"].to_numpy()
        return own.iloc[np.searchsorted(times, start_ns) : np.searchsorted(times, end_ns)]

    @property
    def labels(self) -> list[str]:
        """Instruments with picks."""
        return sorted(self._places)

    @cached_property
    def _places(self) -> dict[str, pd.Index]:
        return {str(label): rows for label, rows in self.frame.groupby("label").groups.items()}


@dataclass
class Chosen:
    """Windows in order of time, and how many were left out for which reason."""

    cuts: list[Cut] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def picks_of(catalog: Tables, rules: Rules) -> Picks:
    """The picks of a catalog, each with whether it keeps the rules."""
    given = catalog.picks
    frame = given[given["instrument"].notna() & given["phase"].isin(["P", "S"])]
    if "source" in frame:
        frame = frame[frame["source"] == "waveform"]
    codes = frame[["network", "station", "location", "instrument"]].fillna("").astype(str)
    arrivals = catalog.arrivals.drop_duplicates("pick_id").set_index("pick_id")
    events = catalog.events.set_index("event_id")
    known = arrivals.reindex(frame["pick_id"])
    stations = events["n_stations"].reindex(known["event_id"]).to_numpy(float)
    residual, snr = known["residual_s"].abs().to_numpy(float), frame["snr_db"].to_numpy(float)
    sure = (residual <= rules.max_residual_s) & (stations >= rules.min_stations)
    sure &= ~(snr < rules.min_snr_db)
    made = pd.DataFrame(
        {
            "label": codes.agg(".".join, axis=1).to_numpy() if len(codes) else [],
            "time_ns": frame["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy(),
            "phase": frame["phase"].to_numpy(),
            "event": known["event_id"].fillna("").to_numpy(),
            "sure": sure,
        }
    )
    return Picks(made.sort_values(["time_ns", "label", "phase"], ignore_index=True))


def chosen(picks: Picks, spans: list[Span], rules: Rules) -> Chosen:
    """Windows around arrivals, around false picks, and of noise."""
    found = Chosen()
    _around_arrivals(picks, rules, found)
    events = len(found.cuts)
    _around_false(picks, rules, found)
    found.cuts += _of_noise(picks, spans, rules, round(rules.noise * events))
    found.cuts.sort(key=lambda cut: (cut.start_ns, cut.label))
    return found


def _around_arrivals(picks: Picks, rules: Rules, found: Chosen) -> None:
    joined = picks.frame[picks.frame["event"] != ""]
    for (event, label), own in joined.groupby(["event", "label"], sort=True):
        start = int(own["time_ns"].min() - rules.before_s * SECOND)
        inside = picks.within(str(label), start, start + round(rules.length_s * SECOND))
        unsure = inside[(inside["event"] != "") & ~inside["sure"]]
        if len(unsure):
            found.refused["an arrival does not keep the rules"] += 1
        else:
            found.cuts.append(Cut(str(label), start, "event", str(event)))


def _around_false(picks: Picks, rules: Rules, found: Chosen) -> None:
    times = picks.frame["time_ns"].to_numpy()
    near = round(rules.alone_s * SECOND)
    alone = picks.frame[picks.frame["event"] == ""]
    for label, time_ns in zip(alone["label"].tolist(), alone["time_ns"].tolist(), strict=True):
        first, last = np.searchsorted(times, [time_ns - near, time_ns + near + 1])
        start = round(time_ns - rules.before_s * SECOND)
        inside = picks.within(label, start, start + round(rules.length_s * SECOND))
        if last - first > 1:
            found.refused["a pick of no event that may be one of a small event"] += 1
        elif (inside["event"] != "").any():
            found.refused["a pick of no event in the window of an event"] += 1
        else:
            found.cuts.append(Cut(label, start, "false pick"))


def _of_noise(picks: Picks, spans: list[Span], rules: Rules, wanted: int) -> list[Cut]:
    """Windows without picks, at multiples of their length; which ones, their digests decide."""
    length, quiet = round(rules.length_s * SECOND), round(_QUIET_S * SECOND)
    free: list[Cut] = []
    for span in spans:
        for label in picks.labels:
            for start in range(span.start_ns, span.end_ns - length + 1, length):
                if not rules.allows(start, start + length):
                    continue
                if picks.within(label, start - quiet, start + length + quiet).empty:
                    free.append(Cut(label, start, "noise"))
    free.sort(key=lambda cut: hashlib.sha256(f"{cut.label} {cut.start_ns}".encode()).digest())
    return free[:wanted]
