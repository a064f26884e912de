"""Updates of events: what changed since the last one, and how each is told.

An update is a line of JSON: `kind` is `event`, `id` stays while picks join, `version` counts from
1, `status` is `preliminary`, `final` (no pick joins it), `reviewed` (made of all picks of its day)
or `withdrawn` (its picks belong to no event any more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.core.timeline import SECOND, iso
from quakeline.io.products import tables
from quakeline.live.lines import plain
from quakeline.live.pick_rows import OLD_S

PRELIMINARY, FINAL, REVIEWED, WITHDRAWN = "preliminary", "final", "reviewed", "withdrawn"
#: What no association of a window changes.
SETTLED = (FINAL, REVIEWED)
#: Smaller changes of a preliminary event are no news while its picks stay the same.
_MOVED_KM, _MOVED_S, _SIZE = 1.0, 0.2, 0.1
#: Columns of EVENTS that lines repeat under the same names, beside those below.
_TOLD = (
    *("latitude", "longitude", "depth_km", "time_sigma_s"),
    *("horizontal_sigma_km", "depth_sigma_km", "rms_s", "azimuthal_gap_deg"),
    *("magnitude", "magnitude_type", "magnitude_sigma", "magnitude_stations", "mw"),
    *("n_p", "n_s", "n_stations", "quality", "event_class"),
)
_TOLD_OF_ARRIVALS = ("pick_id", "phase", "residual_s", "distance_km", "azimuth_deg")


@dataclass(frozen=True)
class Update:
    """A version of an event: `event` is its row of EVENTS, `arrivals` its ARRIVALS (a table).

    `data_ns` is when the packet came that was the last one it had to wait for (ns since 1970, by
    the feed), `computing_s` passed on this machine since its last pick was given.
    """

    version: int
    status: str
    event: Mapping[str, Any]
    arrivals: pd.DataFrame
    data_ns: int
    computing_s: float

    @property
    def event_id(self) -> str:
        """The id, which all versions share."""
        return str(self.event["event_id"])

    @property
    def time_ns(self) -> int:
        """Origin time in ns since 1970."""
        return int(pd.Timestamp(self.event["time"]).value)

    def line(self) -> dict[str, Any]:
        """What is said of it, as JSON has it; nothing for what is null."""
        known = {name: plain(self.event.get(name)) for name in _TOLD}
        late_s = (self.data_ns - self.time_ns) / SECOND
        return {
            "kind": "event",
            "id": self.event_id,
            "version": self.version,
            "status": self.status,
            "time": iso(self.time_ns, 6),
            "time_ns": self.time_ns,
            **{name: value for name, value in known.items() if value is not None},
            "n_picks": len(self.arrivals),
            **({"data_latency_s": round(late_s, 3)} if late_s < OLD_S else {}),
            "computing_latency_s": round(self.computing_s, 3),
        }

    def message(self) -> dict[str, Any]:
        """The line with its arrivals, for who gets events by themselves."""
        return {**self.line(), "arrivals": _rows(self.arrivals, _TOLD_OF_ARRIVALS)}

    def kept(self) -> dict[str, Any]:
        """The line with all columns of both tables, from which `read` makes the update again."""
        event = {name: plain(self.event.get(name)) for name in EVENTS.names if name != "time"}
        own = [name for name in ARRIVALS.names if name != "event_id"]
        known = {name: value for name, value in event.items() if value is not None}
        return {**self.line(), "event": known, "arrivals": _rows(self.arrivals, own)}


def read(kept: Mapping[str, Any]) -> Update:
    """The update of a line that `Update.kept` made. Raises KeyError, TypeError or ValueError."""
    time_ns = int(kept["time_ns"])
    row = {**kept["event"], "time": pd.Timestamp(time_ns, unit="ns", tz="UTC")}
    events = tables.typed(pd.DataFrame([row]), EVENTS)
    arrivals = pd.DataFrame(kept["arrivals"]).assign(event_id=row["event_id"])
    data_ns = time_ns + round(float(kept.get("data_latency_s", OLD_S)) * SECOND)
    return Update(
        int(kept["version"]),
        str(kept["status"]),
        {str(name): value for name, value in events.iloc[0].to_dict().items()},
        tables.typed(arrivals, ARRIVALS),
        data_ns,
        float(kept["computing_latency_s"]),
    )


def content(update: Update) -> dict[str, Any]:
    """What an update says of its event, as JSON has it, whichever version it is."""
    about = ("version", "status", "data_latency_s", "computing_latency_s")
    return {name: value for name, value in update.kept().items() if name not in about}


def is_news(before: Update, event: Mapping[str, Any], arrivals: pd.DataFrame) -> bool:
    """Whether an event differs from its last version: in its picks, or by more than little."""
    if before.status == WITHDRAWN or set(before.arrivals["pick_id"]) != set(arrivals["pick_id"]):
        return True
    old = before.event
    there = np.array([old["latitude"]]), np.array([old["longitude"]])
    apart_km, _ = distance_azimuth(event["latitude"], event["longitude"], *there)
    moved_s = abs(pd.Timestamp(event["time"]).value - before.time_ns) / SECOND
    deeper = abs(event["depth_km"] - old["depth_km"])
    if max(float(apart_km[0]), deeper) > _MOVED_KM or moved_s > _MOVED_S:
        return True
    size, known = (_number(one.get("magnitude")) for one in (event, old))
    return bool(np.isnan(size) != np.isnan(known) or abs(size - known) >= _SIZE)


def _rows(table: pd.DataFrame, names: Any) -> list[dict[str, Any]]:
    return [
        {name: plain(row[name]) for name in names if plain(row[name]) is not None}
        for row in table.to_dict("records")
    ]


def _number(value: Any) -> float:
    known = plain(value)
    return float("nan") if known is None else float(known)
