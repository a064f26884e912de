"""Plausible files, right or with one fault: the truth, a line, or a word; never silence."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fuzz import plausible_records as records
from fuzz import plausible_tables as tables
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recordings import picker_weights

__all__ = ["picker_weights"]

#: The trace before the gap has 30 samples, too few for ObsPy's writer of GSE2.
SHORT_GSE2 = replace(records.PLAIN, rate_hz=80.0, gap_s=(15.375, 1.0), scale=1000.0, form="gse2")


@pytest.fixture(scope="module")
def expected(tmp_path_factory, picker_weights):
    return records.picks(records.PLAIN, tmp_path_factory.mktemp("plain"), picker_weights)


def read(case):
    with TemporaryDirectory() as folder:
        return tables.judged(case, Path(folder))


def error_of(one, weights, expected):
    with TemporaryDirectory() as folder:
        return records.largest_error(records.picks(one, Path(folder), weights), expected)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(tables.cases([""]))
def test_right_tables_are_read_as_the_truth(case):
    assert read(case)[0] == "held"


@pytest.mark.parametrize("fault", tables.FAULTS)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(st.data())
def test_no_fault_of_a_table_passes_in_silence(fault, data):
    assert read(data.draw(tables.cases([fault])))[0] in ("remarked", "refused")


@settings(max_examples=1, deadline=None, derandomize=True)
@given(tables.cases(["moved, not closed"]))
def test_events_are_where_they_were(case):
    assert tables.located(case) < tables.PLACE_KM


@settings(max_examples=5, deadline=None, derandomize=True)
@given(records.records())
@example(SHORT_GSE2)
def test_picks_are_those_of_a_plain_recorder(expected, picker_weights, one):
    assert error_of(one, picker_weights, expected) <= records.SAMPLE_S


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(tables.cases(["", *tables.FAULTS]))
def test_many_tables(case):
    read(case)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(tables.cases(["", "percent", "moved, not closed"]))
def test_many_events(case):
    assert tables.located(case) < tables.PLACE_KM


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(records.records())
def test_many_recorders(expected, picker_weights, one):
    assert error_of(one, picker_weights, expected) <= records.SAMPLE_S
