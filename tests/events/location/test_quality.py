"""What limits a location, and the page that says so."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quakeline.core.reasons import Code
from quakeline.events.location import quality

PAGE = Path(__file__).parents[3] / "docs/catalog.md"
BOX = np.array([[-50.0, -50.0, -1.0], [50.0, 50.0, 59.0]])
GOOD = {"azimuthal_gap_deg": 90.0, "horizontal_sigma_km": 0.5, "depth_sigma_km": 1.0}
PHASES = np.array(["P", "P", "P", "S", "S"])


def codes(
    point: tuple[float, float, float] = (0, 0, 8), phases: np.ndarray = PHASES, **row: float
) -> list[Code]:
    found = quality.limits_of(np.array([*point, 0.0]), BOX, GOOD | row, phases)
    return [reason.code for reason in found]


def test_a_good_location_has_no_limit() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("below", "above", "code"),
    [
        ({"point": (0, 0, -0.94)}, {"point": (0, 0, -0.96)}, Code.DEPTH_AT_SHALLOW_END),
        ({"point": (0, 0, 58.94)}, {"point": (0, 0, 58.96)}, Code.DEPTH_AT_DEEP_END),
        ({"point": (49.94, 0, 8)}, {"point": (49.96, 0, 8)}, Code.EPICENTRE_AT_LIMIT),
        ({"horizontal_sigma_km": 10}, {"horizontal_sigma_km": 10.1}, Code.EPICENTRE_UNRESOLVED),
        ({"depth_sigma_km": 10}, {"depth_sigma_km": 10.1}, Code.DEPTH_UNRESOLVED),
        ({"azimuthal_gap_deg": 180}, {"azimuthal_gap_deg": 181}, Code.OUTSIDE_NETWORK),
        ({"phases": PHASES}, {"phases": PHASES[1:]}, Code.NO_REDUNDANCY),
        ({"phases": PHASES}, {"phases": np.array(["P"] * 5)}, Code.NO_S_ARRIVAL),
    ],
)
def test_each_limit_begins_where_it_is_said_to(below: dict, above: dict, code: Code) -> None:
    assert codes(**below) == []
    assert codes(**above) == [code]


def test_the_page_names_each_word_and_its_limit() -> None:
    """Every code that a location can have is a row, with the numbers of the code."""
    used = re.findall(r"Code\.(\w+)", inspect.getsource(quality))
    rows = {
        line.split("|")[1].strip(): line.split("|")[2]
        for line in PAGE.read_text().partition("| `quality` | when |")[2].splitlines()[2:9]
    }
    words = {name: Code[name].words.partition(" (")[0] for name in used}
    assert {word.partition(" (")[0] for word in rows} == set(words.values())
    limits = {
        "epicentre hardly resolved": [quality._WIDE_KM],
        "depth hardly resolved": [quality._DEEP_KM, quality._DEPTHS_PART],
        "arrivals from one side only": [quality._LARGE_GAP_DEG],
        "no redundancy": [quality._UNKNOWNS],
        "epicentre at the limit of the search": [quality._NEAR_BOUND_KM],
    }
    for word, numbers in limits.items():
        said = [float(Fraction(one)) for one in re.findall(r"\d+(?:/\d+|\.\d+)?", rows[word])]
        assert said == pytest.approx(numbers)
