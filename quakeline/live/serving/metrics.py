"""Figures of a session as text for Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quakeline.live.serving.board import Figures

_COUNTS = {
    "packets": "Packets that came.",
    "unused": "Packets that could not be used.",
    "samples": "Samples that were used.",
    "repeated": "Samples that came again.",
    "late": "Samples that came too late.",
    "windows": "Windows that were computed.",
}
_Rows = Iterable[tuple[Mapping[str, str], float]]


def text_of(figures: Figures) -> str:
    """All metrics, one family after the other."""
    parts = [
        _family(f"quakeline_{name}_total", "counter", words, [({}, figures.counts[name])])
        for name, words in _COUNTS.items()
        if name in figures.counts
    ]
    picks = [({"phase": phase}, n) for phase, n in sorted(figures.picks.items())]
    parts.append(_family("quakeline_picks_total", "counter", "Picks since the start.", picks))
    parts.append(_family("quakeline_events_total", "counter", "Events.", [({}, figures.events)]))
    words = "How long the oldest data that can be computed have waited."
    parts.append(_family("quakeline_behind_seconds", "gauge", words, [({}, figures.behind_s)]))
    for name, key, words in (
        ("delay", "delay_s", "Age of the newest sample of an instrument."),
        ("computing_latency", "computing_s", "Median computing latency of its last picks."),
    ):
        rows = [({"instrument": one["label"]}, one[key]) for one in figures.health]
        known = [(labels, float(value)) for labels, value in rows if value is not None]
        parts.append(_family(f"quakeline_{name}_seconds", "gauge", words, known))
    return "".join(parts)


def _family(name: str, kind: str, words: str, rows: _Rows) -> str:
    lines = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    for labels, value in rows:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:.17g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
