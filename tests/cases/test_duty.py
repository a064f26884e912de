"""Case duty: 20 s of every minute, a record each: data with gaps and no wrong rate."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from recordings import trace

from quakeline.core.reasons import Code
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.waveform_files import read_headers
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.recordings import of_files
from quakeline.waveforms.preparation.settings import Response

BEGIN = 1_704_067_200 * SECOND


def valid(path: Path, seconds: float, bridge_s: float = 0.0) -> np.ndarray:
    """The mask of the first component of an instrument in a file, from BEGIN on."""
    found = of_files([path])
    span = Span(BEGIN, BEGIN + round(seconds * SECOND))
    preparer = Preparer(span, 0.0, 100.0, bridge_s, Response(), found.inventory, found.source)
    (label,), _ = preparer.instruments(found.rows, [])
    return next(iter(preparer.prepared(label, found.rows).parts.values()))[1]


def test_fragments_are_used_and_said(shared: Path) -> None:
    path = shared / "cases/duty/duty.mseed"
    for header in read_headers(path):
        assert header.problem is None
        assert [note.code for note in header.notes] == [Code.RATE_AMBIGUOUS]
    mask = valid(path, 720).reshape(12, 60, 100)
    assert mask[:, :20].all()
    assert not mask[:, 20:].any()


@pytest.mark.parametrize(("length", "every"), [(700, 900), (7, 9)])
def test_small_gaps_in_a_row(tmp_path: Path, length: int, every: int) -> None:
    """They would imply 77.78 Hz."""
    content = BytesIO()
    counts = np.random.default_rng(0).integers(-999, 999, 200 * every).astype("i4")
    for k in range(200):
        samples = counts[k * every : k * every + length]
        one = trace("XX.DUT..HHZ", BEGIN + k * every * SECOND // 100, samples)
        buffer = BytesIO()
        one.write(buffer, format="MSEED", reclen=4096)
        content.write(buffer.getvalue())
    path = tmp_path / "small.mseed"
    path.write_bytes(content.getvalue())
    mask = valid(path, 2 * every)[: 200 * every].reshape(200, every)
    assert mask[:, :length].all()
    assert not mask[:, length:].any()
    assert valid(path, 2 * every, 0.1)[: 200 * every - every].all() == (length == 7)
