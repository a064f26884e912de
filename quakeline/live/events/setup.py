"""What events of a session are made with, and what its recipe says of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from quakeline.core.schemas import PICKS
from quakeline.earth.velocity import Model
from quakeline.events.chain.magnitude import corrections_of
from quakeline.events.chain.material import Material
from quakeline.events.chain.merge import labels_of
from quakeline.events.chain.sections import Sections
from quakeline.events.measurement.settings import Settings as Measure
from quakeline.io.products import tables
from quakeline.live.events.chain import Chain
from quakeline.live.events.publication import Publication
from quakeline.live.events.reviews import Reviews
from quakeline.live.events.section import Events
from quakeline.live.events.updates import Update
from quakeline.live.events.window import Window
from quakeline.live.events.working import Working
from quakeline.live.journal import Place
from quakeline.live.remarks import Remarks


@dataclass(frozen=True)
class Setup:
    """Stations (STATIONS), velocities and sections; `inputs` are digests of files by name.

    `velocity` is the section of that name; the digest of its file is the input `velocity`.
    """

    stations: pd.DataFrame
    model: Model
    sections: Sections = field(default_factory=Sections)
    measure: Measure = field(default_factory=Measure)
    rules: Events = field(default_factory=Events)
    velocity: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings that events follow from, as JSON has them."""
        return {
            **self.sections.plain(),
            "velocity": dict(self.velocity),
            "measure": self.measure.plain(),
            "events": self.rules.plain(),
        }

    def working(
        self, place: Place, remarks: Remarks, say: Callable[[Update], None], threads: int = 1
    ) -> Working:
        """What makes events of a session's picks, in its folder; `say` takes each update."""
        corrections = corrections_of([Path(one) for one in self.sections.magnitude.files()])
        chain = Chain(self.stations, self.model, self.sections, corrections, threads)
        labels = labels_of(self.sections.merge, self.inputs.get("velocity"))
        settings = {**self.sections.plain(), "velocity": dict(self.velocity)}
        publication = Publication(place, self.stations, labels, say, settings)
        window = Window(chain, self.rules)
        reviews = None
        if self.rules.review:
            none = tables.empty(PICKS)
            material = Material(
                none, self.stations, self.model, inputs=self.inputs, section=self.velocity
            )
            parts = window, publication, remarks, threads
            reviews = Reviews(place, material, self.sections, *parts)
        return Working(window, publication, remarks, reviews)
