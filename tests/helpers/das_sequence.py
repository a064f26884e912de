"""One synthetic sequence recorded by seismometers and by a fibre, with known sources."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import obspy
import onset_network
import xdas
from scipy.signal import butter, sosfilt
from workfolder import WorkFolder
from xdas.coordinates import Coordinate

from quakeline.core.geometry import LocalFrame

START = obspy.UTCDateTime("2021-06-01T00:00:00")
SECONDS, RATE = 300, 100
VP, VS = 5.0, 2.9
FRAME = LocalFrame(46.0, 8.0)
#: Origin in s after START; x, y, depth in km.
SOURCES = ((60.0, 2.0, -3.0, 7.0), (140.0, -4.0, 2.0, 9.0), (215.0, 5.0, 4.0, 6.0))
STATIONS = {"A": (-12.0, 0.0), "B": (3.0, 12.0), "C": (11.0, -8.0), "D": (-6.0, -11.0)}
#: The fibre begins at x, y in km and runs to the east.
FIBRE, N_CHANNELS, SPACING_M = (-3.0, -1.0), 150, 20.0
DEAD = 40
FILES = 5


@dataclass(frozen=True)
class Burst:
    """What a source sends: filtered noise that begins at once and fades."""

    seed: int
    low_hz: float
    high_hz: float
    fade_s: float

    def at(self, times: np.ndarray) -> np.ndarray:
        """Motion at times in s after the onset, zero before it."""
        rng = np.random.default_rng(self.seed)
        fine = sosfilt(
            butter(3, [self.low_hz, self.high_hz], "bandpass", fs=400, output="sos"),
            rng.normal(size=8_000),
        )
        grid = np.arange(8_000) / 400
        fine *= np.exp(-grid / self.fade_s) * (1 - np.exp(-grid / 0.03))
        return np.interp(times, grid, fine, left=0.0, right=0.0)


def delays(x: np.ndarray, y: np.ndarray, source: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Seconds after START at which P and S of a source come to points."""
    distance = np.sqrt((x - source[1]) ** 2 + (y - source[2]) ** 2 + source[3] ** 2)
    return {"P": source[0] + distance / VP, "S": source[0] + distance / VS}


def furnish(place: WorkFolder, more: str = "") -> str:
    """Write data, tables and the overlay with more sections; return the path of the overlay."""
    data = place.folder / "data"
    data.mkdir()
    rows = ["network,station,latitude,longitude,elevation_m"]
    for number, (name, (x, y)) in enumerate(STATIONS.items()):
        latitude, longitude = FRAME.to_latlon(np.array([x]), np.array([y]))
        rows.append(f"XX,{name},{latitude[0]},{longitude[0]},0")
        _write_station(data, name, x, y, number)
    _write_fibre(data)
    (place.folder / "stations.csv").write_text("\n".join(rows) + "\n")
    (place.folder / "velocity.csv").write_text(f"depth_km,vp,vs\n0,{VP},{VS}\n")
    latitude, longitude = (float(v[0]) for v in FRAME.to_latlon(*map(np.atleast_1d, FIBRE)))
    return place.overlay(
        f"""
run: sequence
time: {{start: 2021-06-01T00:00:00Z, end: 2021-06-01T00:05:00Z}}
stations: {{table: stations.csv}}
fetch: {{source: {{kind: files, paths: [data/*.mseed]}}}}
fibres:
  - name: CABLE
    source: {{kind: files, paths: [data/*.nc]}}
    gauge_length_m: 20
    channels: {{line: {{latitude: {latitude}, longitude: {longitude}, azimuth_deg: 90}}}}
das_pick: {{slowest_m_s: 1500, associate_every_m: 500}}
velocity: {{table: velocity.csv}}
associate: {{margin_km: 15, depth_km: [0, 15], min_picks: 8, tolerance_s: 0.5}}
locate: {{depth_km: [0, 15]}}
report: {{title: A synthetic sequence}}
{more}"""
    )


def furnish_own(place: WorkFolder) -> str:
    """The same with a network of the fibre's own, whose class and weights lie in the folder."""
    shutil.copy(onset_network.__file__, place.folder)
    onset_network.Onset().save(place.folder / "onset.safetensors")
    return furnish(
        place,
        """
das_weights:
  kind: das
  model: onset_network:Onset
  weights: onset.safetensors
  window_samples: 3000
""",
    )


def _write_station(folder: Path, name: str, x: float, y: float, number: int) -> None:
    rng = np.random.default_rng(100 + number)
    times = np.arange(SECONDS * RATE) / RATE
    for k, component in enumerate("ZNE"):
        motion = rng.normal(size=len(times))
        for n, source in enumerate(SOURCES):
            came = delays(np.array([x]), np.array([y]), source)
            for phase, gain in (("P", (60, 20, 20)[k]), ("S", (40, 120, 120)[k])):
                burst = _burst(phase, 1000 * n + 10 * number + k)
                motion += gain * burst.at(times - came[phase][0])
        header = {"network": "XX", "station": name, "channel": f"HH{component}"}
        header |= {"sampling_rate": RATE, "starttime": START}
        trace = obspy.Trace((motion * 1000).astype(np.int32), header)
        trace.write(str(folder / f"{name}.HH{component}.mseed"), format="MSEED")


def _burst(phase: str, seed: int) -> Burst:
    band = (4.0, 14.0, 1.2) if phase == "P" else (2.0, 9.0, 2.5)
    return Burst(seed + (500_000 if phase == "S" else 0), *band)


def _write_fibre(folder: Path) -> None:
    rng = np.random.default_rng(7)
    times = np.arange(SECONDS * RATE) / RATE
    motion = rng.normal(size=(len(times), N_CHANNELS))
    x = FIBRE[0] + np.arange(N_CHANNELS) * SPACING_M / 1000
    for n, source in enumerate(SOURCES):
        came = delays(x, np.full(N_CHANNELS, FIBRE[1]), source)
        for phase, gain in (("P", 40), ("S", 140)):
            burst = _burst(phase, 1000 * n + 998)
            for channel in range(N_CHANNELS):
                motion[:, channel] += gain * burst.at(times - came[phase][channel])
    motion[:, DEAD] = 0
    per = len(times) // FILES
    for k in range(FILES):
        start = np.datetime64("2021-06-01T00:00:00", "ns") + np.timedelta64(k * per * 10, "ms")
        coords = {
            "time": Coordinate["sampled"].from_block(
                start, per, np.timedelta64(10_000_000, "ns"), dim="time"
            ),
            "distance": Coordinate["sampled"].from_block(
                0.0, N_CHANNELS, SPACING_M, dim="distance"
            ),
        }
        block = motion[k * per : (k + 1) * per].astype(np.float32) * np.float32(1e-9)
        xdas.DataArray(block, coords).to_netcdf(str(folder / f"cable_{k}.nc"))
