"""A catalog of events as QuakeML 1.2 and as CSV.

The QuakeML holds each event with one origin, its arrivals and the picks that they use; picks that
belong to no event are left out and stay in the table of picks. Absent values are left out. Resource
identifiers follow from the ids of the tables and no time of creation is written, so that the same
catalog always gives the same bytes.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import obspy.core.event as qml
import pandas as pd
from lxml import etree

from quakeline import __version__
from quakeline.core.errors import DataError
from quakeline.core.schemas import EVENTS
from quakeline.core.timeline import iso
from quakeline.io.formats import quakeml_values as values
from quakeline.io.formats.channel_codes import Codes, Row, channel_of, codes_of, components_of, rows
from quakeline.io.formats.ellipsoids import origin_uncertainty
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.formats.pick_tables import MANUAL
from quakeline.io.formats.used_errors import used_error_s
from quakeline.io.products import provenance
from quakeline.io.products.atomic import replacing

logger = logging.getLogger("quakeline")

T = TypeVar("T")

#: Kilometres per degree of arc on a sphere of 6371 km, as in obspy.geodetics.
KM_PER_DEGREE = math.pi * 6371.0 / 180.0
#: Longest network, station, location and channel code of the QuakeML schema.
_CODE_LENGTH = 8
#: Events that are built and written at once.
_PORTION = 50
#: Authority of the identifiers of catalogs that no agency has signed.
LOCAL = "local/quakeline"
#: Authorities that QuakeML allows, of three characters at least.
_AUTHORITY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~-]{2,}")
_NOT_IN_URI = re.compile(rb"[^A-Za-z0-9._-]")
_PICK_NOTES = (
    "probability",
    "model",
    "weights_id",
    "fit_offset_s",
    "fit_height",
    "fit_residual",
    "snr_db",
    "amplitude_m_s",
    "wood_anderson_mm",
    "gap_distance_s",
    "fibre",
    "channel_index",
    "distance_m",
    "event_class",
    "event_class_probability",
)
#: How obspy ends every QuakeML document.
_TAIL = b"  </eventParameters>\n</q:quakeml>\n"
_EVENT_NOTES = (
    "associator",
    "locator",
    "quality",
    "magnitude_note",
    "mw_note",
    "event_class",
    "event_class_probability",
)
#: Classes that QuakeML calls otherwise.
_EVENT_TYPES = {"blast": "explosion", "noise": "not existing"}


@dataclass(frozen=True)
class Labels:
    """Who made the catalog and with which earth model, as QuakeML names them.

    `author` None is "quakeline" and its version; `earth_model` None leaves it out; `pickers` says
    from which others the weights of networks were trained. `version` and `status` are those of
    events that change: the version of the creation info, and the evaluation status of origins.
    """

    agency_id: str = "quakeline"
    author: str | None = None
    earth_model: str | None = None
    pickers: tuple[str, ...] = ()
    version: str | None = None
    status: Literal["preliminary", "final", "rejected"] | None = None

    @property
    def authority(self) -> str:
        """Authority of resource identifiers: the agency, where QuakeML allows its name as one."""
        if self.agency_id == "quakeline":
            return LOCAL
        name = _escaped(self.agency_id)
        return name if _AUTHORITY.fullmatch(name) else f"local/{name}"

    def uri(self, kind: str, *parts: str) -> str:
        """Resource identifier that this agency gives; see `uri`."""
        return uri(kind, *parts, authority=self.authority)

    @cached_property
    def creation_info(self) -> qml.CreationInfo:
        """The labels as QuakeML's creation info, one for all, without a time (see the module)."""
        author = self.author or f"quakeline {__version__}"
        return qml.CreationInfo(
            agency_id=values.text(self.agency_id), author=values.text(author), version=self.version
        )


def uri(kind: str, *parts: str, authority: str = LOCAL) -> str:
    """Resource identifier of the kind and ids given, e.g. smi:local/quakeline/event/EVENT_ID.

    Every character that QuakeML may not hold there becomes ~ and two hexadecimal digits for each
    of its UTF-8 bytes, so that different ids stay different.
    """
    return "/".join((f"smi:{authority}/{kind}", *(_escaped(part) for part in parts)))


def _escaped(part: str) -> str:
    return _NOT_IN_URI.sub(
        lambda match: b"~" + match[0].hex().upper().encode(), part.encode()
    ).decode()


