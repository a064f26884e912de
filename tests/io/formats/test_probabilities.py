"""Probabilities in percent are told from shares, or refused; never taken for what they are not."""

import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.io.formats import pick_tables

TIMES = ("2024-01-01T00:00:01", "2024-01-01T00:00:02", "2024-01-01T00:00:03")


def read(tmp_path, values, column="probability"):
    rows = [f"XX.A,P,{time},{value}" for time, value in zip(TIMES, values, strict=True)]
    path = tmp_path / "p.csv"
    path.write_text("\n".join([f"station,phase,time,{column}", *rows]) + "\n")
    return pick_tables.read(path)["probability"].tolist()


@pytest.mark.parametrize(
    ("values", "column"),
    [
        (("93", "7.5", "100"), "probability"),
        (("93%", "7.5 %", "100%"), "prob"),
        (("93", "7.5", "100"), "probability_percent"),
        (("93", "7.5", "100"), "phase_score(%)"),
    ],
)
def test_percent_become_shares_with_a_word(tmp_path, values, column, caplog):
    assert read(tmp_path, values, column) == pytest.approx([0.93, 0.075, 1.0])
    assert "are read as percent and divided by 100" in caplog.text


def test_percent_below_one_count_where_the_table_says_so(tmp_path):
    found = read(tmp_path, ("0.5", "0", "40"), "prob_pct")
    assert found == pytest.approx([0.005, 0.0, 0.4])


def test_shares_stay_and_rounding_is_forgiven(tmp_path, caplog):
    assert read(tmp_path, ("0.3", "1.0004", "")) == pytest.approx([0.3, 1.0, 1.0])
    assert "percent" not in caplog.text


@pytest.mark.parametrize(
    ("values", "row"),
    [(("0.9", "93", "0.8"), 3), (("-0.1", "0.5", "1"), 2), (("250", "9", "8"), 2)],
)
def test_what_is_neither_is_refused(tmp_path, values, row):
    with pytest.raises(
        DataError, match=rf"row {row}: probability is \S+; allowed: a number from 0"
    ):
        read(tmp_path, values)


def test_typed_picks_in_percent_are_told_too(tmp_path, caplog):
    rows = pd.DataFrame({"station": "XX.A", "phase": "P", "time": list(TIMES)})
    ours = pick_tables.of_frame(rows, "a table").assign(probability=[93.0, 50.0, 30.0])
    found = pick_tables.of_frame(ours, "a table")
    assert found["probability"].tolist() == pytest.approx([0.93, 0.5, 0.3])
    assert "percent" in caplog.text
