"""The readers of everything that comes from outside, and real files for them."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import das_files
import h5py
import numpy as np
import obspy
import pandas as pd
import torch
from fuzz.mutations import mutated
from maps import geotiff, netcdf3, netcdf4, shapefile
from obspy.io.sac import SACTrace
from workfolder import demo_like

from quakeline.core.errors import QuakelineError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, Span
from quakeline.earth import velocity
from quakeline.events.mechanisms import hash_files, polarities, reference, skhash_files
from quakeline.fibres.recordings import channels, files
from quakeline.fibres.recordings.description import AutoFormat, Channels
from quakeline.io.formats import inventory, pick_tables, station_tables, waveform_files
from quakeline.io.products import tables
from quakeline.models import cards, weights
from quakeline.report.basemap import grids, shapefiles
from quakeline.training.datasets import opening
from quakeline.training.datasets.records import Dataset
from quakeline.waveforms.sources import archive_list
from quakeline.workflow import cluster, config, reproduction

REPOSITORY = Path(__file__).resolve().parents[2]
#: A reader that takes longer on a small file hangs.
TIMEOUT_S = 20


@dataclass(frozen=True)
class Reader:
    """A reader and a real file that it reads without error."""

    name: str
    suffix: str
    read: Callable[[Path], Any]
    content: bytes


class Hang(BaseException):
    """A reader did not come back; no reader can swallow it."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise Hang in the block after some seconds."""

    def stop(*_: object) -> None:
        raise Hang(f"{seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tried(reader: Reader, seed: int, folder: Path) -> str:
    """Read one damaged copy: `read` or `refused`; anything else is raised."""
    path = folder / f"case{reader.suffix}"
    path.write_bytes(mutated(reader.content, seed))
    with limited(TIMEOUT_S), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            reader.read(path)
        except QuakelineError as error:
            if not str(error):
                raise AssertionError("a refusal without a word") from error
            return "refused"
    return "read"


def readers(folder: Path) -> list[Reader]:
    """All readers, with files made in a folder."""
    return [
        Reader("config", ".yaml", _config, demo_like({}).as_yaml().encode()),
        Reader("site", ".yaml", _site, _example("profiles/slurm/site.example.yaml")),
        Reader(
            "stations",
            ".csv",
            station_tables.read_table,
            _example("config/unterhaching/stations.csv"),
        ),
        Reader("velocity", ".csv", velocity.load, _example("config/unterhaching/velocity.csv")),
        Reader("picks csv", ".csv", pick_tables.read, _PICKS),
        Reader("picks parquet", ".parquet", lambda p: tables.read(p, PICKS), _parquet(folder)),
        Reader("polarities", ".csv", _polarities, _POLARITIES),
        Reader("HASH phases", ".phase", hash_files.phases, _HASH),
        Reader("SKHASH phases", ".csv", skhash_files.phases, _SKHASH),
        Reader("SKHASH rays", ".csv", skhash_files.phases, _SKHASH_RAYS),
        Reader("mechanisms csv", ".csv", reference.read, _PLANES),
        Reader("mechanisms HASH", ".out", reference.read, _HASH_OUT),
        Reader("archive list", ".txt", _archive_list, b"XX.A..HHZ /data/a.mseed\nb.mseed\n"),
        Reader("StationXML", ".xml", lambda p: inventory.read([p]), _stationxml(folder)),
        Reader("miniSEED", ".mseed", waveform_files.read_headers, _miniseed(folder)),
        Reader("fibre", ".nc", lambda p: files.open_file(p, AutoFormat()), _fibre(folder)),
        Reader("fibre channels", ".csv", _channels, _CHANNELS),
        Reader("weights", ".safetensors", _read_weights, _weights(folder)),
        Reader("STEAD", ".hdf5", _records, _stead(folder)),
        Reader("windows", ".h5", _records, _windows(folder)),
        Reader("SAC", ".sac", _sac_folder, _sac(folder)),
        Reader("metadata", ".csv", lambda p: _records_of(_seisbench(p)), _METADATA),
        Reader("shapefile", ".shp", shapefiles.lines, _shapefile(folder)),
        Reader("GeoTIFF", ".tif", grids.read, _grid(folder, geotiff)),
        Reader("NetCDF grid", ".grd", grids.read, _grid(folder, netcdf3)),
        Reader("NetCDF-4 grid", ".nc", grids.read, _grid(folder, netcdf4)),
        Reader("crate", ".json", reproduction._entities, b'{"@graph": [{"@id": "./", "a": [1]}]}'),
    ]


_METADATA = (
    b"trace_name,source_id,trace_P_arrival_sample,split,trace_sampling_rate_hz\n"
    b"bucket0$0,:3,:9,e,2,train,100\n"
).replace(b"bucket0$0,:3,:9", b'"bucket0$0,:3,:9"')
_CHANNELS = b"channel,latitude,longitude,elevation_m,distance_m\n0,47,11,500,0\n1,47.1,11,5e2,10\n"
_PICKS = b"station,phase,time,probability\nBW.UH1,P,2010-05-27T16:24:33.1,0.9\nUH2,S,2010-05-27,1\n"

_POLARITIES = b"""\
time,network,station,polarity,probability
2010-05-27T16:24:33.1Z,BW,UH1,U,0.9
2010-05-27T16:24:33Z,BW,UH2,-1,1
"""
_HASH = b"""\
94 1211104155034 1455118 3706 181323
IR2 IPD0                   0                               258121           51  10   1     X   VHZ
SWM IPU0                   0                               528103            3  10   1     X   VHZ

"""
_SKHASH = b"""\
event_id,event_id2,station,location,channel,p_polarity,origin_latitude,origin_longitude,origin_depth_km
1,81905289,GTC,--,EHZ,0.02566,39.36743,-123.25380,7.14200
"""
_SKHASH_RAYS = b"""\
event_id,network,station,p_polarity,takeoff,azimuth,sr_dist_km,origin_latitude,origin_longitude,origin_depth_km
1,NC,GTC,0.9,83.4,277.8,26.1,39.36743,-123.25380,7.14200
1,NC,HBW,-1,97.5,150.1,65.2,39.36743,-123.25380,7.14200
"""
_PLANES = b"""\
event_id,time,strike,dip,rake
a,2010-05-27T16:24:33.1Z,30,50,70
b,,200.5,85,-10
"""
_HASH_OUT = b"""\
 3143312 1994  1 21 11  4 15.500 L 2.300 X  34.24250 -118.61767  18.130 X  -9.000   0.070   0.100\
  -9.000    -18   -9   -9  254  60   46   26 23  30  9 B  79 66
"""


def _example(name: str) -> bytes:
    return (REPOSITORY / name).read_bytes()


def _config(path: Path) -> object:
    return config.read(config.read_yaml(path), REPOSITORY / config.DEFAULT)


def _site(path: Path) -> object:
    import os

    os.environ[cluster.VARIABLE] = str(path)
    try:
        return cluster.read_site(path.parent)
    finally:
        del os.environ[cluster.VARIABLE]


def _archive_list(path: Path) -> object:
    source = archive_list.ArchiveList.model_validate(
        {"kind": "archive_list", "list_file": str(path)}
    )
    return source.files(Span(0, SECOND))


def _polarities(path: Path) -> object:
    names = {"event_id": "e", "latitude": 48.0, "longitude": 11.6, "depth_km": 5.0}
    events = pd.DataFrame([names | {"time": pd.Timestamp("2010-05-27T16:24:33", tz="UTC")}])
    return polarities.of_catalog(path, events)


def _channels(path: Path) -> object:
    return channels.describe("A", Channels(table=str(path)), np.arange(3.0))


def _fibre(folder: Path) -> bytes:
    return das_files.write(folder, "fibre", np.zeros((50, 3), "f4")).read_bytes()


def _shapefile(folder: Path) -> bytes:
    return shapefile(folder / "a.shp", [np.array([[6.0, 46.0], [7.0, 47.0]])] * 3).read_bytes()


def _grid(folder: Path, write: Callable[..., Path]) -> bytes:
    axes = 6 + np.arange(9.0), 46 + np.arange(8.0)
    return write(folder / "grid", *axes, np.arange(72.0).reshape(8, 9)).read_bytes()


def _parquet(folder: Path) -> bytes:
    tables.write(tables.empty(PICKS), PICKS, folder / "picks.parquet")
    return (folder / "picks.parquet").read_bytes()


def _stationxml(folder: Path) -> bytes:
    whole = obspy.read_inventory()
    whole.select(station="FUR", channel="BHZ").write(
        str(folder / "stations.xml"), format="STATIONXML"
    )
    return (folder / "stations.xml").read_bytes()


def _miniseed(folder: Path) -> bytes:
    trace = obspy.Trace(np.arange(1000, dtype="i4"), {"network": "BW", "station": "A"})
    trace.write(str(folder / "a.mseed"), format="MSEED", reclen=512)
    return (folder / "a.mseed").read_bytes()


def _weights(folder: Path) -> bytes:
    """An ensemble of one network of the person's own: its card and its members are JSON."""
    source = cards.GivenFiles("a folder", (cards.SourceFile("a.pt", "0" * 64),))
    card = replace(cards.CARDS["gpd"], name="mine", network="custom", source=source, digest="")
    member = {"w": torch.zeros(3)}, card
    state, described = weights.together(replace(card, members=(card,)), [member])
    weights.save(folder / "w.safetensors", state, described)
    return (folder / "w.safetensors").read_bytes()


def _read_weights(path: Path) -> None:
    weights.members_of(path)
    weights.load(path)
    weights.load(path, 0)


def _records(path: Path) -> None:
    """Open a data set and read all its records."""
    _records_of(opening.open_dataset(path))


def _records_of(found: Dataset) -> None:
    for row in range(len(found)):
        found.samples(row)
        found.onsets(row)


def _stead(folder: Path) -> bytes:
    with h5py.File(folder / "stead.hdf5", "w") as file:
        array = file.create_dataset("data/a_EV", data=np.ones((60, 3), "f4"))
        array.attrs.update(network_code="TA", receiver_code="A", source_id="1",
                           p_arrival_sample=7.0, s_arrival_sample=20.0)  # fmt: skip
    return (folder / "stead.hdf5").read_bytes()


def _windows(folder: Path) -> bytes:
    with h5py.File(folder / "windows.h5", "w") as file:
        file["X"], file["Y"] = np.ones((3, 40, 3), "f4"), np.array([[0], [1], [2]])
    return (folder / "windows.h5").read_bytes()


def _sac(folder: Path) -> bytes:
    place = {"evla": 24.0, "evlo": 121.5, "evdp": 10.0, "stla": 24.2, "stlo": 121.6, "o": -3.0}
    trace = SACTrace(data=np.ones(900, "f4"), delta=0.01, kstnm="A", kcmpnm="HLZ", **place)
    trace.write(str(folder / "a.sac"))
    return (folder / "a.sac").read_bytes()


def _sac_folder(path: Path) -> None:
    """The file alone in a folder."""
    folder = path.parent / "sac"
    folder.mkdir(exist_ok=True)
    path.rename(folder / path.name)
    _records(folder)


def _seisbench(path: Path) -> Dataset:
    """The table beside a file of waveforms that is whole."""
    folder = path.parent / "seisbench"
    folder.mkdir(exist_ok=True)
    path.rename(folder / "metadata.csv")
    with h5py.File(folder / "waveforms.hdf5", "w") as file:
        file["data/bucket0"] = np.ones((1, 3, 9), "f4")
    return opening.open_dataset(folder)
