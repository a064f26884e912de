"""Real files of fibres cut into two that follow each other, as their recorders would have done."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

#: Seconds from 1904, from where TDMS counts, to 1970.
_TDMS_EPOCH = 2_082_844_800


def cut(path: Path, folder: Path, samples: int, rate_hz: float) -> list[Path]:
    """Two files of a maker's file: its halves, or itself and itself again, later."""
    half = samples // 2
    made = []
    for n, (first, stop) in enumerate([(0, half), (half, samples)]):
        target = folder / f"{n}_{path.name}"
        shutil.copy2(path, target)
        target.chmod(0o600)
        _CUTS[path.name](target, first, stop, rate_hz)
        made.append(target)
    return made


def repeated(path: Path, folder: Path, seconds: float) -> list[Path]:
    """A file, and the same again, later: for makers whose files cannot be cut."""
    made = []
    for n in range(2):
        target = folder / f"{n}_{path.name}"
        shutil.copy2(path, target)
        target.chmod(0o600)
        _LATER[path.name](target, n * seconds)
        made.append(target)
    return made


def _kept(file: h5py.File, name: str, first: int, stop: int) -> None:
    """Keep rows of a dataset, with its attributes."""
    values, attributes = file[name][first:stop], dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=values).attrs.update(attributes)


def _moved(text: str | bytes, seconds: float) -> str:
    words = text.decode() if isinstance(text, bytes) else text
    return (pd.Timestamp(words) + pd.Timedelta(seconds=seconds)).isoformat()


def _ap_sensing(path: Path, first: int, stop: int, rate_hz: float) -> None:
    with h5py.File(path, "r+") as file:
        _kept(file, "DAS", first, stop)
        stamp = file["Metadata/Timestamp"]
        stamp[0] = _moved(stamp[0], first / rate_hz).replace("+00:00", "Z")


def _optodas(path: Path, first: int, stop: int, rate_hz: float) -> None:
    with h5py.File(path, "r+") as file:
        _kept(file, "data", first, stop)
        file["header/time"][()] += first / rate_hz
        sizes = file["header/dimensionSizes"][()]
        file["header/dimensionSizes"][...] = [stop - first, *sizes[1:]]
        file["header/dimensionRanges/dimension0/size"][()] = stop - first
        file["header/dimensionRanges/dimension0/max"][()] = stop - first - 1


def _prodml(path: Path, first: int, stop: int, rate_hz: float) -> None:
    with h5py.File(path, "r+") as file:
        for name in ("RawData", "RawDataTime"):
            whole = f"Acquisition/Raw[0]/{name}"
            _kept(file, whole, first, stop)
            attributes = file[whole].attrs
            start = attributes["PartStartTime"]
            attributes["PartStartTime"] = np.bytes_(_moved(start, first / rate_hz))
            attributes["PartEndTime"] = np.bytes_(_moved(start, (stop - 1) / rate_hz))


def _silixa(path: Path, first: int, stop: int, rate_hz: float) -> None:
    with h5py.File(path, "r+") as file:
        _kept(file, "Acoustic", first, stop)
        attributes = file["Acoustic"].attrs
        for name in ("GPSTimeStamp", "CPUTimeStamp"):
            text = attributes[name]
            words = text.decode() if isinstance(text, bytes) else text
            time = pd.to_datetime(words[:23], format="%d/%m/%Y %H:%M:%S.%f")
            later = time + pd.Timedelta(seconds=first / rate_hz)
            attributes[name] = f"{later:%d/%m/%Y %H:%M:%S.%f}"[:23] + " (UTC)"
        attributes["ISO8601 Timestamp"] = _moved(attributes["ISO8601 Timestamp"], first / rate_hz)


def _terra15(path: Path, first: int, stop: int, rate_hz: float) -> None:
    with h5py.File(path, "r+") as file:
        for name in ("data", "gps_time", "posix_time"):
            _kept(file, f"data_product/{name}", first, stop)


def _xdas(path: Path, first: int, stop: int, rate_hz: float) -> None:
    import xdas

    part = xdas.open_dataarray(str(path)).isel(time=slice(first, stop)).load()
    path.unlink()
    part.to_netcdf(str(path))


def _febus_later(path: Path, seconds: float) -> None:
    with h5py.File(path, "r+") as file:
        (device,) = file
        file[f"{device}/Source1/time"][...] += seconds


def _tdms_later(path: Path, seconds: float) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(b"GPSTimeStamp") + len(b"GPSTimeStamp") + 4  # behind the type's number
    fraction, whole = struct.unpack_from("<Qq", content, place)
    assert abs(whole - _TDMS_EPOCH - 1_555_000_000) < 1e7
    total = fraction / 2**64 + seconds
    fresh = int((total % 1) * 2**64), whole + int(total // 1)
    struct.pack_into("<Qq", content, place, *fresh)
    path.write_bytes(content)


_CUTS: dict[str, Callable[..., Any]] = {
    "ap_sensing_1.hdf5": _ap_sensing,
    "decimated_optodas.hdf5": _optodas,
    "prodml_2.0.h5": _prodml,
    "silixa_h5_1.hdf5": _silixa,
    "terra15_v5_test_file.hdf5": _terra15,
    "xdas_netcdf.nc": _xdas,
}
_LATER: dict[str, Callable[..., Any]] = {
    "febus_2.h5": _febus_later,
    "sample_tdms_file_v4713.tdms": _tdms_later,
}
