"""The networks of a session at work on all of its instruments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quakeline.inference.annotator import Annotator
from quakeline.inference.engine import Session as EngineSession
from quakeline.inference.ensemble import Reordered
from quakeline.inference.waveforms import Arrays, Paged, Waveforms
from quakeline.live.instrument import PAGE_S, Instrument, Member
from quakeline.waveforms.preparation.orientation import COMPONENTS

_FOREVER = 1 << 62


@dataclass
class Source:
    """The prepared samples of all instruments, as engines read them."""

    instruments: dict[int, Instrument]
    wanted: str
    in_memory: bool = True

    @property
    def n_instruments(self) -> int:
        """See `Waveforms.n_instruments`."""
        return len(self.instruments)

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Waveforms.read`."""
        motion = self.instruments[instrument].motion
        assert motion is not None
        data, valid = motion.data[None], motion.valid[None]
        arrays = Arrays(data, valid, motion.start, COMPONENTS, self.wanted)
        return arrays.read(0, start, stop)


def members_of(annotator: Annotator, instruments: dict[int, Instrument]) -> list[Member]:
    """Each network with its engine and where it reads; instruments may come and go."""
    whole, members = annotator.card, []
    for engine in annotator.engines:
        card = engine.card
        source: Waveforms = Source(instruments, whole.components)
        if whole.members:
            source = Reordered(source, whole.components, card.components)
        if card.filter:
            source = Paged(source, card, round(PAGE_S * card.sampling_rate_hz))
        room = 2 * card.window_samples
        session = EngineSession(engine, 0, _FOREVER, room, early=True)
        members.append(Member(engine, session, source))
    return members
