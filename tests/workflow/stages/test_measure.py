"""Sketches of picks do not depend on the cut into chunks."""

import numpy as np
import pandas as pd
import pytest
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


def test_the_margin_must_hold_what_is_measured():
    with pytest.raises(ConfigError, match=r"measure .* needs at least 101"):
        demo_like({"measure": {"after_s": 100}, "time": {"margin_s": 60}})
    with pytest.raises(ValidationError):
        measure.Config(low_band_hz=(4, 1))
