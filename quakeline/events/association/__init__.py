"""Association: which picks belong together, with the settings that fit a network."""

from quakeline.events.association.associate import associate
from quakeline.events.association.given import given_picks
from quakeline.events.association.ids import kept_of_all, with_ledger
from quakeline.events.association.rules import Search
from quakeline.events.association.suggest import depth_range, interevent_s, suggested

__all__ = [
    "Search",
    "associate",
    "depth_range",
    "given_picks",
    "interevent_s",
    "kept_of_all",
    "suggested",
    "with_ledger",
]
