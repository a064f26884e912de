"""Figures in the text form of Prometheus, read back by its own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from quakeline.live.publishing.metrics import Metric, metrics_text


def test_prometheus_reads_what_was_written() -> None:
    text = metrics_text(
        [
            Metric("picks_total", "so far", "counter", [({"phase": "P"}, 3), ({"phase": "S"}, 2)]),
            Metric("data_latency_seconds", "last packet", values=[({"codes": 'a"\n\\b'}, 1.5)]),
            Metric("stations", "with data", values=[({}, 7)]),
            Metric("none", "nothing yet"),
        ]
    )
    found = {one.name: one for one in text_string_to_metric_families(text)}
    assert found["quakeline_picks"].type == "counter"
    samples = {
        (one.name, *one.labels.values()): one.value
        for family in found.values()
        for one in family.samples
    }
    assert samples == {
        ("quakeline_picks_total", "P"): 3.0,
        ("quakeline_picks_total", "S"): 2.0,
        ("quakeline_data_latency_seconds", 'a"\n\\b'): 1.5,
        ("quakeline_stations",): 7.0,
    }
    assert found["quakeline_stations"].documentation == "with data"
