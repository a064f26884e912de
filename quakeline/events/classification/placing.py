"""Where the windows of a network of events lie around a P: as in its training, or nowhere."""

from __future__ import annotations

from quakeline.models.cards import Card

#: Resampling needs so many seconds beyond a window.
PAD_S = 2.0
#: Places of the onset that are tried, as shares of the range of the card.
_PLACES = (1 / 6, 1 / 2, 5 / 6)
#: A component of a window may lack so much of its samples.
_LEAST_SHARE = 0.95


def leads_s(card: Card) -> tuple[float, ...]:
    """Seconds from the beginning of a window to P: three places in the range of the card."""
    first, last = card.onset_s or (0.0, 0.0)
    return tuple(sorted({first + share * (last - first) for share in _PLACES}))


def usable(shares: tuple[float, ...]) -> bool:
    """Whether a window may be judged of whose components these shares of samples are there."""
    return min(shares) >= _LEAST_SHARE
