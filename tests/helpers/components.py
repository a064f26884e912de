"""Preparation of traces and files in a folder, as the tests of components use it."""

import numpy as np
from obspy import UTCDateTime
from recordings import HEADER, Pipeline, write

from quakeline.core.timeline import SECOND, Span
from quakeline.waveforms.preparation.settings import Response

REACH_S = Response().reach_s
START = "2020-05-01T00:00:00"
BEGIN = UTCDateTime(START).ns
TABLE = (
    f"{HEADER}\nXX,AAA,48,11,400\nXX,BBB,48.1,11,400\nBW,BGLD,48,11,500\nBW,RJOB,47.7,12.8,860\n"
)


def span_of(start: str, seconds: float) -> Span:
    begin = UTCDateTime(start).ns
    return Span(begin, begin + round(seconds * SECOND))


def noise(seconds, rate=100.0, seed=0):
    return np.random.default_rng(seed).normal(0, 1000, round(seconds * rate)).round()


def prepared(folder, files, span, **options):
    pipeline = Pipeline(folder, [str(path) for path in files], TABLE, **options)
    pipeline.prepared(span)
    return pipeline.waveforms(span), pipeline.coverage(span)


def from_traces(folder, traces, seconds=60.0, **options):
    path = write(traces, folder / "raw.mseed")
    return prepared(folder, [path], span_of(START, seconds), **options)


def only(coverage, component="Z"):
    (row,) = coverage[coverage["component"] == component].to_dict("records")
    return row
