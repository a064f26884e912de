"""Picks of tables that state no error: what the location used is what every format writes."""

import numpy as np
import obspy
import pytest
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.schemas import ARRIVALS, PICKS
from quakeline.io import exports
from quakeline.io.products import tables


@pytest.fixture(scope="module")
def located(shared, tmp_path_factory):
    """The folder of a catalog from picks without errors."""
    case, out = shared / "cases/nll_sigma", tmp_path_factory.mktemp("nll_sigma") / "out"
    words = ["catalog", case / "m_p.csv", case / "m_s.csv", "--velocity", case / "v6.csv"]
    done = CliRunner().invoke(
        app, [str(word) for word in [*words, "-o", out, "--threads", 1]], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return out


def test_nonlinloc_and_quakeml_hold_the_errors_of_the_location(located, tmp_path):
    assert tables.read(located / "picks.parquet", PICKS)["time_sigma_s"].isna().all()
    arrivals = tables.read(located / "arrivals.parquet", ARRIVALS).set_index("pick_id")
    used = arrivals["pick_sigma_s"].to_numpy(float)
    # Rounded times of one velocity everywhere: residuals tell of errors of 10 to 60 ms.
    assert np.all((used > 0.01) & (used < 0.06))

    exports.write("nonlinloc", exports.read_tables(located), tmp_path / "nll")
    lines = (tmp_path / "nll/catalog.obs").read_text().splitlines()
    written = [float(line.split()[10]) for line in lines if " GAU " in line]
    assert written == pytest.approx(used, rel=5e-3)

    for event in obspy.read_events(str(located / "catalog.qml")):
        for pick in event.picks:
            name = pick.resource_id.id.split("/pick/")[1].replace("~2F", "/")
            expected = arrivals.loc[name, "pick_sigma_s"]
            assert pick.time_errors.uncertainty == pytest.approx(expected, rel=1e-5)
            assert "time_sigma_s=none stated" in pick.comments[0].text
