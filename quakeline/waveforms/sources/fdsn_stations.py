"""Station metadata from FDSN web services (fdsnws-station): StationXML with responses."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pydantic import Field, model_validator

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, iso
from quakeline.io.formats.codes import Code
from quakeline.waveforms.sources.fdsn_access import Providers
from quakeline.waveforms.sources.web import Refused, Web

if TYPE_CHECKING:
    from obspy import Inventory

logger = logging.getLogger("quakeline")


class FdsnStations(Providers):
    """Stations of a region or of networks, as data centres describe them."""

    networks: list[Code] = Field(
        default_factory=lambda: ["*"], min_length=1, description="network codes, with * and ?"
    )
    stations: list[Code] = Field(
        default_factory=lambda: ["*"], min_length=1, description="station codes, with * and ?"
    )
    channels: list[Code] = Field(
        default_factory=lambda: ["HH?", "EH?", "BH?", "SH?", "HN?"],
        min_length=1,
        description="channel codes, with * and ?",
    )
    locations: list[Code] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="location codes, with * and ?; an empty text is the empty code",
    )
    latitude: tuple[float, float] | None = Field(
        None, description="smallest and largest latitude in degrees"
    )
    longitude: tuple[float, float] | None = Field(
        None, description="smallest and largest longitude in degrees"
    )

    @model_validator(mode="after")
    def _check_region(self) -> FdsnStations:
        for name, pair in (("latitude", self.latitude), ("longitude", self.longitude)):
            if pair and pair[0] >= pair[1]:
                raise ValueError(f"{name}: {list(pair)} given; the smallest value comes first")
        everywhere = self.latitude is None or self.longitude is None
        if everywhere and self.networks == ["*"] and self.stations == ["*"]:
            raise ValueError("give networks, stations, or latitude and longitude")
        return self

    def inventory(self, span: Span, folder: Path) -> Inventory:
        """Fetch the stations that exist in a span, each from the first data centre that has it.

        Parameters
        ----------
        span
            The run; epochs of channels outside it are left out.
        folder
            The archive; requests to a host are counted for all jobs that share it.

        Raises
        ------
        DataError
            A data centre does not answer, or what it answers is no StationXML.
        """
        from obspy import Inventory

        from quakeline.io.formats.inventory import with_normal_codes

        web = Web(folder, self)
        found: dict[str, str] = {}
        for root, _ in self.roots(web, "station", self._lines(span)):
            for code in self._listed(web, root, span):
                found.setdefault(code, root)
        logger.info("stations: %d found by FDSN web services", len(found))

        def described(code: str) -> Inventory:
            return self._described(web, code, found[code], span)

        with ThreadPoolExecutor(self.connections) as pool:
            parts = list(pool.map(described, sorted(found)))
        merged = Inventory()
        for part in parts:
            merged += part
        return with_normal_codes(merged)

    def _lines(self, span: Span) -> list[str]:
        start, end = _times(span)
        return [
            f"{network} {station} {location or '--'} {channel} {start} {end}"
            for network in self.networks
            for station in self.stations
            for location in self.locations
            for channel in self.channels
        ]

    def _listed(self, web: Web, root: str, span: Span) -> list[str]:
        """Codes (NET.STA) of the stations that a data centre has."""
        query = self._query(span) | {"level": "station", "format": "text"}
        query |= {"net": ",".join(self.networks), "sta": ",".join(self.stations)}
        for name, pair in (("lat", self.latitude), ("lon", self.longitude)):
            if pair:
                query |= {f"min{name}": f"{pair[0]:g}", f"max{name}": f"{pair[1]:g}"}
        text = self._asked(web, root, query).decode("utf-8", errors="replace")
        rows = [line.split("|") for line in text.splitlines() if line and line[0] != "#"]
        return list(dict.fromkeys(f"{row[0].strip()}.{row[1].strip()}" for row in rows if row[1:]))

    def _described(self, web: Web, code: str, root: str, span: Span) -> Inventory:
        """The StationXML of a station; one that breaks off is asked for again."""
        from obspy import Inventory, read_inventory

        network, _, station = code.partition(".")
        query = self._query(span) | {"net": network, "sta": station}
        query |= {"level": "response", "format": "xml"}
        reason = ""
        for attempt in range(self.attempts):
            if attempt:
                web.pause(attempt, None, f"{code}: {reason}")
            content = self._asked(web, root, query)
            if not content:
                return Inventory()
            try:
                return read_inventory(BytesIO(content), format="STATIONXML")
            except Exception as error:  # obspy and lxml raise many kinds for broken XML
                reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"stations.fdsn: {root} gives no StationXML of {code}: {reason}")

    def _query(self, span: Span) -> dict[str, str]:
        start, end = _times(span)
        return {
            "loc": ",".join(location or "--" for location in self.locations),
            "cha": ",".join(self.channels),
            "starttime": start,
            "endtime": end,
        }

    def _asked(self, web: Web, root: str, query: dict[str, str]) -> bytes:
        try:
            reply = web.ask(f"{root}/station/1/query?{urlencode(query, safe=',*?')}")
        except Refused as error:
            raise DataError(f"stations.fdsn: {error}") from None
        return reply.content


def _times(span: Span) -> tuple[str, str]:
    start, end = (iso(t, digits=0).removesuffix("Z") for t in (span.start_ns, span.end_ns))
    return start, end
