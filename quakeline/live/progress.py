"""How far the instruments of a session are, and what an earlier session leaves to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quakeline.core.timeline import first_sample, sample_time
from quakeline.live.instrument import Instrument


class Progress:
    """Of `instruments`, by NET.STA.LOC.BI, which come and go, and of those that were ended.

    `silent_until` are samples before which picks were given by an earlier session.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], rate_hz: float, silent_until: dict[str, int]
    ) -> None:
        self._instruments, self._rate_hz = instruments, rate_hz
        self.silent_until = silent_until
        #: Of instruments that were ended, the sample before which all picks were given.
        self.closed: dict[str, int] = {}
        self._channels: dict[str, list[Any]] = {}

    def instruments(self) -> list[Instrument]:
        """Those in work whose channels become components, in order of their names."""
        return [one for _, one in sorted(self._instruments.items()) if one.preparing.used]

    def ends(self) -> dict[str, int]:
        """Where the last sample of instruments in work ends (ns)."""
        return {one.label: one.end_ns for one in self.instruments()}

    def done(self) -> dict[str, int]:
        """The sample before which all picks of those in work were given."""
        return {
            one.label: max(one.done, self.silent_until.get(one.label, 0))
            for one in self.instruments()
        }

    def all_done(self) -> dict[str, int]:
        """The same of all instruments, whenever they were in work."""
        return {**self.silent_until, **self.closed, **self.done()}

    def needed(self) -> dict[str, int]:
        """As `done`, but that what is around these picks was measured as well."""
        found = self.done()
        for one in self.instruments():
            if one.waits is not None:
                found[one.label] = min(found[one.label], one.waits)
        return found

    def known_ns(self) -> int | None:
        """The time before which all picks were given; None: there is no instrument in work (ns)."""
        times = [
            sample_time(one.done, self._rate_hz) if one.done else one.begin_ns
            for one in self.instruments()
        ]
        return min(times, default=None)

    def channels(self) -> dict[str, list[Any]]:
        """Smallest and largest sample by NET.STA.LOC.CHA, and whether all are whole numbers."""
        found = dict(self._channels)
        for one in self._instruments.values():
            found |= one.preparing.memory()
        return found

    def remember(self, channels: Mapping[str, list[Any]]) -> None:
        """Know of channels what an earlier session knew."""
        self._channels = dict(channels)

    def recall(self, channel: str) -> list[Any] | None:
        """What was known of a channel that comes again; it is told once."""
        return self._channels.pop(channel, None)

    def close(self, one: Instrument) -> None:
        """Note an instrument that is ended.

        Windows were computed beyond its last sample, where more may come.
        """
        self.closed[one.label] = min(one.done, first_sample(one.end_ns, self._rate_hz))
        self._channels |= one.preparing.memory()
