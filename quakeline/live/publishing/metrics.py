"""Figures of a running session in the text form of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from quakeline.core.extras import require

#: What a web server says of such a text.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """A figure, or several told apart by labels.

    `name` without prefix, in Prometheus' style (`picks_total`, `data_latency_seconds`); `kind` is
    counter for what only grows. `values` are pairs of labels and the figure; labels of one metric
    have the same names.
    """

    name: str
    meaning: str
    kind: Literal["counter", "gauge"] = "gauge"
    values: list[tuple[Mapping[str, str], float]] = field(default_factory=list)


def metrics_text(metrics: Iterable[Metric], prefix: str = "quakeline_") -> str:
    """The text that Prometheus reads.

    Raises
    ------
    QuakelineError
        `prometheus_client`, which writes the text, is not installed.
    """
    require("live", "metrics")
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
    )
    from prometheus_client.core import (
        Metric as Family,
    )
    from prometheus_client.registry import Collector

    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
    given = list(metrics)

    class Session(Collector):
        def collect(self) -> Iterator[Family]:
            for one in given:
                labels = sorted(one.values[0][0]) if one.values else []
                name = prefix + one.name.removesuffix("_total")
                family = kinds[one.kind](name, one.meaning, labels=labels)
                for named, value in one.values:
                    family.add_metric([named[label] for label in labels], value)
                yield family

    registry = CollectorRegistry()
    registry.register(Session())
    return generate_latest(registry).decode()
