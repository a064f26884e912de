"""Velocity grids for tests, and their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity import GridModel, Network, VelocityModel
from quakeline.earth.velocity.places import around

#: Velocity at sea level in km/s and its gradient in 1/s; vp/vs.
START, GRADIENT, RATIO = 5.0, 0.05, 1.75
FRAME = LocalFrame(46.0, 9.0)
TRANSFORM = "TRANSFORM  SIMPLE LatOrig 48.000000  LongOrig 11.000000  RotCW 0.000000"


def gradient(node_km: float | None = None) -> GridModel:
    """vp = 5 + 0.05 z at nodes 1 km apart, around `FRAME`."""
    axis, depth = np.arange(-30.0, 31.0), np.arange(-3.0, 19.0)
    vp = np.broadcast_to(START + GRADIENT * depth, (len(axis), len(axis), len(depth)))
    vp = vp.astype(np.float32)
    return GridModel((axis, axis, depth), vp, vp / np.float32(RATIO), around(46.0, 9.0), False,
                     node_km, "a gradient: of a test")  # fmt: skip


def network(places: list[tuple[float, float, float]], reach_km: float = 20.0) -> Network:
    """Stations at x, y and depth in km, and sources down to 15 km around them."""
    table = pd.DataFrame(places, columns=["x", "y", "depth_km"], dtype=float)
    table["latitude"], table["longitude"] = FRAME.to_latlon(*table[["x", "y"]].to_numpy().T)
    table["network"], table["station"] = "XX", [f"S{n}" for n in range(len(table))]
    return Network(FRAME, table, np.array([[-reach_km, -reach_km, -1.8], [reach_km, reach_km, 15]]))


def exact(station_km: float, distance: np.ndarray, depth: np.ndarray, phase: str) -> np.ndarray:
    """Times in s in the gradient between two depths (Aki & Richards 2002, section 9.3)."""
    ratio = 1.0 if phase == "P" else RATIO
    one, other, slope = (
        (START + GRADIENT * station_km) / ratio, (START + GRADIENT * depth) / ratio,
        GRADIENT / ratio,
    )  # fmt: skip
    squared = distance**2 + (depth - station_km) ** 2
    return np.arccosh(1 + slope**2 * squared / (2 * one * other)) / slope


def nonlinloc(
    folder: Path, model: VelocityModel, step: float = 1.0, *, kind: str = "SLOW_LEN",
    order: str = "<", transform: str = TRANSFORM, half: int = 60, top: float = -3.0,
    deep: int = 30,
) -> Path:  # fmt: skip
    """Buffers of cells that hold layers, as Vel2Grid makes them; the header of P."""
    depth = top + (np.arange(round(deep / step)) + 0.5) * step
    count = round(2 * half / step)
    shape = count, count, len(depth)
    for phase in "PS":
        speed = model.at(depth, phase)
        values = {"SLOW_LEN": step / speed, "VELOCITY_METERS": speed * 1000, "VELOCITY": speed,
                  "SLOW2": speed**-2, "SLOWNESS": 1 / speed}[kind]  # fmt: skip
        held = np.broadcast_to(values, shape).astype(f"{order}f4")
        (folder / f"layer.{phase}.mod.buf").write_bytes(held.tobytes())
        numbers = f"{count} {count} {len(depth)}  -{half} -{half} {top}  {step} {step} {step}"
        (folder / f"layer.{phase}.mod.hdr").write_text(f"{numbers} {kind} FLOAT\n{transform}\n")
    return folder / "layer.P.mod.hdr"
