"""PyOcto as the engine of association.

Source: Muenchmeyer, J. (2024), PyOcto: a high-throughput seismic phase associator, Seismica 3,
doi:10.26443/seismica.v3i1.1130.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyocto

from quakeline.association.rules import Search
from quakeline.sites import Sites
from quakeline.velocity import Domain, VelocityModel, first_arrivals

#: Picks may differ by this share of the tolerance from what a cell allows. Cells are as large as
#: the tolerance: with all of it many look full that are not, and each takes time to find out.
_CELL_SHARE = 1 / 3
#: Id of the pick that marks the start of a block.
_MARK = ""


class Octo:
    """PyOcto, set up for a network; `folder` holds its table of travel times.

    With a layered model PyOcto takes all stations for ones at depth zero and corrects vertically
    for the rest, and knows no sources above zero: so depths are counted from the stations' own.
    """

    name = "pyocto"

    def __init__(self, sites: Sites, model: VelocityModel, search: Search, folder: Path) -> None:
        local = sites.local
        self._model, self._search, self._folder = model, search, folder
        self._datum = 0.0 if model.homogeneous else _datum(local["depth_km"], search)
        self._limits = [_limits(local[name], search.margin_km) for name in ("x", "y")]
        self._depths = _depth_limits(local["depth_km"], model, search, self._datum)
        self._stations = pd.DataFrame(
            {
                "id": local.index.astype(str),
                "x": local["x"],
                "y": local["y"],
                "z": local["depth_km"] - self._datum,
            }
        )
        (west, east), (south, north) = self._limits
        self._diagonal = float(np.hypot(east - west, north - south))
        deepest = search.depth_km[1] - float(local["depth_km"].min())
        farthest = min(self._diagonal, search.max_distance_km)
        self.longest_s = float(np.hypot(farthest, deepest)) / min(model.vs)
        if not model.homogeneous:
            self._write_times()

    def associate(
        self, picks: pd.DataFrame, start_s: float, end_s: float
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events (idx, time, x, y, z) and picks (event_idx, residual, and the columns given).

        `picks` has pick_id, site, station (the site as text), phase, probability, and time in s,
        all within start and end. PyOcto halves time from the first pick on: one that belongs to
        nothing stands at the start, so that its cells do not depend on which picks there are.
        """
        mark = pd.DataFrame(
            {"pick_id": [_MARK], "site": [0], "station": ["0"], "phase": ["P"]}
        ).assign(probability=0.0, time=start_s)
        picks = pd.concat([mark, picks], ignore_index=True)
        search = self._search
        octo = pyocto.OctoAssociator(
            xlim=self._limits[0],
            ylim=self._limits[1],
            zlim=self._depths,
            velocity_model=self._velocity(),
            time_before=self.longest_s,
            time_slicing=end_s - start_s + 1,
            min_node_size=search.node_km,
            min_node_size_location=min(1.5, search.node_km / 4),
            # Fewer cells at a time than PyOcto's 6 and 4: what is left to find is found later.
            location_split_depth=5,
            location_split_return=3,
            pick_match_tolerance=search.tolerance_s,
            min_interevent_time=search.min_interevent_s,
            n_picks=search.min_picks,
            n_p_picks=search.min_p_picks,
            n_s_picks=search.min_s_picks,
            n_p_and_s_picks=search.min_p_and_s,
            n_threads=1,
        )
        found, assigned = octo.associate(picks, self._stations)
        if not found.empty:
            found["z"] += self._datum
        return found, assigned[assigned["pick_id"] != _MARK]

    def _velocity(self) -> Any:
        search, model = self._search, self._model
        farthest = min(search.max_distance_km, 1e9)
        allowed_s = _CELL_SHARE * search.tolerance_s
        reach = {
            "association_cutoff_distance": farthest,
            "location_cutoff_distance": farthest,
        }
        if model.homogeneous:
            return pyocto.VelocityModel0D(model.vp[0], model.vs[0], allowed_s, **reach)
        surface = {
            phase: float(model.at(np.array([self._datum]), phase)[0]) for phase in ("P", "S")
        }
        return pyocto.VelocityModel1D(
            self._folder / "times.bin",
            allowed_s,
            surface_p_velocity=surface["P"],
            surface_s_velocity=surface["S"],
            **reach,
        )

    def _write_times(self) -> None:
        """PyOcto's binary table of travel times."""
        domain = Domain(self._diagonal, self._datum, self._search.depth_km[1], nodes=600)
        times = {
            phase: first_arrivals(self._model, phase, self._datum, domain.distances, domain.depths)
            for phase in ("P", "S")
        }
        with (self._folder / "times.bin").open("wb") as file:
            file.write(struct.pack("iid", *times["P"].shape, domain.step))
            file.write(times["P"].tobytes() + times["S"].tobytes())


def _datum(depths_km: pd.Series, search: Search) -> float:
    """Depth from which PyOcto counts: of the middle station, or where the search begins."""
    highest = max(search.depth_km[0], float(depths_km.min()))
    return min(float(depths_km.median()), highest)


def _depth_limits(
    depths_km: pd.Series, model: VelocityModel, search: Search, datum: float
) -> tuple[float, float]:
    """Depths of the search, counted from the datum; in a layered model below the stations."""
    top, bottom = search.depth_km
    if not model.homogeneous:
        top = max(top, float(depths_km.min()))
    return top - datum, bottom - datum


def _limits(values: pd.Series, margin: float) -> tuple[float, float]:
    return float(values.min()) - margin, float(values.max()) + margin
