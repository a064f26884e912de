"""The stations of a run as sites: one position per station, location code and epoch."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy

from quakeline.core.errors import DataError
from quakeline.core.geometry import LocalFrame
from quakeline.core.timeline import SECOND
from quakeline.io.formats.epochs import ALWAYS_NS, NEVER_NS, holding

KEYS = ["network", "station", "location"]
#: Places of a channel that differ by less are the same: about a metre.
_SAME_PLACE_DEG = 1e-5
_PLACE = ["latitude", "longitude", "depth_km"]
#: Instruments are at one place up to so many km apart: of one station, of two networks, and others.
_ONE_STATION_KM, _TWO_NETWORKS_KM, _ANY_KM = 1.0, 0.01, 0.001
#: Stations without picks count up to this share of the width of the network of those with picks.
_AROUND = 1 / 3
#: Picks of one phase and instrument no farther apart are of one onset.
_ONE_ONSET_NS = SECOND // 10


@dataclass(frozen=True)
class Sites:
    """Positions of stations: `table` has network, station, location, degrees and depth in km.

    `depth_km` is the depth of the sensor below sea level, negative for one above it. A station
    that was moved has a row for each position. `epochs` are the rows' times: number of the row
    (`site`), and `start_ns`, `end_ns`, [start, end).
    """

    table: pd.DataFrame
    epochs: pd.DataFrame = field(repr=False)

    @classmethod
    def of(cls, stations: pd.DataFrame, channels: pd.DataFrame | None = None) -> Sites:
        """Sites of a STATIONS table; a station's first row serves locations it does not list.

        Channels of fibres (FIBRE_CHANNELS) with coordinates are sites too: the fibre is the
        network, the channel's number the station. Raises DataError where a channel is at several
        places.
        """
        rows = stations.reset_index(drop=True)
        if channels is not None and len(channels):
            rows = pd.concat([rows, _of_channels(channels)], ignore_index=True)
        rows["depth_km"] = (rows["depth_m"] - rows["elevation_m"]) / 1000
        table = rows[[*KEYS, *_PLACE]].drop_duplicates(ignore_index=True)
        number = {place: n for n, place in enumerate(table.itertuples(index=False, name=None))}
        places = rows[[*KEYS, *_PLACE]].itertuples(index=False, name=None)
        epochs = pd.DataFrame(
            {
                "site": [number[place] for place in places],
                "start_ns": _nanoseconds(rows, "start", NEVER_NS),
                "end_ns": _nanoseconds(rows, "end", ALWAYS_NS),
            }
        )
        return cls(table, epochs.drop_duplicates(ignore_index=True))

    @cached_property
    def frame(self) -> LocalFrame:
        """Local coordinates around the middle of the network."""
        return LocalFrame.around(
            self.table["latitude"].to_numpy(), self.table["longitude"].to_numpy()
        )

    @cached_property
    def local(self) -> pd.DataFrame:
        """The table with local x and y in km."""
        x, y = self.frame.to_xy(
            self.table["latitude"].to_numpy(), self.table["longitude"].to_numpy()
        )
        return self.table.assign(x=x, y=y)

    def with_picks(self, picks: pd.DataFrame) -> Sites:
        """Those of stations that have picks and of those around; all where no station has any.

        A table of stations is often that of a whole region, of which a few have data. One without
        picks tells that an event was not seen where it is no farther from a station with picks
        than a third of the width of their network, and nothing beyond.
        """
        codes = ["network", "station"]
        known = pd.MultiIndex.from_frame(picks[codes].drop_duplicates())
        used = np.asarray(pd.MultiIndex.from_frame(self.table[codes]).isin(known))
        if used.all() or not used.any():
            return self
        xy = self.local[["x", "y"]].to_numpy()
        away, _ = scipy.spatial.cKDTree(xy[used]).query(xy)
        rows = np.flatnonzero(away <= _AROUND * np.hypot(*np.ptp(xy[used], axis=0)))
        if len(rows) == len(used):
            return self
        number = pd.Series(np.arange(len(rows)), index=rows)
        epochs = self.epochs[self.epochs["site"].isin(rows)]
        return Sites(
            self.table.iloc[rows].reset_index(drop=True),
            epochs.assign(site=epochs["site"].map(number)).reset_index(drop=True),
        )

    @property
    def heights(self) -> pd.DataFrame:
        """`elevation_m` of all sensors above sea level."""
        return pd.DataFrame({"elevation_m": np.round(-1000 * self.table["depth_km"], 6)})

    @cached_property
    def place(self) -> np.ndarray:
        """The place of each row, as the number of the first row there.

        Instruments of one station are at one place, whatever their location codes and depths, as
        are those of any codes whose coordinates say so: they record one arrival, not two.
        """
        local = self.local
        xy = local[["x", "y"]].to_numpy()
        network = local["network"].to_numpy()
        near = scipy.spatial.cKDTree(xy).query_pairs(_TWO_NETWORKS_KM, output_type="ndarray")
        km = np.hypot(*(xy[near[:, 0]] - xy[near[:, 1]]).T)
        same = (km <= _ANY_KM) | (network[near[:, 0]] != network[near[:, 1]])
        pairs = [tuple(pair) for pair in near[same].tolist()]
        for rows in local.groupby(["network", "station"]).indices.values():
            away = np.hypot(*(xy[rows] - xy[rows[0]]).T)
            pairs += [(rows[0], row) for row in rows[1:][away[1:] <= _ONE_STATION_KM]]
        place = np.arange(len(local))
        for first, second in sorted(pairs):
            if place[second] == second:
                place[second] = place[first]
        return place

    def find(self, picks: pd.DataFrame) -> np.ndarray:
        """Row number of the site of each pick at its time; -1 for a station without coordinates.

        A location that the station does not list is served by the station's first one, a time
        outside all epochs by the nearest epoch, one in several by the newest (see `io.epochs`).
        """
        exact: dict[tuple[str, ...], list[int]] = {}
        first: dict[tuple[str, ...], list[int]] = {}
        for n, key in enumerate(zip(*(self.table[k] for k in KEYS), strict=True)):
            exact.setdefault(key, []).append(n)
            first.setdefault(key[:2], exact[key])
        times = picks["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
        result = np.full(len(picks), -1)
        groups: Any = picks.groupby(KEYS, sort=False, dropna=False).indices
        for key, rows in groups.items():
            sites = exact.get(key, first.get(key[:2], []))
            if sites:
                result[rows] = self._at(sites, times[rows])
        return result

    def _at(self, sites: list[int], times: np.ndarray) -> np.ndarray:
        """Those of a few sites that hold at each of the times."""
        if len(sites) == 1:
            return np.full(len(times), sites[0])
        own = self.epochs[self.epochs["site"].isin(sites)]
        number = holding(own["start_ns"].to_numpy(), own["end_ns"].to_numpy(), times)
        return np.asarray(own["site"].to_numpy()[number])


def strongest(picks: pd.DataFrame, within_s: float) -> pd.DataFrame:
    """PICKS without repeats: an onset that is picked several times at a station counts once.

    Of picks of one phase at one station, whatever their locations and instruments, the most
    probable stays. Those of other instruments within `within_s` seconds of it go, and those of its
    own within 0.1 s: no picker sets two so close, but tables that were joined have both.
    """
    names = ["network", "station", "phase", "probability", "pick_id"]
    order = (
        picks[names]
        .assign(
            _ns=picks["time"].astype("int64"), _own=picks["location"] + "." + picks["instrument"]
        )
        .sort_values(["probability", "pick_id"], ascending=[False, True])
    )
    repeated: list[object] = []
    for _, group in order.groupby(["network", "station", "phase"]):
        if group["_own"].nunique() > 1 or _least_apart(group) <= _ONE_ONSET_NS:
            repeated += _repeats(group, round(within_s * SECOND))
    return picks.drop(index=repeated) if repeated else picks


def _least_apart(picks: pd.DataFrame) -> float:
    """The shortest time between two of some picks, in ns."""
    times = np.sort(picks["_ns"].to_numpy())
    return float(np.diff(times).min(initial=ALWAYS_NS))


def _repeats(picks: pd.DataFrame, within_ns: int) -> list[object]:
    """Labels of rows, in order of preference, that tell of the same onset as a preferred one."""
    reach = max(within_ns, _ONE_ONSET_NS)
    kept: list[tuple[int, str]] = []
    repeats = []
    for label, time, own in zip(picks.index, picks["_ns"], picks["_own"], strict=True):
        low = bisect_left(kept, (time - reach, ""))
        high = bisect_left(kept, (time + reach + 1, ""))
        if any(
            abs(at - time) <= (_ONE_ONSET_NS if other == own else within_ns)
            for at, other in kept[low:high]
        ):
            repeats.append(label)
        else:
            insort(kept, (time, own))
    return repeats


def _nanoseconds(rows: pd.DataFrame, name: str, absent: int) -> np.ndarray:
    if name not in rows:
        return np.full(len(rows), absent)
    times = rows[name].astype("datetime64[ns, UTC]")
    return np.asarray(times.astype("int64").where(times.notna(), absent), dtype=np.int64)


def _of_channels(channels: pd.DataFrame) -> pd.DataFrame:
    """Channels of fibres with coordinates as rows of STATIONS; chunks repeat them."""
    known = channels[channels["used"]].dropna(subset=["latitude", "longitude", "elevation_m"])
    keys = ["fibre", "channel_index"]
    spread = known.groupby(keys)[["latitude", "longitude"]].agg(np.ptp)
    moved = spread.index[(spread > _SAME_PLACE_DEG).any(axis=1)]
    if len(moved):
        fibre, channel = moved[0]
        raise DataError(
            f"fibre {fibre}, channel {channel}: its place differs between chunks"
            f" ({len(moved)} channels); give the parts of the recording as fibres of their own"
        )
    first = known.drop_duplicates(keys)
    return pd.DataFrame(
        {
            "network": first["fibre"].to_numpy(),
            "station": [f"{n:05d}" for n in first["channel_index"]],
            "location": "",
            "latitude": first["latitude"].to_numpy(),
            "longitude": first["longitude"].to_numpy(),
            "elevation_m": first["elevation_m"].to_numpy(),
            "depth_m": 0.0,
        }
    )
