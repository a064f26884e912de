"""Focal mechanisms of located events from the polarities of their P waves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.events.mechanisms.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.sites import Sites
    from quakeline.earth.velocity import Model
    from quakeline.events.mechanisms.hash_files import Reversals
    from quakeline.events.mechanisms.mechanisms import Found
    from quakeline.events.mechanisms.polarities import PolarityEvent

logger = logging.getLogger("quakeline")

_COLUMNS = [
    *("event_id", "network", "station", "location", "pick_id", "polarity", "probability"),
    *("weight", "log_ratio", "note", "note_codes"),
]


@dataclass(frozen=True)
class Read:
    """Polarities of events, and rows of POLARITIES that are unknown, each with its reason.

    `names` are those of the networks that told them, empty for a table, of which `left_out` says
    what was not used.
    """

    events: list[PolarityEvent]
    unknown: pd.DataFrame
    names: tuple[str, ...] = ()
    left_out: str = ""

    @property
    def told(self) -> int:
        """Polarities that are up or down."""
        return sum(int((event.polarities["polarity"] != 0).sum()) for event in self.events)

    @property
    def asked(self) -> int:
        """Arrivals that were looked at."""
        return sum(len(event.polarities) for event in self.events) + len(self.unknown)


def read_by_networks(
    settings: Settings,
    events: pd.DataFrame,
    pairs: pd.DataFrame,
    store_at: Callable[[int], Any | None],
    files: Sequence[Path],
    progress: Callable[[int, int], None] | None = None,
) -> Read:
    """Polarities that networks read around the located P arrivals of events (EVENTS).

    Parameters
    ----------
    settings
        The section; its files are not looked at.
    events, pairs
        EVENTS, and arrivals with the columns of their picks.
    store_at
        Gives the store of waveforms in which a time lies, in ns, or None.
    files
        Weights of the networks. Raises WeightsError where one is none.
    progress
        Is called with the arrivals done and those of all.
    """
    from quakeline.events.mechanisms import first_motions, ratios
    from quakeline.events.mechanisms.polarities import grouped_events
    from quakeline.models import polarity

    networks = [polarity.opened(path) for path in files]
    rules = first_motions.FirstMotionRules(settings.min_probability, settings.min_snr)
    made = first_motions.of_arrivals(pairs, store_at, networks, rules, progress)
    if settings.amplitude_ratios:
        known = ratios.of_arrivals(pairs, store_at).set_index("pick_id")["log_ratio"]
        made = made.assign(log_ratio=made["pick_id"].map(known).astype(float))
    useful = (made["polarity"] != 0) | made["log_ratio"].notna()
    names = tuple(network.card.name for network in networks)
    return Read(grouped_events(made.loc[useful, _COLUMNS], events), made[~useful], names)


def read_of_table(path: Path, events: pd.DataFrame) -> Read:
    """Polarities of a CSV table, of the events (EVENTS) that are there.

    Raises DataError where it cannot be read.
    """
    from quakeline.core.schemas import POLARITIES
    from quakeline.events.mechanisms.polarities import of_catalog
    from quakeline.io.products import tables

    matched = of_catalog(path, events)
    left_out = (
        f"left out {matched.undecided} undecided polarities, {matched.strange} of events that are"
        " not in the catalog"
    )
    some = matched.undecided or matched.strange
    return Read(matched.events, tables.empty(POLARITIES), left_out=left_out if some else "")


def with_all(found: Read, events: pd.DataFrame) -> list[PolarityEvent]:
    """All events of EVENTS in order, also those without a polarity."""
    from quakeline.events.mechanisms.polarities import event_of

    known = {event.event_id: event for event in found.events}
    none = found.unknown[["network", "station", "location", "pick_id"]].head(0)
    empty = none.assign(polarity=0, probability=0.0, weight=0.0).head(0)
    return [
        known.get(str(row["event_id"])) or event_of(str(row["event_id"]), row, empty)
        for _, row in events.iterrows()
    ]


def reversals_of(path: Path | None) -> Reversals:
    """Stations of reversed polarity, of a file of HASH or SKHASH; none without one."""
    from quakeline.events.mechanisms import hash_files, skhash_files

    if path is None:
        return hash_files.Reversals({})
    csv = skhash_files.is_one(path, "start_time")
    return skhash_files.reversals(path) if csv else hash_files.reversals(path)


def mechanisms_of(
    settings: Settings,
    events: pd.DataFrame,
    polarities: Read,
    sites: Sites,
    model: Model,
    reversals: Reversals,
) -> Found:
    """A row of MECHANISMS for each event of EVENTS, and all polarities, unknown ones too.

    Polarities of a composite stand under the event in whose row its mechanism is.
    """
    from quakeline.core.schemas import MECHANISMS
    from quakeline.events.mechanisms.composites import clusters, with_members
    from quakeline.events.mechanisms.launching import InNetwork
    from quakeline.events.mechanisms.mechanisms import Found, of_events
    from quakeline.io.products import tables

    every = with_all(polarities, events)
    if not every:
        return Found(tables.empty(MECHANISMS), polarities.unknown)
    groups = clusters(every, settings.composite_km, settings.min_polarities)
    launch = InNetwork.of(sites, model, events)
    found = of_events(groups, launch, reversals, settings.rules())
    mechanisms = with_members(found.mechanisms, groups)
    return Found(mechanisms, joined(found.polarities, polarities.unknown))


def joined(used: pd.DataFrame, unknown: pd.DataFrame) -> pd.DataFrame:
    """Polarities that count and those that are unknown, by event."""
    import pandas as pd

    if unknown.empty:
        return used
    if used.empty:
        return unknown
    both = pd.concat([used, unknown], ignore_index=True)
    return both.sort_values("event_id", kind="stable", ignore_index=True)


def told(mechanisms: pd.DataFrame) -> str:
    """How many mechanisms of which quality, in a few words."""
    given = mechanisms[mechanisms["strike_1_deg"].notna()]
    counts = given["quality_class"].value_counts()
    listed = ", ".join(f"{counts.get(letter, 0)} {letter}" for letter in "ABCD")
    rest = len(mechanisms) - len(given)
    together = given["composite_of"].dropna().astype(str).str.split()
    members = sum(len(ids) for ids in together)
    own = f"{len(given)} mechanisms ({listed})"
    if len(together):
        own += f", {len(together)} of them of {members} small events together"
        rest -= int(_in(mechanisms, together))
    return f"{own}, {rest} events without one"


def _in(mechanisms: pd.DataFrame, together: pd.Series) -> int:
    """Rows of events without a mechanism of their own that are part of one."""
    ids = {name for names in together for name in names}
    without = mechanisms[mechanisms["strike_1_deg"].isna()]
    return int(without["event_id"].astype(str).isin(ids).sum())


def doubted(mechanisms: pd.DataFrame, polarities: pd.DataFrame) -> list[str]:
    """A line for each station whose polarities disagree with most mechanisms."""
    from quakeline.events.mechanisms.reversed_stations import suspects

    return [
        f"{row.network}.{row.station}".removeprefix(".")
        + f": {row.disagree} of {row.n} polarities disagree"
        for row in suspects(mechanisms, polarities).itertuples()
    ]
