"""Several catalogs as one."""

import numpy as np
import pandas as pd
from synthetics import ORIGIN_NS, arrival_table, event_table

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.events.association.combine import Catalog, union
from quakeline.io.products import tables

SIGMAS = {
    "time_sigma_s": 0.1,
    "horizontal_sigma_km": 0.5,
    "depth_sigma_km": 1.0,
    "cov_ee_km2": 0.25,
    "cov_en_km2": 0.0,
    "cov_ed_km2": 0.0,
    "cov_nn_km2": 0.25,
    "cov_nd_km2": 0.0,
    "cov_dd_km2": 1.0,
}


def event(name, seconds, east_km=0.0, depth_km=5.0, **changes):
    row = {
        "event_id": name,
        "time": pd.Timestamp(ORIGIN_NS + round(seconds * 1e9), tz="UTC"),
        "latitude": 0.0,
        "longitude": 179.999 + east_km / 111.32,
        "depth_km": depth_km,
    }
    row["longitude"] = (row["longitude"] + 180) % 360 - 180
    return row | SIGMAS | changes


def catalog(name, rows, stations=("A", "B", "C", "D"), delay_s=0.0, picker="one"):
    """A catalog with P and S picks of every event at some stations."""
    events = event_table(rows)
    picks = pd.DataFrame(
        [
            {
                "network": "XX",
                "station": station,
                "phase": phase,
                "time": row["time"] + pd.Timedelta(seconds=2.0 + k + 3 * (phase == "S") + delay_s),
                "pick_id": f"{picker}/{row['event_id']}/{station}/{phase}",
                "event": row["event_id"],
            }
            for row in rows
            for k, station in enumerate(stations)
            for phase in "PS"
        ]
    )
    filled = picks.assign(
        source="waveform", location="", instrument="HH", probability=0.9, model="m",
        weights_id="0" * 12, time_sigma_s=0.05,
    ).drop(columns="event")  # fmt: skip
    filled["time"] = filled["time"].astype("datetime64[ns, UTC]")
    arrivals = [
        arrival_table(row["event_id"], picks[picks["event"] == row["event_id"]]) for row in rows
    ]
    return Catalog(
        name, events, pd.concat(arrivals, ignore_index=True),
        tables.conform(filled, PICKS).to_pandas(),
    )  # fmt: skip


def joined(*catalogs):
    result = union(catalogs)
    tables.conform(result.events, EVENTS)
    tables.conform(result.arrivals, ARRIVALS)
    tables.conform(result.picks, PICKS)
    assert result.arrivals["pick_id"].is_unique
    assert set(result.arrivals["event_id"]) <= set(result.events["event_id"])
    return result


def test_origins_that_agree_are_one_event_across_the_date_line():
    seismometers = catalog("a", [event("e1", 0.0), event("e2", 60.0)])
    fibre = catalog("b", [event("f1", 0.2, east_km=0.8)], ("F1", "F2"), picker="two")
    result = joined(seismometers, fibre)
    assert result.events["event_id"].tolist() == ["e1", "e2"]
    (row,) = result.duplicates.to_dict("records")
    assert (row["catalog"], row["event_id"], row["kept_event_id"]) == ("b", "f1", "e1")
    assert (row["shared_picks"], row["id"]) == (0, "e1")
    assert abs(row["km"] - 0.8) < 0.01
    assert len(result.picks) == len(seismometers.picks) + len(fibre.picks)


def test_the_limit_is_the_joint_uncertainty_not_a_window():
    near = catalog("a", [event("e1", 0.0)])
    far = event("f1", 0.0, east_km=12.0)
    assert len(joined(near, catalog("b", [far], ("F1",), picker="two")).events) == 2
    vague = far | {"cov_ee_km2": 100.0, "horizontal_sigma_km": 10.0}
    assert len(joined(near, catalog("b", [vague], ("F1",), picker="two")).events) == 1
    later = event("f1", 0.8)
    assert len(joined(near, catalog("b", [later], ("F1",), picker="two")).events) == 2


def test_the_same_onsets_of_another_picker_are_the_same_event():
    """The origins disagree beyond their stated errors; the picks say that it is one event."""
    one = catalog("a", [event("e1", 0.0)])
    other = catalog("b", [event("f1", 0.0, east_km=6.0)], delay_s=0.1, picker="two")
    result = joined(one, other)
    assert len(result.events) == 1
    assert result.duplicates["shared_picks"].tolist() == [8]


def test_the_better_event_stays_and_the_first_id_with_it():
    first = catalog("a", [event("e1", 0.0)], ("A", "B"))
    better = catalog("b", [event("f1", 0.1)], tuple("ABCDEF"), picker="two")
    result = joined(first, better)
    assert result.events["event_id"].tolist() == ["e1"]
    assert len(result.arrivals) == 12
    (row,) = result.duplicates.to_dict("records")
    assert (row["catalog"], row["kept_catalog"], row["id"]) == ("a", "b", "e1")


def test_equal_ids_of_different_events_become_different():
    result = joined(
        catalog("a", [event("e1", 0.0)]), catalog("b", [event("e1", 300.0)], picker="two")
    )
    assert result.events["event_id"].is_unique
    assert len(result.events) == 2
    assert result.duplicates.empty


def test_a_pick_of_two_different_events_goes_to_the_better_one():
    one = catalog("a", [event("e1", 0.0)])
    other = catalog("b", [event("f1", 20.0)], tuple("GHIJK"), picker="two")
    stolen = one.arrivals.iloc[[0]].assign(event_id="f1")
    other = Catalog("b", other.events, pd.concat([other.arrivals, stolen]), other.picks)
    result = joined(one, other)
    counts = result.arrivals["event_id"].value_counts()
    assert counts.to_dict() == {"f1": 11, "e1": 7}
    small = result.events.set_index("event_id").loc["e1"]
    assert (small["n_p"] + small["n_s"], small["n_stations"]) == (7, 4)


def test_a_catalog_with_itself_is_itself():
    one = catalog("a", [event(f"e{k}", 30.0 * k) for k in range(5)])
    result = joined(one, Catalog("again", one.events, one.arrivals, one.picks))
    assert result.events["event_id"].tolist() == one.events["event_id"].tolist()
    assert len(result.duplicates) == 5
    assert np.allclose(result.duplicates["chi_squared"], 0)


def test_events_that_state_no_uncertainty():
    none = dict.fromkeys(SIGMAS)
    one, other = event("e1", 0.0) | none, event("f1", 1.0, east_km=4.0) | none
    result = joined(catalog("a", [one]), catalog("b", [other], ("F1",), picker="two"))
    assert len(result.events) == 1


def test_events_too_close_to_be_two_are_one():
    """Origins that state small errors, of pickers that share no onset, a second and 3 km apart."""
    one = catalog("one", [event("e1", 0.0), event("e2", 60.0)])
    other = catalog(
        "other", [event("f1", 1.0, east_km=3.0), event("f2", 62.5)], delay_s=1.0, picker="two"
    )
    assert len(union([one, other], 0.3).events) == 4
    found = union([one, other], 0.3, min_interevent_s=2.0)
    assert len(found.events) == 3
    assert found.duplicates[["event_id", "kept_event_id"]].to_numpy().tolist() == [["f1", "e1"]]


def test_events_of_different_stations_may_be_close():
    one = catalog("one", [event("e1", 0.0)])
    other = catalog("other", [event("f1", 1.0, east_km=3.0)], stations="EFGH", picker="two")
    assert len(union([one, other], 0.3, min_interevent_s=2.0).events) == 2
