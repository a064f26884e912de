"""Errors of picks are seconds; others are refused or asked about."""

import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.io.formats.pick_errors import require_errors


def test_a_negative_error_is_refused_with_its_row():
    with pytest.raises(
        DataError, match=r"^picks a.csv, row 1: the error is -0.05 s; allowed: 0 or"
    ):
        require_errors(pd.Series([0.1, -0.05]), "a.csv")


@pytest.mark.parametrize(
    ("errors", "asked"), [([20.0, 50.0, 0.2], True), ([0.05, 9.9, 0.1], False)]
)
def test_milliseconds_are_asked_about(errors, asked, caplog):
    require_errors(pd.Series([*errors, float("nan")]), "a.csv")
    assert ("are they milliseconds?" in caplog.text) == asked
