"""The tables of a run as the report needs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from quakeline.core.schemas import (
    ARRIVALS,
    EVENTS,
    FIBRE_CHANNELS,
    MANIFEST,
    MATCHES,
    PICKS,
    STATIONS,
)
from quakeline.core.timeline import SECOND, Span, to_ns
from quakeline.io.products import tables


@dataclass(frozen=True)
class Catalog:
    """A run's tables, span and settings.

    Attributes
    ----------
    events
        EVENTS in order of time, with `number` (1, 2, ...), `time_ns` and `n_arrivals`.
    picks
        PICKS in order of time, with `time_ns`, `label` (instrument), `site` (station or fibre)
        and `associated`.
    arrivals
        ARRIVALS with the `label` and `time_ns` of their picks.
    stations
        One row for each station: `site`, `latitude`, `longitude`, `elevation_m`.
    channels
        FIBRE_CHANNELS of all chunks, each channel once.
    manifest
        MANIFEST of all chunks, with `chunk`, `site` and `label`; that of a fibre is "fibre NAME".
    span
        From the begin of the first to the end of the last chunk.
    settings_text, settings
        The configuration as YAML and as builtins.
    matches, evaluation
        MATCHES and the summary of the stage evaluate; empty and None in a run without a reference.
    """

    events: pd.DataFrame
    picks: pd.DataFrame
    arrivals: pd.DataFrame
    stations: pd.DataFrame
    channels: pd.DataFrame
    manifest: pd.DataFrame
    span: Span
    settings_text: str
    settings: dict[str, Any]
    matches: pd.DataFrame
    evaluation: dict[str, Any] | None

    @property
    def given_only(self) -> bool:
        """Whether the run began at a table of picks and had no data to look at."""
        fetched = self.settings.get("fetch") or self.settings.get("fibres")
        imported = self.settings.get("import_picks") or {}
        return bool(imported.get("table")) and not fetched


def load(
    events: Path,
    arrivals: Path,
    picks: Path,
    stations: Path,
    manifests: list[Path],
    settings: str,
    channels: Sequence[Path] = (),
    matches: Sequence[Path] = (),
    evaluation: Sequence[Path] = (),
) -> Catalog:
    """Read the tables. Raises DataError for a table of another kind or version."""
    pick_table = with_labels(tables.read(picks, PICKS))
    links = tables.read(arrivals, ARRIVALS)
    known = pick_table[["pick_id", "label", "time_ns"]].drop_duplicates("pick_id")
    linked = pick_table["event_id"].notna() | pick_table["pick_id"].isin(links["pick_id"])
    parsed = yaml.safe_load(settings)
    plain = parsed if isinstance(parsed, dict) else {}
    return Catalog(
        events=_events(tables.read(events, EVENTS)),
        picks=pick_table.assign(associated=linked),
        arrivals=links.merge(known, on="pick_id", how="left"),
        stations=_stations(tables.read(stations, STATIONS)),
        channels=_channels(channels),
        manifest=_manifest(manifests),
        span=_span(manifests, plain),
        settings_text=settings,
        settings=plain,
        matches=tables.read_many(list(matches), MATCHES),
        evaluation=json.loads(evaluation[0].read_text(encoding="utf-8")) if evaluation else None,
    )


def nanoseconds(times: pd.Series) -> pd.Series:
    """Times as integers of nanoseconds since 1970; the series must hold no empty values."""
    return pd.Series(times.dt.as_unit("ns").astype("int64"))


def _events(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.sort_values(["time", "event_id"], ignore_index=True)
    return frame.assign(
        number=range(1, len(frame) + 1),
        time_ns=nanoseconds(frame["time"]),
        n_arrivals=frame["n_p"] + frame["n_s"],
    )


def with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """PICKS in order of time, with `time_ns`, `label` and `site`."""
    frame = frame.sort_values(["time", "pick_id"], ignore_index=True)
    station = frame["network"] + "." + frame["station"]
    fibre = "fibre " + frame["fibre"].fillna("").astype("str")
    return frame.assign(
        time_ns=nanoseconds(frame["time"]),
        label=station + "." + frame["location"] + "." + frame["instrument"],
        site=station.where(frame["source"] != "das", fibre),
    )


def _stations(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(site=frame["network"] + "." + frame["station"])
    columns = ["site", "latitude", "longitude", "elevation_m"]
    return frame.drop_duplicates("site").sort_values("site", ignore_index=True)[columns]


def _channels(paths: Sequence[Path]) -> pd.DataFrame:
    frame = tables.read_many(list(paths), FIBRE_CHANNELS)
    return frame.drop_duplicates(["fibre", "channel_index"], ignore_index=True)


def _manifest(paths: list[Path]) -> pd.DataFrame:
    frames = [tables.read(path, MANIFEST).assign(chunk=path.stem) for path in paths]
    frames = [frame for frame in frames if len(frame)]
    empty = tables.empty(MANIFEST).assign(chunk="")
    frame = pd.concat(frames, ignore_index=True) if frames else empty
    codes = {
        name: frame[name].fillna("").astype("str")
        for name in ("network", "station", "location", "channel")
    }
    known = codes["station"] != ""
    site = codes["network"] + "." + codes["station"]
    label = site + "." + codes["location"] + "." + codes["channel"].str[:2]
    fibre = codes["station"] == "*"
    name = "fibre " + codes["network"]
    label = label.where(known & (codes["channel"] != ""), "").where(~fibre, name)
    return frame.assign(site=site.where(known, "").where(~fibre, name), label=label)


def _span(manifests: list[Path], settings: dict[str, Any]) -> Span:
    """The run's span: the chunks tell it, else the settings."""
    spans = []
    for path in manifests:
        try:
            spans.append(Span.parse(path.stem))
        except ValueError:
            continue
    if spans:
        return Span(min(s.start_ns for s in spans), max(s.end_ns for s in spans))
    given = settings.get("time")
    ends = [_time(given.get(key)) for key in ("start", "end")] if isinstance(given, dict) else []
    known = [end for end in ends if end is not None]
    return Span(known[0], known[1]) if len(known) == 2 else Span(0, SECOND)


def _time(value: Any) -> int | None:
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return to_ns(parsed)
