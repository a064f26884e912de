"""Time is cut where samples do not follow each other."""

import fibre
import numpy as np
import pytest
import xdas

from quakeline.core.errors import DataError
from quakeline.fibres.das.segments import sections_of


def cut(coordinate):
    sections, problems = sections_of(coordinate)
    return [(s.first, s.stop) for s in sections], [p.kind for p in problems], sections


def coordinate(*stretches, rate=100.0):
    return xdas.Coordinate(fibre.times(*stretches, rate=rate), dim="time")


def test_one_gapless_section():
    bounds, kinds, (section,) = cut(coordinate((0, 1000)))
    assert bounds == [(0, 1000)]
    assert kinds == []
    assert section.dt == pytest.approx(0.01, rel=1e-12)
    assert section.time(10.5) == fibre.START + np.timedelta64(105, "ms")


def test_gaps_overlaps_and_jitter():
    # jitter of a microsecond; a gap of 5 s; half of the third stretch is there already
    ties = coordinate((0, 500), (5.000001, 500), (15, 500), (17.5, 500))
    bounds, kinds, sections = cut(ties)
    assert bounds == [(0, 1000), (1000, 1500), (1750, 2000)]
    assert kinds == ["gap", "overlap"]
    assert sections[2].start == fibre.START + np.timedelta64(20, "s")


def test_a_stretch_that_is_there_twice_is_left_out():
    bounds, kinds, _ = cut(coordinate((0, 500), (1, 100), (5, 500)))
    assert bounds == [(0, 500), (600, 1100)]
    assert kinds == ["overlap"]


def test_dense_and_sampled_coordinates():
    values = fibre.START + np.r_[0:300, 700:1000].astype("m8[us]") * 10_000
    bounds, kinds, _ = cut(xdas.Coordinate(values, dim="time"))
    assert bounds == [(0, 300), (300, 600)]
    assert kinds == ["gap"]
    step = np.timedelta64(10, "ms").astype("m8[ns]")
    sampled = xdas.Coordinate(
        {
            "tie_values": [values[0], values[300]],
            "tie_lengths": [300, 300],
            "sampling_interval": step,
        },
        dim="time",
    )
    assert cut(sampled)[0] == bounds


def test_a_clock_that_drifts_makes_sections_with_steps_of_their_own():
    ns = np.array([0, 10_000_000_000, 20_040_000_000])
    ties = {"tie_indices": [0, 1000, 2000], "tie_values": fibre.START + ns.astype("m8[ns]")}
    bounds, _, sections = cut(xdas.Coordinate(ties, dim="time"))
    assert bounds == [(0, 1000), (1000, 2001)]
    assert sections[1].dt == pytest.approx(0.01004)


def test_uneven_samples_are_refused_by_name():
    steps = np.cumsum(np.where(np.arange(600) < 300, 10, 10.9) * 1_000_000).astype("m8[ns]")
    _, kinds, sections = cut(xdas.Coordinate(fibre.START + steps, dim="time"))
    assert kinds == ["uneven"]
    assert sections == []


def test_no_times_at_all():
    with pytest.raises(DataError, match="datetime64 is needed"):
        sections_of(xdas.Coordinate({"tie_indices": [0, 9], "tie_values": [0.0, 9.0]}, dim="time"))
