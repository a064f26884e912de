"""Sketches of picks do not depend on the cut into chunks."""

import numpy as np
import pandas as pd
import pytest
import scipy.signal
from pydantic import ValidationError
from workfolder import demo_like

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import MEASUREMENTS, PICKS, WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.events.measurement.stores import measured
from quakeline.io.products import stores, tables
from quakeline.workflow.stages import measure

RATE, START = 100, 1_588_291_200
RULES = measure.Config()
N = 300 * RATE
RNG = np.random.default_rng(1)
DATA = 1e-6 * RNG.normal(size=(1, 3, N)).astype("f4") + np.float32(2e-5)
VALID = np.ones(DATA.shape, bool)
VALID[0, 1, 150 * RATE : 152 * RATE] = False


def store_of(folder, first, last, units="m/s"):
    """The samples [first, last) of the recording as a store."""
    grid = stores.Grid(START * RATE + first, last - first, float(RATE))
    labels = {"instruments": ["XX.A..HH"], "components": ["Z", "N", "E"]}
    path = folder / f"{first}.zarr"
    with stores.create(path, WAVEFORMS, grid, labels, units={"XX.A..HH": units}) as store:
        store["data"][:], store["valid"][:] = DATA[..., first:last], VALID[..., first:last]
    return stores.open_store(path, WAVEFORMS)


def picks_at(*seconds):
    time = pd.to_datetime([round((START + s) * 1e9) for s in seconds], utc=True)
    codes = {"network": "XX", "station": "A", "location": "", "instrument": "HH"}
    return pd.DataFrame({"pick_id": [f"p{s}" for s in seconds], "time": time, **codes})


def test_a_chunk_with_its_margin_gives_what_the_whole_gives(tmp_path):
    margin = round(measure.Config().margin_s * RATE)
    whole = measured(picks_at(100.0, 120.0, 200.0), store_of(tmp_path, 0, N), RULES)
    cut = store_of(tmp_path, 100 * RATE - margin, 120 * RATE + margin)
    part = measured(picks_at(100.0, 120.0), cut, RULES)
    expected = whole[whole["pick_id"] != "p200.0"].set_index(["pick_id", "component"]).sort_index()
    found = part.set_index(["pick_id", "component"]).sort_index()
    for column in ("wood_anderson_mm", "rms"):
        for one, other in zip(found[column], expected[column], strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-9, equal_nan=True)
    assert np.isfinite(np.stack(found.xs("Z", level=1)["rms"])).all()


def test_of_the_picks_of_a_whole_run_a_chunk_takes_its_own(tmp_path):
    """As of a table that replaces the picks: none is measured in two chunks."""
    seconds = (99.9, 100.0, 119.9, 120.0, 200.0)
    columns = {"source": "waveform", "phase": "P", "probability": 1.0}
    made = picks_at(*seconds).assign(**columns, model="manual", weights_id="none")
    tables.write(made, PICKS, tmp_path / "picks.parquet")
    store_of(tmp_path, 0, N)
    chunk = Span((START + 100) * SECOND, (START + 120) * SECOND).id
    out = tmp_path / "out.parquet"
    paths = {"picks": tmp_path / "picks.parquet", "waveforms": tmp_path / "0.zarr"}
    measure.run(RULES, chunk=chunk, **paths, measurements=out)
    assert set(tables.read(out, MEASUREMENTS)["pick_id"]) == {"p100.0", "p119.9"}


def test_bins_that_depend_on_a_gap_are_unknown(tmp_path):
    rows = measured(picks_at(140.0), store_of(tmp_path, 0, N), RULES).set_index("component")
    unknown = np.isnan(rows.loc["N", "wood_anderson_mm"])
    starts = rows.loc["N", "first_bin_s"] + rows.loc["N", "bin_s"] * np.arange(len(unknown))
    assert starts[unknown].min() == pytest.approx(9.5)
    assert starts[unknown].max() == pytest.approx(15.5)
    assert not np.isnan(rows.loc["E", "wood_anderson_mm"]).any()


def test_counts_have_no_wood_anderson_amplitude(tmp_path):
    rows = measured(picks_at(140.0), store_of(tmp_path, 0, N, "counts"), RULES)
    assert rows["wood_anderson_mm"].isna().all()
    assert rows["low_rms"].notna().any()


def test_picks_that_are_measured_together_are_as_each_alone(tmp_path, monkeypatch):
    """However many are read in one go, and whether a gap is near one of them."""
    seconds = (60.0, 61.5, 100.0, 149.0, 160.0, 161.0, 230.0)
    store = store_of(tmp_path, 0, N, "counts")
    order = ["pick_id", "component"]
    together = measured(picks_at(*seconds), store, RULES).sort_values(order, ignore_index=True)
    alone = pd.concat([measured(picks_at(one), store, RULES) for one in seconds])
    monkeypatch.setattr("quakeline.events.measurement.stores._MEASURED", 0.5)
    monkeypatch.setattr("quakeline.events.measurement.stores._READ", 1)
    pieces = measured(picks_at(*seconds), store, RULES).sort_values(order, ignore_index=True)
    assert len(together) == 3 * len(seconds)
    pd.testing.assert_frame_equal(together, alone.sort_values(order, ignore_index=True))
    pd.testing.assert_frame_equal(together, pieces)


def test_bands_are_levels_of_filtered_motion_after_and_before_the_onset(tmp_path):
    rows = measured(picks_at(100.0), store_of(tmp_path, 0, N, "counts"), RULES)
    from_start = DATA[0, 0, : 102 * RATE] - DATA[0, 0].mean()
    onset, second = 100 * RATE, RATE
    for name, band in (("low", RULES.low_band_hz), ("high", RULES.high_band_hz)):
        sections = scipy.signal.butter(2, band, "bandpass", fs=RATE, output="sos")
        motion = scipy.signal.sosfilt(sections, from_start)
        spans = {"rms": (onset, onset + second), "noise": (onset - 450, onset - 50)}
        for column, (begin, end) in spans.items():
            expected = np.sqrt(np.mean(motion[begin:end] ** 2))
            assert rows[f"{name}_{column}"].iloc[0] == pytest.approx(expected, rel=1e-4)


def test_the_margin_must_hold_what_is_measured():
    with pytest.raises(ConfigError, match=r"measure .* needs at least 101"):
        demo_like({"measure": {"after_s": 100}, "time": {"margin_s": 60}})
    with pytest.raises(ValidationError):
        measure.Config(low_band_hz=(4, 1))
