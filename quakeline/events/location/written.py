"""Located events as rows of EVENTS and ARRIVALS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.core.geometry import azimuthal_gap, distance_azimuth
from quakeline.core.reasons import cells
from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.events.location.observations import Observations
from quakeline.events.location.posterior import Solution
from quakeline.events.location.quality import limits_of

_COVARIANCE = ("cov_ee_km2", "cov_en_km2", "cov_ed_km2", "cov_nn_km2", "cov_nd_km2", "cov_dd_km2")


def rows_of(
    sites: Sites,
    box: np.ndarray,
    joined: pd.DataFrame,
    seen: Sequence[Observations],
    solutions: Sequence[Solution],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns of EVENTS that a location gives, and the ARRIVALS.

    Parameters
    ----------
    sites, box
        The stations, and the least and largest x, y, z of the search in km, (2, 3).
    joined
        Arrivals with their picks, event by event.
    seen, solutions
        The same as observations, and the hypocentre of each event.
    """
    ends = np.cumsum([0, *(len(some) for some in seen)])
    points = np.array([one.fit.point for one in solutions])
    latitude, longitude = sites.frame.to_latlon(points[:, 0], points[:, 1])
    event = np.repeat(np.arange(len(seen)), np.diff(ends))
    places = sites.table[["latitude", "longitude"]].to_numpy()
    places = places[np.concatenate([some.site for some in seen])]
    distance, azimuth = distance_azimuth(latitude[event], longitude[event], *places.T)
    events = pd.DataFrame(
        {
            "time": pd.to_datetime(
                [s.zero_ns + round(p[3] * SECOND) for s, p in zip(seen, points, strict=True)],
                unit="ns",
                utc=True,
            ),
            "latitude": latitude,
            "longitude": longitude,
            "depth_km": points[:, 2],
            **_errors(sites, solutions),
            "rms_s": [np.sqrt(np.mean(one.fit.residual_s**2)) for one in solutions],
            "azimuthal_gap_deg": [azimuthal_gap(azimuth[a:b]) for a, b in pairwise(ends)],
            "min_distance_km": np.minimum.reduceat(distance, ends[:-1]),
        }
    )
    phase = joined["phase"].to_numpy()
    told = [
        cells("quality", limits_of(points[n], box, row, phase[ends[n] : ends[n + 1]]))
        for n, row in enumerate(_limiting(events))
    ]
    events["quality"] = [one["quality"] or "good" for one in told]
    events["quality_codes"] = [one["quality_codes"] for one in told]
    stated = joined["time_sigma_s"].notna().to_numpy()
    sigma = np.concatenate([some.sigma_s for some in seen])
    arrivals = joined[["event_id", "pick_id", "phase"]].assign(
        residual_s=np.concatenate([one.fit.residual_s for one in solutions]),
        distance_km=distance,
        azimuth_deg=azimuth,
        weight=np.concatenate([one.fit.weight for one in solutions]),
        pick_sigma_s=np.where(
            stated, sigma, np.concatenate([one.fit.scale_s for one in solutions])
        ),
    )
    return events, arrivals


def _limiting(events: pd.DataFrame) -> Iterator[dict[str, float]]:
    """What `limits_of` looks at of each event."""
    names = ["azimuthal_gap_deg", "horizontal_sigma_km", "depth_sigma_km"]
    for row in events[names].itertuples(index=False, name=None):
        yield dict(zip(names, row, strict=True))


def _errors(sites: Sites, solutions: Sequence[Solution]) -> dict[str, np.ndarray]:
    """Standard deviations and covariances of events, axes to the east, to the north and down."""
    points = np.array([one.fit.point for one in solutions])
    turns = sites.frame.turned(points[:, 0], points[:, 1])
    covariance = np.array([one.covariance for one in solutions])
    near = np.array([one.relative for one in solutions])
    space = np.array(
        [turn @ one[:3, :3] @ turn.T for turn, one in zip(turns, covariance, strict=True)]
    )
    rows, columns = np.triu_indices(3)
    return {
        "time_sigma_s": np.sqrt(covariance[:, 3, 3]),
        "horizontal_sigma_km": np.sqrt(np.linalg.eigvalsh(space[:, :2, :2])[:, -1]),
        "depth_sigma_km": np.sqrt(covariance[:, 2, 2]),
        "relative_horizontal_sigma_km": np.sqrt(np.linalg.eigvalsh(near[:, :2, :2])[:, -1]),
        "relative_depth_sigma_km": np.sqrt(near[:, 2, 2]),
        **dict(zip(_COVARIANCE, space[:, rows, columns].T, strict=True)),
    }
