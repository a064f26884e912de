"""Archives in S3-like object stores: SCEDC, NCEDC, EarthScope, and any other by a template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import Span, to_ns
from quakeline.io.formats.codes import normal
from quakeline.waveforms.sources import store
from quakeline.waveforms.sources.layouts import FIELDS, LAYOUTS, Layout, unknown_fields
from quakeline.waveforms.sources.ledger import slot
from quakeline.waveforms.sources.remote import Answer, RemoteSource, Wanted
from quakeline.waveforms.sources.web import Refused, Web


class Objects(RemoteSource):
    """Archives in S3-like object stores; what comes is kept in an SDS archive."""

    EXTRA = "cloud"

    kind: Literal["s3"] = Field("s3", description="S3-like object store")
    layout: Literal["scedc", "ncedc", "earthscope", "template"] = Field(
        description="how the objects are named: as in the public archives of SCEDC, NCEDC or"
        " EarthScope, or as `template` says"
    )
    bucket: str | None = Field(
        None, description="bucket, or access point; null: the public one of the layout"
    )
    template: str | None = Field(
        None,
        description="key of an object, with the fields"
        f" {', '.join(f'{{{name}}}' for name in FIELDS)}; {{sta:_<5}} is filled up with _ to 5"
        " letters",
    )
    endpoint_url: str | None = Field(None, description="address of the server; null: AWS")
    region: str | None = Field(None, description="region; null: that of the layout")
    anonymous: bool = Field(
        True,
        description="whether requests are unsigned; else credentials come from the environment"
        " (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE)",
    )

    @model_validator(mode="after")
    def _check_template(self) -> Objects:
        if (self.layout == "template") != (self.template is not None):
            raise ValueError("template is given with layout: template, and only then")
        if self.template is not None:
            if not self.bucket:
                raise ValueError("layout: template needs a bucket")
            unknown = unknown_fields(self.template)
            if unknown:
                fields = ", ".join(f"{{{name}}}" for name in FIELDS)
                raise ValueError(f"template: {', '.join(unknown)} given; allowed: {fields}")
        return self

    def check(self) -> None:
        """Raise ConfigError where credentials are asked for and there are none."""
        if self.anonymous:
            return
        from botocore.session import Session

        if Session().get_credentials() is None:
            raise ConfigError(
                "fetch.source.anonymous: false given, but there are no credentials: neither the"
                " environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor a profile"
                " (AWS_PROFILE)"
            )

    def place(self) -> Any:
        """The store."""
        where = self._where()
        return [where.bucket, where.template, self.endpoint_url]

    def asker(self, folder: Path, stations: list[Wanted], span: Span) -> _Asker:
        """Open the store. Raises DataError where the bucket does not exist or does not answer."""
        self.check()
        import s3fs

        where = self._where()
        files = s3fs.S3FileSystem(
            anon=self.anonymous,
            endpoint_url=self.endpoint_url,
            client_kwargs={"region_name": where.region},
            config_kwargs={
                "connect_timeout": min(self.timeout_s, 30.0),
                "read_timeout": self.timeout_s,
                "retries": {"total_max_attempts": self.attempts, "mode": "standard"},
            },
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        return _Asker(files, where, Web(folder, self), folder, self)

    def _where(self) -> Layout:
        known = LAYOUTS.get(self.layout)
        return Layout(
            bucket=self.bucket or (known.bucket if known else ""),
            template=self.template or (known.template if known else ""),
            region=self.region or (known.region if known else "us-east-1"),
        )


@dataclass
class _Asker:
    files: Any
    where: Layout
    web: Web
    folder: Path
    source: Objects

    def windows(self, missing: Span) -> list[Span]:
        """Whole days: objects hold no less."""
        return [Span(to_ns(day), to_ns(day + timedelta(days=1))) for day in store.days_of(missing)]

    def ask(self, station: Wanted, window: Span) -> Answer:
        """Get the objects of a station and day."""
        day = store.days_of(window)[0]
        try:
            keys = self._keys(station, day)
            if not keys:
                return Answer("no data", notes=(Reason.of(Code.STORE_EMPTY),))
            answers = [self._object(key, size) for key, size in keys]
        except Refused as error:
            return Answer("failed", notes=(Reason.of(Code.REQUEST_FAILED, why=str(error)),))
        records = tuple(dict.fromkeys(r for found, _ in answers for r in found if station.wants(r)))
        damage = tuple(dict.fromkeys(why for _, why in answers if why))
        if damage:
            return Answer("failed", records, damage)
        absent = [".".join(pair) for pair in station.choice if not _has(records, pair)]
        if not records:
            return Answer("no data", notes=(Reason.of(Code.OBJECTS_EMPTY),))
        if station.expected and absent:
            lacks = Reason.of(Code.STORE_LACKS, channels=", ".join(absent))
            return Answer("data", records, (lacks,))
        return Answer("data", records)

    def _keys(self, station: Wanted, day: datetime) -> list[tuple[str, int]]:
        """Keys and sizes of the objects of a day: of each channel the last version."""
        codes = (station.network, station.station, day)
        prefix, pattern = self.where.prefix(*codes), self.where.pattern(*codes)
        folder, _, begin = prefix.rpartition("/")
        place = "/".join(filter(None, (self.where.bucket, folder)))
        found = self._tried(lambda: self.files.find(place, prefix=begin, detail=True))
        last: dict[tuple[str, ...], tuple[int, str, int]] = {}
        for path, info in found.items():
            match = pattern.fullmatch(path.removeprefix(f"{self.where.bucket}/"))
            if match and _wanted(match.groupdict(), station):
                parts = match.groupdict()
                channel = (parts.get("loc") or "", parts.get("cha") or "")
                version = int(parts.get("version") or 0)
                last[channel] = max(last.get(channel, (-1, "", 0)), (version, path, info["size"]))
        return sorted((path, size) for _, path, size in last.values())

    def _object(self, path: str, size: int) -> tuple[list[store.Record], Reason | None]:
        """The records of an object, and what is wrong with it."""
        content = b""
        for attempt in range(self.source.attempts):
            if attempt:
                self.web.pause(attempt, None, f"{path}: {len(content)} of {size} bytes came")
            content = self._tried(lambda: self.files.cat_file(path))
            if len(content) == size:
                break
        records, damage = store.split(content)
        return records, Reason.of(Code.OBJECT_DAMAGED, path=path, why=damage) if damage else None

    def _tried(self, work: Any) -> Any:
        """Do one thing with the store; s3fs and botocore try again themselves."""
        from botocore.exceptions import (
            BotoCoreError,
            EndpointConnectionError,
            NoCredentialsError,
        )

        host = self.source.endpoint_url or "s3"
        try:
            with slot(self.folder, _file_name(host), self.source.connections):
                return work()
        except FileNotFoundError as error:
            if self.files.exists(self.where.bucket):
                raise Refused(f"not found: {_line(error)}") from None
            raise DataError(f"fetch.source.bucket: {self.where.bucket!r} does not exist") from error
        except PermissionError as error:
            raise Refused(f"{self.where.bucket}: access denied ({_line(error)})") from None
        except NoCredentialsError:
            raise ConfigError(
                "the object store asks for credentials: set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY"
            ) from None
        except EndpointConnectionError:
            raise Refused(f"no answer from {host}") from None
        except (BotoCoreError, OSError) as error:
            raise Refused(f"{self.where.bucket}: {_line(error)}") from None


def _wanted(parts: dict[str, str | None], station: Wanted) -> bool:
    """Whether an object may hold channels that are asked for; _ fills up a location code."""
    location, channel = parts.get("loc"), parts.get("cha")
    return any(
        (location is None or fnmatchcase(normal(location.rstrip("_")), x))
        and (channel is None or fnmatchcase(normal(channel), y))
        for x, y in station.choice
    )


def _has(records: tuple[store.Record, ...], pair: tuple[str, str]) -> bool:
    return any(
        fnmatchcase(r.location, pair[0]) and fnmatchcase(r.channel, pair[1]) for r in records
    )


def _file_name(host: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in host)


def _line(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