def to_catalog(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    stations: pd.DataFrame | None = None,
    labels: Labels | None = None,
    focal: Focal | None = None,
) -> qml.Catalog:
    """Build an obspy catalog from the tables EVENTS, ARRIVALS and PICKS.

    A pick names one channel although a network sees all components: the vertical for P and the
    first horizontal (N, 1, E, 2) for S, among the channels that `stations` lists for the
    instrument. Where it lists none, P takes "Z" and S the two letters of the instrument alone.
    Codes longer than 8 characters, the limit of QuakeML, are cut; the comment of the pick has them
    whole. Uncertainties are one standard deviation, those of picks the ones that the location used
    (see `used_errors`); times are rounded to microseconds.

    Parameters
    ----------
    events, arrivals, picks
        Tables with the columns of EVENTS, ARRIVALS and PICKS.
    stations
        Table with the columns of STATIONS; None where no channels are known.
    labels
        Agency, author and earth model; None for the defaults.
    focal
        Mechanisms of the events and polarities of their picks, where there are any.

    Raises
    ------
    DataError
        A pick_id is not unique, or an arrival belongs to a pick that is not in the table.
    """
    labels = labels or Labels()
    return _catalog(list(each(events, arrivals, picks, stations, labels, focal)), labels)


def write_quakeml(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    path: Path,
    stations: pd.DataFrame | None = None,
    labels: Labels | None = None,
    focal: Focal | None = None,
) -> None:
    """Write the catalog of `to_catalog` as QuakeML 1.2, whole or not at all.

    Events are built, checked against the schema and written a few at a time: a catalog needs some
    200 kB of memory per event, too much for all events of a long run at once.

    Raises
    ------
    DataError
        As `to_catalog`.
    ValueError
        The schema forbids an event.
    """
    labels = labels or Labels()
    schema = etree.RelaxNG(file=str(files("obspy.io.quakeml") / "data" / "QuakeML-1.2.rng"))
    head = _serialised([], labels, schema).removesuffix(_TAIL)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(head)
        for some in _portions(each(events, arrivals, picks, stations, labels, focal)):
            file.write(_serialised(some, labels, schema).removeprefix(head).removesuffix(_TAIL))
        file.write(_TAIL)


def _serialised(events: list[qml.Event], labels: Labels, schema: etree.RelaxNG) -> bytes:
    buffer = BytesIO()
    _catalog(events, labels).write(buffer, format="QUAKEML")
    if not schema.validate(etree.fromstring(buffer.getvalue())):
        for event in events if len(events) > 1 else []:
            _serialised([event], labels, schema)
        names = ", ".join(str(event.resource_id) for event in events)
        raise ValueError(f"not valid QuakeML: {names}: {schema.error_log.last_error}")
    return buffer.getvalue()


def _catalog(events: list[qml.Event], labels: Labels) -> qml.Catalog:
    product = str(provenance.current().get("product_id", "unnamed"))[:12]
    return qml.Catalog(
        events,
        resource_id=labels.uri("catalog", product),
        creation_info=labels.creation_info,
        comments=[
            comment for text in (_provenance(), *labels.pickers) for comment in _comments(text)
        ],
    )


def write_csv(events: pd.DataFrame, path: Path) -> None:
    """Write the events as CSV (UTF-8): one row each, columns of EVENTS but for codes of reasons.

    Times are ISO 8601 in UTC to the microsecond, coordinates are rounded to 1e-6 degrees and depths
    to 1e-4 km, absent values are empty.
    """
    frame = events.reindex(columns=EVENTS.plain_names)
    frame = frame.assign(
        time=[iso(values.nanoseconds(time), digits=6) for time in frame["time"]],
        **{name: frame[name].round(6) for name in ("latitude", "longitude")},
        depth_km=frame["depth_km"].round(4),
    )
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")


def each(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    stations: pd.DataFrame | None,
    labels: Labels,
    focal: Focal | None = None,
) -> Iterator[qml.Event]:
    """Build the events of `to_catalog` one by one, without the catalog around them."""
    positions = _positions(arrivals, picks)
    _warn_of_long_codes(picks.iloc[positions])
    components = components_of(stations)
    arrivals_of = arrivals.groupby("event_id", sort=False).indices
    none = np.empty(0, dtype=np.int64)
    mechanisms = dict(focal.each(labels.uri, labels.creation_info)) if focal else {}
    signs = focal.signs if focal else {}
    for some in _portions(rows(events)):
        which = [arrivals_of.get(row["event_id"], none) for row in some]
        every = np.concatenate(which)
        pairs = zip(rows(arrivals.iloc[every]), rows(picks.iloc[positions[every]]), strict=True)
        known = (
            {**arrival, "pick": pick, "polarity": signs.get(pick["pick_id"])}
            for arrival, pick in pairs
        )
        for row, own in zip(some, which, strict=True):
            mechanism = mechanisms.get(row["event_id"])
            yield _event(row, list(islice(known, len(own))), components, labels, mechanism)


