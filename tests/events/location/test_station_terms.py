"""Station terms that a table gives."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from synthetics import arrival_table, event_table, network, picks_of

from quakeline.core.errors import DataError
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator
from quakeline.events.location.terms import GivenTerms
from quakeline.workflow.stages import locate

MODEL = VelocityModel((0.0,), (6.0,), (3.5,))
SOURCE = (8.0, -3.0, 7.0)


def written(folder, text):
    path = folder / "terms.csv"
    path.write_text(text)
    return path


def test_terms_of_a_table_are_taken_off_and_stated(tmp_path):
    stations, frame = network(n=9)
    late = dict(zip(stations["station"], np.random.default_rng(3).normal(0, 0.3, 9), strict=True))
    rows = [f"XX,{code},{phase},{delay}" for code, delay in late.items() for phase in "PS"]
    path = written(tmp_path, "\n".join(["network,station,phase,delay_s", *rows]))
    picks = picks_of(stations, frame, MODEL, SOURCE)
    picks["time"] += pd.to_timedelta(picks["station"].map(late), unit="s").dt.round("ns")
    latitude, longitude = map(float, frame.to_latlon(*SOURCE[:2]))
    event = {"event_id": "e", "time": picks["time"].min(), "latitude": latitude,
             "longitude": longitude, "depth_km": SOURCE[2]}  # fmt: skip
    tables_in = event_table([event]), arrival_table("e", picks), picks
    config = locate.Config(station_terms=str(path))
    assert config.files() == [str(path)]
    options = {**config.options(), "depth_km": (0.0, 20.0)}
    plain, _ = Locator(Sites.of(stations), MODEL, (0.0, 20.0)).locate(*tables_in)
    event, arrivals = Locator(Sites.of(stations), MODEL, **options).locate(*tables_in)
    assert plain["rms_s"].item() > 0.1
    assert event["rms_s"].item() < 0.001
    assert event["depth_km"].item() == pytest.approx(SOURCE[2], abs=0.05)
    codes = arrivals["pick_id"].str.extract(r"XX\.(\w+)\.")[0]
    assert arrivals["correction_s"].tolist() == pytest.approx(codes.map(late).tolist())


def test_the_term_of_a_location_comes_before_that_of_the_station(tmp_path):
    text = "network,station,location,phase,delay_s\nXX,A,,P,0.1\nXX,A,10,P,0.2\nXX,A,--,S,0.3\n"
    arrivals = pd.DataFrame({"network": "XX", "station": "A", "location": ["", "00", "10", ""],
                             "phase": ["P", "P", "P", "S"]})  # fmt: skip
    found = GivenTerms.read(written(tmp_path, text)).of(arrivals)
    assert found.tolist() == [0.1, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network,station,phase\nXX,A,P\n", "has no column delay_s"),
        ("network,station,phase,delay_s\nXX,A,Pg,1\n", "line 2: phase 'Pg' given; allowed: P, S"),
        ("network,station,phase,delay_s\nXX,A,P,late\n", "line 2: delay_s 'late' given"),
        ("network,station,phase,delay_s\nXX,A,P,1\nXX,A,P,2\n", "line 3: XX.A. P stands there"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        GivenTerms.read(written(tmp_path, text))


def test_a_word_that_is_no_kind_and_no_file_is_refused():
    with pytest.raises(ValidationError, match=r"allowed: none, static, ssst, or the path"):
        locate.Config(station_terms="statik")
