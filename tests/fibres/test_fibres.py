"""Fibres in the configuration: what is refused, and what a run of fibres alone needs."""

from __future__ import annotations

from typing import Any

import pytest
from workfolder import demo_like

from quakeline.core.errors import ConfigError

FIBRE: dict[str, Any] = {"name": "F", "source": {"kind": "files", "paths": ["a"]}}


def run(**overlay: Any) -> Any:
    return demo_like(overlay)


def test_fibres_beside_seismometers_and_alone() -> None:
    both = run(fibres=[FIBRE])
    assert both.fibre_names == ["F"]
    assert both.station_chunks == both.chunk_ids
    alone = run(fibres=[FIBRE], fetch=None, stations=None)
    assert alone.station_chunks == []
    assert alone.archive_of(alone.chunk_ids[0]) == "none"
    assert alone.params("fetch")["config"] == {}


DAS: dict[str, Any] = {"kind": "das", "model": "a:B", "weights": "best", "window_samples": 1000}


def test_weights_for_fibres() -> None:
    """A run of fibres alone needs no network for seismometers beside its own."""
    assert run(fibres=[FIBRE]).weights_stages == ["weights"]
    assert run(das_weights=DAS).weights_stages == ["weights"]
    other = {**DAS, "sampling_rate_hz": 50}
    both = run(fibres=[FIBRE], das_weights=other)
    assert both.weights_stages == ["weights", "das_weights"]
    assert (both.sampling_rate_hz, both.fibre_rate_hz) == (100, 50)
    assert both.params("das_weights")["config"]["model"] == "a:B"
    alone = run(fibres=[FIBRE], fetch=None, stations=None, das_weights={"model": "phasenet"})
    assert alone.weights_stages == ["das_weights"]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"fetch": None}, "not given: fetch.source"),
        ({"stations": None}, "not given: stations.table"),
        ({"fibres": [FIBRE, FIBRE]}, "the name 'F' is given twice"),
        ({"fibres": [{**FIBRE, "name": "TOO_LONG_1"}]}, "fibres.0.name: 'TOO_LONG_1' given"),
        ({"fibres": [{**FIBRE, "units": "phase"}]}, "units: phase needs it"),
        (
            {"fibres": [{**FIBRE, "preprocess": {"gauge_length_m": 20}}]},
            "preprocess.gauge_length_m needs that of the recording",
        ),
        (
            {"fibres": [{**FIBRE, "preprocess": {"bandpass_hz": [5, 1]}}]},
            "two positive numbers, the first one smaller",
        ),
        ({"das_annotate": {"thresholds": {"Q": 0.3}}}, "das_annotate.thresholds: Q given"),
        (
            {"das_weights": {**DAS, "window_samples": 9000}, "time": {"margin_s": 60}},
            "das-b-best needs at least 105",
        ),
        ({"das_weights": {**DAS, "thresholds": {"Q": 0.3}}}, "thresholds: Q given; the phases are"),
        ({"das_weights": {**DAS, "model": "B"}}, "model: 'B' given"),
        (
            {"fibres": [FIBRE], "das_weights": {"model": "gpd"}},
            "das_weights: gpd is a",
        ),
        ({"fibres": [FIBRE], "weights": {"model": "gpd"}, "pick": {"thresholds": {}}}, "one value"),
    ],
)
def test_what_is_refused(overlay: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**overlay)