def _portions(items: Iterable[T]) -> Iterator[list[T]]:
    """Items in lists of as many as are worth doing at once."""
    rest = iter(items)
    while portion := list(islice(rest, _PORTION)):
        yield portion


def _positions(arrivals: pd.DataFrame, picks: pd.DataFrame) -> np.ndarray:
    """Find the rows of the picks that the arrivals belong to."""
    index = pd.Index(picks["pick_id"])
    if not index.is_unique:
        raise DataError(f"pick_id {index[index.duplicated()][0]!r} occurs more than once")
    positions: np.ndarray = index.get_indexer(arrivals["pick_id"])
    if (positions < 0).any():
        event_id, pick_id = arrivals.loc[positions < 0, ["event_id", "pick_id"]].iloc[0]
        raise DataError(f"event {event_id}: pick {pick_id} is not in the table of picks")
    return positions


def _event(
    row: Row,
    arrivals: list[Row],
    components: Mapping[Codes, str],
    labels: Labels,
    mechanism: qml.FocalMechanism | None,
) -> qml.Event:
    origin = _origin(row, arrivals, labels)
    sizes = list(_magnitudes(row, labels))
    kind = event_type(row["event_class"])
    return qml.Event(
        resource_id=labels.uri("event", row["event_id"]),
        event_type=kind,
        event_type_certainty="suspected" if kind else None,
        comments=_comments(_notes(row, _EVENT_NOTES)),
        creation_info=labels.creation_info,
        origins=[origin],
        magnitudes=sizes,
        picks=[_pick(arrival, components, labels) for arrival in arrivals],
        focal_mechanisms=[mechanism] if mechanism else [],
        preferred_origin_id=str(origin.resource_id),
        preferred_magnitude_id=str(sizes[0].resource_id) if sizes else None,
        preferred_focal_mechanism_id=str(mechanism.resource_id) if mechanism else None,
    )


def event_type(event_class: Any) -> str | None:
    """The name that QuakeML and FDSN services have for a class of events; None: they have none."""
    name = _EVENT_TYPES.get(event_class, event_class)
    known = isinstance(name, str) and name in qml.header.EventType
    return name if known else None


def _origin(row: Row, arrivals: list[Row], labels: Labels) -> qml.Origin:
    horizontal_km = values.number(row["horizontal_sigma_km"])
    latitude_sigma, longitude_sigma = _degrees_of_error(horizontal_km, row["latitude"])
    model = labels.uri("earth_model", labels.earth_model) if labels.earth_model else None
    return qml.Origin(
        resource_id=labels.uri("origin", row["event_id"]),
        time=values.time(row["time"]),
        time_errors=values.error(values.number(row["time_sigma_s"])),
        latitude=float(row["latitude"]),
        latitude_errors=values.error(latitude_sigma),
        longitude=float(row["longitude"]),
        longitude_errors=values.error(longitude_sigma),
        depth=round(row["depth_km"] * 1000.0, 3),
        depth_errors=values.error(values.scaled(values.number(row["depth_sigma_km"]), 1000.0)),
        depth_type="from location",
        origin_uncertainty=origin_uncertainty(row),
        quality=_quality(row, arrivals),
        method_id=labels.uri("method", row["associator"], row["locator"]),
        earth_model_id=model,
        evaluation_mode="automatic",
        evaluation_status=labels.status,
        creation_info=labels.creation_info,
        arrivals=[_arrival(arrival, model, labels) for arrival in arrivals],
    )


def _quality(row: Row, arrivals: list[Row]) -> qml.OriginQuality:
    stations = {(arrival["pick"]["network"], arrival["pick"]["station"]) for arrival in arrivals}
    return qml.OriginQuality(
        associated_phase_count=len(arrivals),
        used_phase_count=int(row["n_p"]) + int(row["n_s"]),
        associated_station_count=len(stations),
        used_station_count=int(row["n_stations"]),
        standard_error=values.number(row["rms_s"]),
        azimuthal_gap=values.number(row["azimuthal_gap_deg"]),
        minimum_distance=values.scaled(values.number(row["min_distance_km"]), 1.0 / KM_PER_DEGREE),
    )


