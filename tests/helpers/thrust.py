"""An event of a known mechanism in a half-space: stations, picks, velocities and polarities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from synthetics import network, picks_of

from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity import VelocityModel
from quakeline.events.mechanisms import rotations, search

#: Strike, dip and rake of an oblique thrust, and where it is: east, north, down in km.
PLANE, SOURCE = (30.0, 50.0, 70.0), (2.0, -3.0, 9.0)


def straight(
    stations: pd.DataFrame, frame: LocalFrame, source: tuple[float, float, float] = SOURCE
) -> tuple[np.ndarray, np.ndarray]:
    """Azimuths and take-off angles of straight rays, in degrees."""
    x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    east, north = x - source[0], y - source[1]
    down = -stations["elevation_m"].to_numpy() / 1000 - source[2]
    level = np.hypot(east, north)
    return np.degrees(np.arctan2(east, north)) % 360, np.degrees(np.arctan2(level, down))


def written(folder: Path, count: int = 30) -> tuple[pd.DataFrame, LocalFrame, pd.DataFrame]:
    """Write stations.csv, picks.csv and velocity.csv.

    Gives the stations, their frame, and the polarities: network, station, polarity.
    """
    stations, frame = network(n=count, radius_km=25)
    columns = ["network", "station", "latitude", "longitude", "elevation_m"]
    stations[columns].to_csv(folder / "stations.csv", index=False)
    (folder / "velocity.csv").write_text("depth_km,vp,vp_vs\n0,5.8,1.7313\n")
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    picks = picks_of(stations, frame, model, SOURCE, seconds=100.0)
    named = picks.assign(station=picks["network"] + "." + picks["station"])
    named[["station", "phase", "time"]].to_csv(folder / "picks.csv", index=False)
    return stations, frame, polarities_of(stations, frame)


def polarities_of(stations: pd.DataFrame, frame: LocalFrame) -> pd.DataFrame:
    """Polarities U and D of the mechanism at stations."""
    (truth,) = rotations.frames(*(np.array([angle]) for angle in PLANE))
    wave = search.amplitudes(rotations.moments(truth[None]), *straight(stations, frame))[0]
    return stations[["network", "station"]].assign(polarity=np.where(wave > 0, "U", "D"))


def kagan(row: object) -> float:
    """Angle in degrees between the mechanism of a row of MECHANISMS and the true one."""
    angles = [getattr(row, f"{name}_1_deg") for name in ("strike", "dip", "rake")]
    own = rotations.frames(*(np.array([angle]) for angle in angles))
    known = rotations.frames(*(np.array([angle]) for angle in PLANE))
    return float(rotations.angles(own, known)[0])
