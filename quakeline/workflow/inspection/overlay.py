"""The overlay of a run, written from what its data hold: with comments on what was found."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from quakeline.core.geometry import distance_azimuth
from quakeline.core.timeline import SECOND, iso
from quakeline.io.products.remarks import some
from quakeline.workflow.inspection import places
from quakeline.workflow.inspection.survey import Survey
from quakeline.workflow.inspection.table import duration

_WIDTH = 96
_SHOWN = 6
_DAY_S = 86_400.0
#: Stores that take less than this are kept, so that the report draws record sections.
_KEPT_BYTES = 2e9
#: Waveforms and probabilities of a station, three float32 each at 100 Hz.
_BYTES_PER_S = 2 * 3 * 4 * 100.0


def overlay(
    name: str, found: Survey, command: str, velocity: Mapping[str, object] | None, model: str
) -> str:
    """The text of an overlay.

    Parameters
    ----------
    name
        The name of the run.
    command
        The command that asked for it, as typed.
    velocity
        What the section `velocity` says; None for IASP91.
    model
        The network that picks, by the name of its card or as `seisbench:NETWORK/WEIGHTS`.
    """
    sections = [
        _time(found),
        _stations(found, name),
        ["fetch:", f"  source: {_flow(found.source)}"],
    ]
    return assembled(name, command, list(about(found)), sections, velocity, model, _kept(found))


def assembled(
    name: str,
    command: str,
    sentences: Sequence[str],
    sections: Sequence[Sequence[str]],
    velocity: Mapping[str, object] | None,
    model: str,
    kept: Sequence[str] = (),
) -> str:
    """The text of an overlay: sentences on what was found, the data's sections, what is chosen."""
    parts = [
        [
            "# yaml-language-server: $schema=../config.schema.json",
            *_comment(f"Written by `{command}`."),
        ],
        [line for text in sentences for line in _comment(text)],
        ["", f"run: {_scalar(name)}            # results are written to results/{name}/"],
        *(["", *lines] for lines in sections),
        ["", *_velocity(velocity)],
        *([] if model == "phasenet" else [["", f"weights: {_weights(model)}"]]),
        *([["", *kept]] if kept else []),
        ["", *_comment(_CHOSEN)],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _weights(model: str) -> str:
    from quakeline.models.named import is_of_seisbench, of_seisbench

    if not is_of_seisbench(model):
        return f"{{model: {model}}}"
    wanted = of_seisbench(model)
    return _flow({"kind": wanted.kind, "model": wanted.model, "weights": wanted.weights})


_CHOSEN = (
    "All else is as by default: thresholds of picks follow from the network that picks, association"
    " and location from the stations and velocities; `quakeline summary` and the report say what"
    " they became. `quakeline config reference` writes every key with its meaning."
)

_GENERAL = (
    "IASP91 is a general model of continents, and depths are as good as the model: one of your"
    " region is better, a CSV file with depth_km, vp, vs: `velocity: {table: FILE}`."
)


def _flow(value: object) -> str:
    """A mapping as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json.dumps, value)) + "]"
    return _scalar(value) if isinstance(value, str) else str(value)


def _scalar(text: str) -> str:
    """A text as YAML, in quotes where YAML would read a number, a truth or nothing."""
    letters = text.replace("-", "").replace("_", "").isalnum() and text[0].isalpha()
    is_plain = letters and yaml.safe_load(text) == text
    return text if is_plain else json.dumps(text)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_long_words=False)]


def about(found: Survey) -> Iterator[str]:
    """Sentences on what the data hold and what of it is not used."""
    size = sum(one.size for one in found.scans) / 1e6
    seconds = found.channel_s
    rates = ", ".join(f"{rate:g}" for rate in sorted({one.rate_hz for one in found.used}))
    yield (
        f"Found: {len(found.scans)} file{'s' * (len(found.scans) > 1)}, {size:.0f} MB;"
        f" {len(found.used)} channels of {len(found.stations)} stations would be used ({rates} Hz,"
        f" {duration(seconds)} of channel data)."
    )
    for reason, codes in found.refused.items():
        yield f"Not used: {some(codes, _SHOWN)}: {reason}."
    unreadable = [str(one.path) for one in found.scans if one.unreadable]
    if unreadable:
        yield f"No waveforms: {some(unreadable, _SHOWN)}."


def _time(found: Survey) -> list[str]:
    span = found.span
    covered = sum(float(np.diff(one.intervals, axis=1).sum()) for one in found.used) / SECOND
    share = 100 * covered / len(found.used) / ((span.end_ns - span.start_ns) / SECOND)
    said = f"a channel has data for {share:.0f} % of the span on average"
    return [
        "time:",
        f"  start: {iso(span.start_ns, digits=0)}   # first sample of the channels in use",
        f"  end: {iso(span.end_ns, digits=0)}     # last one; {said}",
    ]


def own_table(run: str) -> Path:
    """Where the table of a run lies whose stations are only those with data."""
    return Path("config", run, "stations.csv")


def _stations(found: Survey, run: str) -> list[str]:
    lines = [line for text in on_stations(found) for line in _comment(text)] + ["stations:"]
    if found.table and found.needless:
        lines += [f"  {line}" for line in _comment(f"Those of {found.table} that have data.")]
    if found.table:
        table = str(own_table(run)) if found.needless else found.table
        lines.append(f"  table: {json.dumps(table)}")
    if found.stationxml:
        lines.append(f"  stationxml: {_flow(found.stationxml)}")
    return lines


def on_stations(found: Survey) -> Iterator[str]:
    """What the stations say of the network, and what looks wrong about them."""
    table = found.stations
    north, east = places.degrees(table)
    far = max(
        float(distance_azimuth(a, b, north, east)[0].max())
        for a, b in zip(north, east, strict=True)
    )
    without = f" {found.needless} more in the table have no data." if found.needless else ""
    where = places.region(north, east)
    yield f"{len(table)} stations, up to {far:.0f} km from each other, in {where}.{without}"
    planned = zip(found.held, found.planned, strict=True)
    removed = sum(plan.used and "response removed" in plan.said for _, plan in planned)
    n = len(found.used)
    if removed:
        yield f"Responses of {removed} of {n} channels are known and removed."
    else:
        yield f"Responses of none of {n} channels are known: counts stay, and no magnitudes."
    for doubt in places.doubts(found.known.stations):
        yield f"Look at this: {doubt}{'' if doubt.endswith('?') else '.'}"


def _velocity(given: Mapping[str, object] | None) -> list[str]:
    if given:
        return [f"velocity: {_flow(dict(given))}"]
    return [*_comment(_GENERAL), "velocity: {table: iasp91}"]


def _kept(found: Survey) -> list[str]:
    span_s = (found.span.end_ns - found.span.start_ns) / SECOND
    whole = len(found.stations) * span_s
    # A station with one channel has as many probabilities as one with three.
    size = min(whole, found.channel_s) * _BYTES_PER_S
    stores = "keep: [waveforms, probabilities]   # for record sections,"
    if size > _KEPT_BYTES:
        return [f"# {stores} about {size / 1e9:.0f} GB"]
    return [f"{stores} at most {size / 1e6:.0f} MB"]
