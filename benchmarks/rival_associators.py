"""Events of another associator from a set of picks, in an environment of its own.

`python benchmarks/rival_associators.py pyocto|gamma FOLDER EVENTS.csv ARRIVALS.csv`: FOLDER has
picks.csv and stations.csv. PyOcto and GaMMA run with the settings that their own tutorials give for
regional networks (the distance of GaMMA's clusters is that of its `estimate_eps`), homogeneous
velocities, and six picks to an event; where a set has hardly any S picks none are asked for. Needs
pandas and pyproj beside `pyocto` or `GMMA`, not quakeline: GaMMA wants another NumPy.
Sources: Muenchmeyer, J. (2024), PyOcto: a high-throughput seismic phase associator, Seismica 3;
Zhu, W. et al. (2022), Earthquake phase association using a Bayesian Gaussian mixture model, JGR
Solid Earth 127.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

#: Velocity of P in km/s, and vp/vs.
P_KM_S, RATIO = 6.0, 1.75
_MARGIN_KM, _DEEPEST_KM = 50.0, 30.0
_PICKS = 6
#: With fewer S picks than this share of all, none are asked for.
_SOME_S = 0.1


def main() -> None:
    """Associate the picks of a folder, and write where the events are and which picks they have."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=("pyocto", "gamma"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("arrivals", type=Path)
    words = parser.parse_args()
    name, folder, output = words.name, words.folder, words.output
    picks, stations = _named(folder / "picks.csv"), _named(folder / "stations.csv")
    stations = stations.drop_duplicates("id").reset_index(drop=True)
    project = _projection(stations)
    x, y = project.transform(stations["longitude"].to_numpy(), stations["latitude"].to_numpy())
    elevation = stations.get("elevation_m", pd.Series(0.0, index=stations.index)).fillna(0.0)
    places = pd.DataFrame({"id": stations["id"], "x": x, "y": y, "z": -elevation / 1000})
    picks = picks[picks["id"].isin(places["id"])].reset_index(drop=True)
    times = pd.to_datetime(picks["time"], utc=True, format="ISO8601")
    picks["time"] = times.astype("datetime64[ns, UTC]")
    events, arrivals = {"pyocto": _pyocto, "gamma": _gamma}[name](picks, places)
    longitude, latitude = project.transform(events["x"], events["y"], direction="INVERSE")
    located = events.assign(latitude=latitude, longitude=longitude)
    columns = ["event_id", "time", "latitude", "longitude", "depth_km"]
    located[columns].to_csv(output, index=False)
    own = picks.iloc[arrivals["pick_id"].to_numpy()]
    network = own["network"].fillna("").to_numpy() if "network" in own else ""
    arrivals = arrivals.assign(network=network, station=own["station"].to_numpy())
    columns = ["event_id", "pick_id", "network", "station"]
    arrivals[columns].to_csv(words.arrivals, index=False)


def _named(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    network = table["network"].fillna("").astype(str) if "network" in table else ""
    return table.assign(id=network + "." + table["station"].astype(str))


def _projection(stations: pd.DataFrame) -> Any:
    from pyproj import Transformer

    middle = f"+lat_0={stations['latitude'].mean()} +lon_0={stations['longitude'].mean()}"
    return Transformer.from_crs("EPSG:4326", f"+proj=aeqd {middle} +units=km", always_xy=True)


def _limits(places: pd.DataFrame) -> dict[str, tuple[float, float]]:
    sides = {name: places[name] for name in ("x", "y")}
    return {
        name: (side.min() - _MARGIN_KM, side.max() + _MARGIN_KM) for name, side in sides.items()
    }


def _pyocto(picks: pd.DataFrame, places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pyocto

    with_s = float((picks["phase"] == "S").mean()) > _SOME_S
    some = _PICKS // 2 if with_s else 0
    limits = _limits(places)
    engine = pyocto.OctoAssociator(
        xlim=limits["x"],
        ylim=limits["y"],
        zlim=(0.0, _DEEPEST_KM),
        time_before=300.0,
        velocity_model=pyocto.VelocityModel0D(P_KM_S, P_KM_S / RATIO, 2.0),
        n_picks=_PICKS,
        n_p_picks=some or _PICKS,
        n_s_picks=some,
        n_p_and_s_picks=some,
        n_threads=1,
    )
    table = picks[["phase"]].assign(
        station=picks["id"], time=picks["time"].astype("int64").to_numpy() / 1e9
    )
    events, arrivals = engine.associate(table, places)
    found: pd.DataFrame = events.assign(
        time=pd.to_datetime(events["time"], unit="s", utc=True),
        depth_km=events["z"],
        event_id=events["idx"],
    )
    return found, arrivals.rename(columns={"event_idx": "event_id", "pick_idx": "pick_id"})


def _gamma(picks: pd.DataFrame, places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    from gamma.utils import association, estimate_eps

    limits = _limits(places)
    named = places.rename(columns={name: f"{name}(km)" for name in "xyz"})
    axes = {"x(km)": limits["x"], "y(km)": limits["y"], "z(km)": (0.0, _DEEPEST_KM)}
    bounds = [(low - 1, high + 1) for low, high in axes.values()]
    settings = {
        **axes,
        "dims": list(axes),
        "method": "BGMM",
        "use_amplitude": False,
        "vel": {"p": P_KM_S, "s": P_KM_S / RATIO},
        "use_dbscan": True,
        "dbscan_eps": estimate_eps(named, P_KM_S),
        "dbscan_min_samples": 3,
        "oversample_factor": 5,
        "covariance_prior": [5, 5],
        "bfgs_bounds": (*bounds, (None, None)),
        "min_picks_per_eq": _PICKS,
        "min_p_picks_per_eq": 0,
        "min_s_picks_per_eq": 0,
        "max_sigma11": 2.0,
        "max_sigma22": 1.0,
        "max_sigma12": 1.0,
        "ncpu": 1,
    }
    table = pd.DataFrame(
        {
            "id": picks["id"],
            "type": picks["phase"].str.lower(),
            "prob": picks["probability"].fillna(1.0) if "probability" in picks else 1.0,
            "timestamp": picks["time"].dt.tz_localize(None),
        }
    )
    made, owners = association(table, named, settings, method="BGMM")
    columns = {f"{name}(km)": name for name in "xyz"} | {"event_index": "event_id"}
    events = pd.DataFrame(made).rename(columns=columns)
    events = events.reindex(columns=["event_id", "time", *"xyz"])
    found: pd.DataFrame = events.assign(
        time=pd.to_datetime(events["time"], utc=True), depth_km=events["z"].astype(float)
    ).astype({"x": float, "y": float})
    return found, pd.DataFrame(owners, columns=["pick_id", "event_id", "score"])


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