def _degrees_of_error(
    horizontal_km: float | None, latitude: float
) -> tuple[float | None, float | None]:
    """Errors of latitude and longitude in degrees; a longitude is never worse than 180."""
    if horizontal_km is None:
        return None, None
    degrees = horizontal_km / KM_PER_DEGREE
    shrink = math.cos(math.radians(latitude))
    along = min(180.0, degrees / shrink) if shrink > 0 else 180.0
    return values.number(degrees), values.number(along)


def _arrival(row: Row, earth_model_id: str | None, labels: Labels) -> qml.Arrival:
    return qml.Arrival(
        resource_id=labels.uri("arrival", row["event_id"], row["pick_id"]),
        pick_id=labels.uri("pick", row["pick_id"]),
        phase=values.text(row["phase"]),
        time_residual=values.number(row["residual_s"]),
        distance=values.scaled(values.number(row["distance_km"]), 1.0 / KM_PER_DEGREE),
        azimuth=values.number(row["azimuth_deg"]),
        time_weight=values.number(row["weight"]),
        earth_model_id=earth_model_id,
    )


def _pick(arrival: Row, components: Mapping[Codes, str], labels: Labels) -> qml.Pick:
    row, error_s = arrival["pick"], used_error_s(arrival, arrival["pick"])
    return qml.Pick(
        resource_id=labels.uri("pick", row["pick_id"]),
        time=values.time(row["time"]),
        time_errors=values.error(values.number(error_s)),
        waveform_id=_stream(row, components),
        method_id=labels.uri("picker", row["model"], row["weights_id"]),
        phase_hint=values.text(row["phase"]),
        polarity=arrival["polarity"],
        evaluation_mode="manual" if row["model"] == MANUAL else "automatic",
        comments=_comments(_pick_notes(row, error_s)),
        creation_info=labels.creation_info,
    )


def _magnitudes(row: Row, labels: Labels) -> Iterator[qml.Magnitude]:
    """The magnitude of the event, which is the preferred one, and the moment magnitude."""
    kind = values.present(row["magnitude_type"])
    found = (
        ("magnitude", None if kind is None else values.text(kind)[:32], ()),
        ("mw", "Mw", ("Mw",)),
    )
    for name, type_, parts in found:
        value = values.number(row[name])
        if value is not None:
            yield qml.Magnitude(
                resource_id=labels.uri("magnitude", row["event_id"], *parts),
                mag=value,
                mag_errors=values.error(values.number(row[f"{name}_sigma"])),
                station_count=values.count(row[f"{name}_stations"]),
                magnitude_type=type_,
                origin_id=labels.uri("origin", row["event_id"]),
                evaluation_mode="automatic",
                creation_info=labels.creation_info,
            )


def _stream(row: Row, components: Mapping[Codes, str]) -> qml.WaveformStreamID:
    codes = (row["network"], row["station"], row["location"], channel_of(row, components))
    network, station, location, channel = (values.text(code)[:_CODE_LENGTH] for code in codes)
    return qml.WaveformStreamID(network, station, location, channel or None)


def _warn_of_long_codes(picks: pd.DataFrame) -> None:
    codes = {code for name in ("network", "station", "location") for code in picks[name]}
    long = sorted(code for code in codes if len(code) > _CODE_LENGTH)
    if long:
        logger.warning(
            "QuakeML allows %d characters in a code; cut, and whole in the comments of the picks: "
            "%s",
            _CODE_LENGTH,
            ", ".join(long),
        )


def _pick_notes(row: Row, error_s: float | None) -> str:
    notes = _notes(row, _PICK_NOTES)
    stated = values.number(row["time_sigma_s"])
    if error_s is not None and stated != values.number(error_s):
        told = "none" if stated is None else f"{stated:.7g}"
        notes = f"time_sigma_s={told} stated, error as used in the location; {notes}"
    codes = codes_of(row)
    return f"codes={'.'.join(codes)}; {notes}" if len(max(codes, key=len)) > _CODE_LENGTH else notes


def _notes(row: Row, names: Iterable[str]) -> str:
    """Write the values that a row has as text: name=value; name=value."""
    told = {name: values.present(row[name]) for name in names}
    texts = {
        name: value if isinstance(value, str) else f"{value:.7g}"
        for name, value in told.items()
        if value is not None
    }
    return "; ".join(f"{name}={text}" for name, text in texts.items())


def _comments(text: str) -> list[qml.Comment]:
    return [qml.Comment(text=values.text(text), force_resource_id=False)] if text else []


def _provenance() -> str:
    record = provenance.current()
    return f"{provenance.KEY}={json.dumps(record, sort_keys=True)}" if record else ""
