"""Focal mechanisms: each with its polarities on the focal sphere, the lower half from above.

Outlines are those of obspy's beachballs, of equal areas. The map has them too (`beachballs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from obspy.imaging.beachball import beach

from quakeline.core.reasons import reasons_in
from quakeline.events.chain.mechanism import doubted
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.report.beachballs import GOOD, POINTS, best_first
from quakeline.report.catalog import Catalog
from quakeline.report.formatting import number

#: Mechanisms that are drawn with their polarities.
MOST_SPHERES = 36
#: Half the width of a drawing of a sphere, and the radius of the sphere, in its own units.
HALF, RADIUS = 52.0, 46.0


@dataclass(frozen=True)
class Mark:
    """A polarity on the focal sphere: place in the drawing, up or down, whether it fits."""

    x: float
    y: float
    up: bool
    agrees: bool
    station: str


@dataclass(frozen=True)
class Sphere:
    """A mechanism: path of its pressed quadrants, its polarities, and what stands below.

    `events` are those whose polarities it has, several for a composite.
    """

    number: int
    event_id: str
    time_ns: int
    magnitude: float
    quality: str
    path: str
    marks: list[Mark]
    planes: list[str]
    wrong: int
    events: int = 1

    @property
    def strong(self) -> bool:
        """Whether its quality is good."""
        return self.quality in GOOD


@dataclass(frozen=True)
class View:
    """What the section shows.

    `reasons` are numbers of events without a mechanism with an example of why, `doubts` stations
    whose polarities disagree with most mechanisms.
    """

    counts: dict[str, int]
    known: int
    polarities: int
    spheres: list[Sphere]
    reasons: list[tuple[int, str]]
    doubts: list[str]

    @property
    def total(self) -> int:
        """Events that have a mechanism."""
        return sum(self.counts.values())


def view(catalog: Catalog, focal: Focal) -> View:
    """What the report says of mechanisms and polarities."""
    best = best_first(catalog, focal)
    counts = best["quality_class"].value_counts()
    of_event = dict(iter(focal.polarities.groupby("event_id", sort=False)))
    return View(
        counts={letter: int(counts.get(letter, 0)) for letter in "ABCD" if counts.get(letter, 0)},
        known=int((focal.polarities["polarity"] != 0).sum()),
        polarities=len(focal.polarities),
        spheres=[
            _sphere(row, of_event[str(row.event_id)])
            for row in best.head(MOST_SPHERES).itertuples()
        ],
        reasons=_reasons(focal.mechanisms),
        doubts=doubted(focal.mechanisms, focal.polarities),
    )


def _reasons(mechanisms: pd.DataFrame) -> list[tuple[int, str]]:
    """How many events have no mechanism for each kind of reason, with an example."""
    without = mechanisms[mechanisms["strike_1_deg"].isna()]
    groups: dict[object, list[str]] = {}
    for note, codes in zip(without["note"], without["note_codes"], strict=True):
        reasons = reasons_in(note, codes)
        if reasons:
            groups.setdefault(reasons[0].code, []).append(str(reasons[0]))
    return sorted(((len(texts), texts[0]) for texts in groups.values()), reverse=True)


def places_on_sphere(azimuth: np.ndarray, takeoff: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays meet the lower half of the sphere: x to the east, y to the north, radius 1.

    Angles are in degrees, take-offs from down. A ray that leaves upwards stands where its
    continuation backwards meets the lower half. Areas are equal (Lambert).
    """
    upwards = takeoff > 90
    bearing = np.radians(np.where(upwards, azimuth + 180, azimuth))
    inclination = np.radians(np.where(upwards, 180 - takeoff, takeoff))
    away = np.sqrt(2) * np.sin(inclination / 2)
    return away * np.sin(bearing), away * np.cos(bearing)


def pressed(planes: tuple[float, float, float], radius: float) -> list[np.ndarray]:
    """Outlines (n, 2), y upwards, of what is filled of a beachball, by obspy."""
    width = 2 * radius
    made = beach(planes, width=width, size=POINTS, facecolor="k", bgcolor="w")
    filled = made.get_facecolors()[:, 0] < 0.5
    outlines = zip(made.get_paths(), filled, strict=True)
    return [np.asarray(path.vertices) for path, dark in outlines if dark]


def _sphere(row: Any, polarities: pd.DataFrame) -> Sphere:
    used = polarities[polarities["agrees"].notna()]
    x, y = places_on_sphere(
        used["azimuth_deg"].to_numpy(float), used["takeoff_deg"].to_numpy(float)
    )
    signs, agree = used["polarity"] > 0, used["agrees"].astype(bool)
    stations = used["network"].fillna("") + "." + used["station"]
    marks = [
        Mark(round(RADIUS * a, 1), round(-RADIUS * b, 1), up, fits, str(name).removeprefix("."))
        for a, b, up, fits, name in zip(x, y, signs, agree, stations, strict=True)
    ]
    outlines = pressed((row.strike_1_deg, row.dip_1_deg, row.rake_1_deg), RADIUS)
    paths = ["M" + "L".join(f"{a:.1f} {-b:.1f}" for a, b in outline) + "Z" for outline in outlines]
    return Sphere(
        number=int(row.number),
        event_id=str(row.event_id),
        time_ns=int(row.time_ns),
        magnitude=float(row.magnitude),
        quality=str(row.quality_class),
        path="".join(paths),
        marks=marks,
        planes=[_words(row, plane) for plane in (1, 2)],
        wrong=int((~agree).sum()),
        events=1 if pd.isna(row.composite_of) else len(str(row.composite_of).split()),
    )


def _words(row: Any, plane: int) -> str:
    strike, dip, rake = (
        getattr(row, f"{angle}_{plane}_deg") for angle in ("strike", "dip", "rake")
    )
    sigma = getattr(row, f"plane_{plane}_sigma_deg")
    return f"{number(strike, 0)}/{number(dip, 0)}/{number(rake, 0)} ± {number(sigma, 0)}°"
