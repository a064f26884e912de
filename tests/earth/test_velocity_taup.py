"""Models of TauP, against its own travel times in obspy."""

from pathlib import Path

import numpy as np
import obspy.taup
import pytest

from quakeline.core.errors import DataError
from quakeline.earth.sections import Layers
from quakeline.earth.shipped import VELOCITY_MODELS
from quakeline.earth.velocity import first_arrivals, load

DATA = Path(obspy.taup.__file__).parent / "data"
EARTH_KM = 6371.0


@pytest.mark.parametrize(
    ("name", "phase"), [("ak135.tvel", "P"), ("ak135.tvel", "S"), ("1066a.nd", "P")]
)
def test_times_of_local_events_are_those_of_taup(name: str, phase: str) -> None:
    """The Earth is flat here and round there, which is 0.3 % at 150 km."""
    model = load(DATA / name)
    assert "joined by straight lines" in model.reading
    there = obspy.taup.TauPyModel(Path(name).stem)
    names = [phase.lower(), phase, f"{phase}n", f"{phase}g"]
    for distance in (20.0, 60.0, 150.0):
        rays = there.get_travel_times(10.0, np.degrees(distance / EARTH_KM), names)
        first = min(ray.time for ray in rays)
        here = first_arrivals(model, phase, 0.0, np.array([distance]), np.array([10.0]))
        assert here[0, 0] == pytest.approx(first, rel=4e-3)


def test_the_core_is_left_out() -> None:
    model = load(DATA / "prem.nd")
    assert max(model.tops) == 2891
    assert min(model.vs) > 3


def test_a_line_without_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.nd"
    path.write_text("0 5.8 3.4 2.7\nmoho\n35 nonsense\n")
    with pytest.raises(DataError, match="line 3: 35 nonsense given; depth, vp and vs are needed"):
        load(path)


def test_a_mean_of_the_earth_is_general_and_a_crust_is_not(tmp_path: Path) -> None:
    """By what a file holds, whatever it is called; stated errors follow from it."""
    crust = "depth_km,vp,vs\n-2,5.2,3.0\n5,6.1,3.5\n30,7.9,4.5\n"
    copied = VELOCITY_MODELS["iasp91"].read_text(encoding="utf-8").replace("5.8,", "5.80, ")
    deep = crust + "".join(f"{z},{8 + z / 500},{(8 + z / 500) / 1.8}\n" for z in (300, 660, 940))
    for text, general in ((crust, False), ("# mine\n" + copied, True), (deep, False)):
        (tmp_path / "own.csv").write_text(text)
        assert load(tmp_path / "own.csv").general == general
    assert load(DATA / "ak135.tvel").general
    assert Layers(table="iasp91").model().general
