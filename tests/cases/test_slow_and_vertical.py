"""Channels too slow to pick on, slow ones, and instruments with fewer components than another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recordings import HEADER, Pipeline, Waveforms, trace, write
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.reasons import Code, reasons_in
from quakeline.core.timeline import SECOND, Span
from quakeline.workflow.stages import prepare

BEGIN = 1_588_291_200 * SECOND
SPAN = Span(BEGIN, BEGIN + 60 * SECOND)
TABLE = f"{HEADER}\nXX,AAA,48,11,400\n"


def noise(rate: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1000, round(60 * rate)).round()


def prepared(folder: Path, channels: dict[str, float], **prefer: Any) -> Pipeline:
    """Noise on channels at rates in Hz, prepared."""
    traces = [
        trace(f"XX.AAA..{code}", BEGIN, noise(rate, n), rate)
        for n, (code, rate) in enumerate(channels.items())
    ]
    path = write(traces, folder / "raw.mseed")
    config = prepare.Config(prefer=prefer) if prefer else prepare.Config()
    pipeline = Pipeline(folder, [str(path)], TABLE, prepare_config=config)
    pipeline.prepared(SPAN)
    return pipeline


def codes_of(coverage: pd.DataFrame, instrument: str) -> set[Code | str]:
    rows = coverage[coverage["instrument"] == instrument]
    pairs = zip(rows["notes"], rows["notes_codes"], strict=True)
    return {one.code for text, codes in pairs for one in reasons_in(text, codes)}


def waveforms(made: Pipeline) -> Waveforms:
    return made.waveforms(SPAN)


@pytest.mark.parametrize(
    ("rate", "used", "code"),
    [(1.0, False, Code.RATE_TOO_LOW), (20.0, True, Code.RATE_LOW), (50.0, True, None)],
)
def test_slow_channels(tmp_path: Path, rate: float, used: bool, code: Code | None) -> None:
    made = prepared(tmp_path, {"HHZ": 100.0, "BHZ": rate})
    assert ("XX.AAA..BH" in waveforms(made).instruments) == used
    found = codes_of(made.coverage(SPAN), "BH") & {Code.RATE_TOO_LOW, Code.RATE_LOW}
    assert found == ({code} if code else set())


def test_inspect_does_not_count_on_channels_of_1_hz(tmp_path: Path) -> None:
    traces = [trace(f"XX.AAA..LH{c}", BEGIN, noise(1.0, n), 1.0) for n, c in enumerate("ZNE")]
    path = write(traces, tmp_path / "raw.mseed")
    done = CliRunner().invoke(app, ["inspect", str(path)], env={"COLUMNS": "300"})
    assert "0 channels would be used" in done.output
    assert "recorded at 1 Hz, less than a tenth of the network's 100 Hz" in done.output


def test_an_instrument_with_fewer_components_gives_way(tmp_path: Path) -> None:
    channels = {"HHZ": 100.0, "EHZ": 100.0, "EHN": 100.0, "EHE": 100.0}
    made = prepared(tmp_path, channels, instruments=["HH", "EH"])
    assert waveforms(made).instruments == ["XX.AAA..EH"]
    coverage = made.coverage(SPAN)
    assert Code.FEWER_COMPONENTS in codes_of(coverage, "HH")
    assert Code.PREFERRED_TO_FEWER in codes_of(coverage, "EH")
