"""Where on earth the x and y of a velocity grid are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from quakeline.core.errors import DataError

#: Kilometres of a degree of latitude in NonLinLoc's TRANSFORM SIMPLE.
_SIMPLE_KM = 10000.0 / 90.0
#: Ellipsoids by the names of NonLinLoc, which are those of GMT.
_ELLIPSOIDS = {
    "WGS-84": "WGS84",
    "GRS-80": "GRS80",
    "WGS-72": "WGS72",
    "Krasovsky": "krass",
    "International": "intl",
    "Hayford-1909": "intl",
    "Clarke-1880": "clrk80",
    "Clarke-1866": "clrk66",
    "Airy": "airy",
    "Bessel": "bessel",
}
_ALLOWED = "SIMPLE, LAMBERT, TRANS_MERC, AZIMUTHAL_EQUIDIST, GLOBAL"


class Places(Protocol):
    """Turns degrees into the horizontal coordinates of a grid."""

    @property
    def words(self) -> str:
        """The same for people, and for telling two apart."""

    def to_grid(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in the grid of points in degrees."""


@dataclass(frozen=True)
class Degrees:
    """x is longitude and y latitude, in degrees; longitudes count from `first` on."""

    first: float

    @property
    def words(self) -> str:
        """The same for people."""
        return "longitude and latitude"

    def to_grid(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes within a turn that has the grid in its middle, and latitudes."""
        start = self.first - 90.0
        return (np.asarray(longitude) - start) % 360 + start, np.asarray(latitude)


@dataclass(frozen=True)
class Plane:
    """x and y in km on a map projection (of PROJ), turned.

    North is `rotation_deg` clockwise from the y axis, as RotCW of NonLinLoc says. Where
    `x_is_west`, x points to the left of y, as in files of simulps.
    """

    projection: str
    rotation_deg: float = 0.0
    x_is_west: bool = False

    @property
    def words(self) -> str:
        """The same for people."""
        turned = f", turned by {self.rotation_deg:g} degrees" if self.rotation_deg else ""
        return f"{self.projection}{turned}{', x to the west' if self.x_is_west else ''}"

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs("EPSG:4326", self.projection, always_xy=True)

    def _flat(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = self._transformer.transform(np.asarray(longitude), np.asarray(latitude))
        km = CRS(self.projection).axis_info[0].unit_conversion_factor / 1000
        return np.asarray(x) * km, np.asarray(y) * km

    def to_grid(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in km."""
        x, y = self._flat(latitude, longitude)
        angle = np.radians(self.rotation_deg)
        turned = x * np.cos(angle) + y * np.sin(angle)
        return (-turned if self.x_is_west else turned), y * np.cos(angle) - x * np.sin(angle)


@dataclass(frozen=True)
class Simple(Plane):
    """NonLinLoc's TRANSFORM SIMPLE: degrees times a length, of longitudes at each latitude."""

    latitude: float = 0.0
    longitude: float = 0.0

    def _flat(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        east = (np.asarray(longitude) - self.longitude + 180) % 360 - 180
        x = east * _SIMPLE_KM * np.cos(np.radians(latitude))
        return np.asarray(x), (np.asarray(latitude) - self.latitude) * _SIMPLE_KM

    @property
    def words(self) -> str:
        """The same for people."""
        return f"SIMPLE around {self.latitude:g}, {self.longitude:g}{super().words}"


def around(
    latitude: float, longitude: float, rotation_deg: float = 0.0, *, x_is_west: bool = False
) -> Plane:
    """Kilometres around a point: azimuthal equidistant."""
    plane = f"+proj=aeqd +lat_0={latitude!r} +lon_0={longitude!r} +units=km +ellps=WGS84"
    return Plane(plane, rotation_deg, x_is_west)


def projected(name: str, rotation_deg: float = 0.0) -> Plane:
    """A projection that PROJ knows, as EPSG:32633. Raises DataError for another one."""
    try:
        crs = CRS(name)
    except CRSError:
        raise DataError(
            f"{name!r} is no coordinate system: EPSG:32633 for example is one"
        ) from None
    if not crs.is_projected:
        raise DataError(f"{name!r} is no map projection: EPSG:32633 for example is one")
    return Plane(crs.to_string(), rotation_deg)


def of_nonlinloc(line: str, first_longitude: float, source: str) -> Places:
    """Places of a TRANSFORM line of a NonLinLoc header.

    Source: NonLinLoc's GridLib.c, get_transform and latlon2rect (Lomax et al. 2000). Raises
    DataError where the line cannot be used.
    """
    words = line.split()
    kind = words[1].upper() if len(words) > 1 else "NONE"
    if kind == "GLOBAL":
        return Degrees(first_longitude)
    if kind == "NONE":
        raise DataError(
            f"{source}: TRANSFORM NONE does not say where on earth the grid is; give"
            " velocity.origin, the latitude and longitude of x = y = 0, or use TRANSFORM"
            f" {_ALLOWED}"
        )
    if kind not in _ALLOWED.split(", "):
        raise DataError(f"{source}: TRANSFORM {kind} given; allowed: {_ALLOWED}")
    named = dict(zip(words[2::2], words[3::2], strict=False))
    try:
        at = float(named.get("LatOrig", "nan")), float(named.get("LongOrig", "nan"))
        turn = float(named.get("RotCW", "0"))
        ellipsoid = _ELLIPSOIDS.get(named.get("RefEllipsoid", "WGS-84"))
        if np.isnan(at).any() or ellipsoid is None:
            raise ValueError
        if kind == "SIMPLE":
            return Simple("", turn, latitude=at[0], longitude=at[1])
        common = f"+lat_0={at[0]!r} +lon_0={at[1]!r} +ellps={ellipsoid} +units=km"
        if kind == "LAMBERT":
            first, second = float(named["FirstStdParal"]), float(named["SecondStdParal"])
            return Plane(f"+proj=lcc +lat_1={first!r} +lat_2={second!r} {common}", turn)
        if kind == "TRANS_MERC":
            scale = float(named.get("ScaleFactor", "1"))
            shift = float(named.get("FalseEasting", "0"))
            return Plane(f"+proj=tmerc +k_0={scale!r} +x_0={shift!r} {common}", turn)
        return Plane(f"+proj=aeqd {common}", turn)
    except (KeyError, ValueError):
        raise DataError(f"{source}: cannot read {' '.join(words)!r}") from None
