"""What the workflow would do with each channel, and why it would not use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import obspy
import pandas as pd

from quakeline.core.reasons import Code, Reason, text_of
from quakeline.core.timeline import Span
from quakeline.io.formats import inventory as inventories
from quakeline.io.formats.codes import nearest
from quakeline.io.formats.station_list import checked, overlaid
from quakeline.io.formats.station_tables import read_table
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.orientation import COMPONENTS
from quakeline.waveforms.preparation.settings import Response
from quakeline.waveforms.sources.manifest import alike_stations
from quakeline.workflow.inspection.holdings import Holding

_CODES = ["network", "station", "location", "channel"]


@dataclass(frozen=True)
class Metadata:
    """What is known of stations: STATIONS and the inventory; both empty where none was given."""

    stations: pd.DataFrame
    inventory: obspy.Inventory

    @property
    def given(self) -> bool:
        """Whether there are any stations."""
        return len(self.stations) > 0


@dataclass(frozen=True)
class ChannelPlan:
    """What becomes of a channel: used or refused, and how or why."""

    used: bool
    said: str


def plans(
    held: Sequence[Holding], manifest: pd.DataFrame, known: Metadata, rate_hz: float
) -> list[ChannelPlan]:
    """A plan for each channel, as the stages `fetch` and `prepare` decide with their defaults.

    `rate_hz` is the sampling rate of the network.
    """
    places = set(zip(known.stations["network"], known.stations["station"], strict=True))
    at_hand = manifest[manifest["status"] == "data"]
    if known.given:
        codes = zip(at_hand["network"], at_hand["station"], strict=True)
        at_hand = at_hand[[place in places for place in codes]]
    chosen, refused = _instruments(at_hand, known, rate_hz)
    return [_plan(one, chosen, refused, known, rate_hz) for one in held]


def _instruments(
    rows: pd.DataFrame, known: Metadata, rate_hz: float
) -> tuple[dict[str, tuple[str, str, str]], dict[str, str]]:
    """Label, component and missing components of channels in use; reasons of the others."""
    preparer = Preparer(Span(0, 1), 0.0, rate_hz, 0.0, Response(), known.inventory)
    groups, report = preparer.instruments(rows, [])
    chosen = {}
    for label, group in groups.items():
        missing = [name for name in COMPONENTS if name not in set(group["fills"])]
        for row in group.itertuples():
            codes = f"{row.network}.{row.station}.{row.location}.{row.channel}"
            chosen[codes] = (label, str(row.fills), ", ".join(missing))
    refused = {
        f"{r['network']}.{r['station']}.{r['location']}.{r['channels']}": str(r["notes"])
        for r in report
    }
    return chosen, refused


def _plan(
    one: Holding,
    chosen: dict[str, tuple[str, str, str]],
    refused: dict[str, str],
    known: Metadata,
    rate_hz: float,
) -> ChannelPlan:
    if one.problems:
        return ChannelPlan(False, text_of(one.problems))
    if one.codes in refused:
        return ChannelPlan(False, refused[one.codes])
    if one.codes not in chosen:
        return ChannelPlan(False, _without_place(one.codes, known))
    label, component, missing = chosen[one.codes]
    same = abs(one.rate_hz / rate_hz - 1) < 1e-9
    absent = Reason.of(Code.COMPONENTS_MISSING, components=missing)
    said = [
        f"{component} of {label}",
        f"{rate_hz:g} Hz" if same else f"resampled from {one.rate_hz:g} to {rate_hz:g} Hz",
        _response(one, known),
        str(absent) if missing else "",
    ]
    return ChannelPlan(True, "; ".join(filter(None, said)))


def _without_place(codes: str, known: Metadata) -> str:
    alike = ", ".join(alike_stations(codes.split(".")[1], known.stations))
    return "the station has no coordinates in the station metadata" + (
        f", which has {alike}" if alike else ""
    )


def _response(one: Holding, known: Metadata) -> str:
    """What becomes of the response at the times of the data; nothing without metadata."""
    if not known.given:
        return ""
    table = known.stations
    codes = one.codes.split(".")
    same = pd.Series(True, index=table.index)
    for name, code in zip(_CODES, codes, strict=True):
        same &= table[name] == code
    rows = table[same & (table["response"] != "none")]
    starts = rows["start"].fillna(pd.Timestamp.min.tz_localize("UTC"))
    ends = rows["end"].fillna(pd.Timestamp.max.tz_localize("UTC"))
    first, last = (
        pd.Timestamp(time, unit="ns", tz="UTC") for time in (one.span.start_ns, one.span.end_ns)
    )
    reach = (starts < last) & (ends > first)
    if not reach.any():
        given = table.loc[table["response"] != "none", _CODES].fillna("")
        near = "" if len(rows) else nearest(tuple(codes), given.itertuples(index=False, name=None))
        return f"no response, the metadata have {near}: counts" if near else "no response: counts"
    whole = starts[reach].min() <= first and ends[reach].max() >= last
    return "response removed" + ("" if whole else ", but not known for all of the time")


def metadata(stationxml: Sequence[str], table: str | None) -> Metadata:
    """Read station metadata as the stage `stations` does; nothing given is nothing known.

    Raises ConfigError or DataError for what cannot be read.
    """
    from quakeline.workflow.stages.stations import Config

    empty = obspy.Inventory()
    if not stationxml and not table:
        return Metadata(inventories.table_of(empty), empty)
    files = map(Path, Config(table=table, stationxml=list(stationxml)).files())
    received = inventories.read([path for path in files if str(path) != table])
    frame = inventories.table_of(received)
    if table:
        frame = overlaid(frame, read_table(Path(table)))
    return Metadata(checked(frame), received)
