import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.core.geometry import LocalFrame, azimuthal_gap, distance_azimuth, neighbours

places = st.tuples(st.floats(-85, 85), st.floats(-180, 180))


@given(places, st.floats(-150, 150), st.floats(-150, 150))
@settings(deadline=None, max_examples=50)
def test_local_coordinates_round_trip(place, x, y):
    frame = LocalFrame(*place)
    there = frame.to_latlon(np.array([x]), np.array([y]))
    assert np.concatenate(frame.to_xy(*there)) == pytest.approx([x, y], abs=1e-6)


@given(places, st.floats(-100, 100), st.floats(-100, 100))
@settings(deadline=None, max_examples=50)
def test_distances_from_the_middle_are_geodesic(place, x, y):
    frame = LocalFrame(*place)
    latitude, longitude = frame.to_latlon(np.array([x]), np.array([y]))
    distance, azimuth = distance_azimuth(*place, latitude, longitude)
    assert distance[0] == pytest.approx(np.hypot(x, y), abs=1e-5)
    if np.hypot(x, y) > 1:
        turned = (azimuth[0] - np.degrees(np.arctan2(x, y)) + 180) % 360 - 180
        assert abs(turned) < 1e-4


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "middle"),
    [
        ([0.0, 0.0], [179.0, -179.0], (0.0, 180.0)),
        ([-17.0, -17.2, -16.8], [179.9, -179.9, 180.0], (-17.0, 180.0)),
        ([89.0, 89.0], [0.0, 180.0], (90.0, None)),
        ([70.0, 70.0], [20.0, 30.0], (70.08, 25.0)),
    ],
)
def test_the_middle_of_a_network_across_the_date_line_or_a_pole(latitudes, longitudes, middle):
    frame = LocalFrame.around(np.array(latitudes), np.array(longitudes))
    assert frame.latitude == pytest.approx(middle[0], abs=0.02)
    if middle[1] is not None:
        assert abs((frame.longitude - middle[1] + 180) % 360 - 180) < 1e-3
    x, y = frame.to_xy(np.array(latitudes), np.array(longitudes))
    assert np.abs([x, y]).max() < 200


def test_known_distance_and_azimuth():
    """Munich to Vienna, 355 km towards the east."""
    distance, azimuth = distance_azimuth(48.137, 11.575, np.array([48.208]), np.array([16.373]))
    assert distance == pytest.approx([356.5], abs=0.5)
    assert azimuth == pytest.approx([87.0], abs=0.5)
    over = distance_azimuth(0.0, 179.5, np.array([0.0]), np.array([-179.5]))
    assert np.concatenate(over) == pytest.approx([111.32, 90.0], abs=0.01)


@pytest.mark.parametrize(
    ("azimuths", "gap"),
    [
        ([], 360),
        ([10], 360),
        ([10, 10, 370], 360),
        ([0, 180], 180),
        ([350, 10], 340),
        ([0, 90, 180, 270], 90),
        ([80, 0, 200], 160),
    ],
)
def test_largest_gap_between_azimuths(azimuths, gap):
    assert azimuthal_gap(np.array(azimuths, dtype=float)) == gap


def test_events_have_their_nearest_as_neighbours():
    n = 30
    events = pd.DataFrame(
        {"latitude": 47 + 0.001 * np.arange(n), "longitude": 11.0, "depth_km": 5.0}
    )
    close = neighbours(events, 2, 5.0)
    assert (close["second"] - close["first"]).max() == 2
    assert not close.duplicated(["first", "second"]).any()
    assert close["apart_km"].iloc[0] == pytest.approx(0.111, abs=0.001)
    for none in (
        neighbours(events, 5, 0.05),
        neighbours(events[:1], 5, 5),
        neighbours(events[:0], 5, 5),
    ):
        assert len(none) == 0
