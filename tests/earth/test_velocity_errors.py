"""Velocity tables that state the errors of their velocities."""

import numpy as np
import pytest

from quakeline.core.errors import DataError
from quakeline.earth.velocity import VelocityModel, load

TABLE = "top_km,vp,vs,vp_error,vs_error\n0,4,2,0.4,0.1\n5,6,3.5,0.06,0.035\n"


def loaded(folder, text, **options):
    path = folder / "model.csv"
    path.write_text(text)
    return load(path, **options)


def test_errors_are_read_and_are_shares_of_the_way(tmp_path):
    model = loaded(tmp_path, TABLE)
    assert (model.vp_error, model.vs_error) == ((0.4, 0.06), (0.1, 0.035))
    assert "states errors of its velocities" in model.reading
    # Above 5 km P is 10 % uncertain and S 5 %, below both are 1 %.
    assert model.error_share(0.0, 4.9) == pytest.approx(0.075)
    assert model.error_share(6.0, 9.0) == pytest.approx(0.01)
    # The slow layer has more of the travel time of the first ten kilometres.
    assert 0.0425 < model.error_share(0.0, 10.0) < 0.06
    assert model.error_share(2.0, 2.0) == pytest.approx(0.075)


def test_a_model_without_errors_states_none(tmp_path):
    model = loaded(tmp_path, "top_km,vp,vs\n0,4,2\n5,6,3.5\n")
    assert model.error_share(0.0, 10.0) == 0.0
    assert model == VelocityModel((0.0, 5.0), (4.0, 6.0), (2.0, 3.5))
    assert "errors" not in model.reading


def test_errors_of_one_phase_alone_are_left_out(tmp_path):
    model = loaded(tmp_path, "top_km,vp,vs,vp_error\n0,4,2,0.4\n5,6,3,0.2\n")
    assert model.error_share(0.0, 10.0) == 0.0
    assert model.reading.endswith("not used: vp_error")


def test_a_ratio_makes_the_errors_of_s(tmp_path):
    model = loaded(tmp_path, TABLE, vp_vs=2.0)
    assert model.vs_error == pytest.approx((0.2, 0.03))


def test_errors_of_joined_depths_are_those_of_the_depth_above(tmp_path):
    text = (
        "depth_km,vp,vs,vp_error,vs_error\n0,4,2,.4,.2\n5,5,3,.3,.2\n5,6,3.5,.1,.1\n9,7,4,.1,.1\n"
    )
    model = loaded(tmp_path, text)
    assert model.tops == (0.0, 5.0, 9.0)
    assert model.vp_error == (0.4, 0.1, 0.1)
    assert np.isfinite(model.error_share(-1.0, 12.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("top_km,vp,vs,vp_error,vs_error\n0,4,2,-1,0.1\n", "0 at least"),
        ("top_km,vp,vs,vp_error,vs_error\n0,4,2,x,0.1\n", "every row needs errors"),
    ],
)
def test_errors_that_are_none_are_refused(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        loaded(tmp_path, text)
