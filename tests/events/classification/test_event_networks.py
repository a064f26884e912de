"""Classes of events by a network: windows placed as trained, stations together, unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workfolder import demo_like

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import WAVEFORMS, WINDOW_CLASSES
from quakeline.events.classification.placing import leads_s
from quakeline.events.classification.settings import EventWeights, Network
from quakeline.events.classification.stations import judged
from quakeline.events.classification.windows import judged_windows
from quakeline.io.products import stores, tables
from quakeline.models.event_cards import QUAKEXNET, SEISCLASS
from quakeline.models.event_networks import EventNetwork, opened

RATE = 100
START = 1_546_138_800
CODES = {"network": "2C", "station": "A", "location": "", "instrument": "HH"}


def store_of(folder: Path, data: np.ndarray, *gaps: tuple[int, float, float]) -> Any:
    """Z, N, E from START on as a store; gaps are a component and seconds."""
    grid = stores.Grid(START * RATE, data.shape[1], float(RATE))
    labels = {"instruments": ["2C.A..HH"], "components": ["Z", "N", "E"]}
    with stores.create(folder / "w.zarr", WAVEFORMS, grid, labels, units={}) as store:
        store["data"][:] = data[None]
        valid = np.ones((1, *data.shape), bool)
        for component, first, last in gaps:
            valid[0, component, round(first * RATE) : round(last * RATE)] = False
        store["valid"][:] = valid
    return stores.open_store(folder / "w.zarr", WAVEFORMS)


def picks_at(*seconds: float, phase: str = "P") -> pd.DataFrame:
    time = pd.to_datetime([round((START + s) * 1e9) for s in seconds], utc=True)
    ids = [f"{phase}{s:g}" for s in seconds]
    return pd.DataFrame({"pick_id": ids, "time": time, "phase": phase, **CODES})


class Seen:
    """A network that remembers what it was shown."""

    def __init__(self, card: Any = QUAKEXNET) -> None:
        self.card, self.weights_id, self.windows = card, "0", np.zeros((0, 3, 5000))

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        self.windows = np.concatenate([self.windows, windows])
        return np.tile([0.7, 0.1, 0.1, 0.1], (len(windows), 1))


def test_windows_stand_where_p_stood_in_training(tmp_path: Path) -> None:
    """A spike at P is 12.5, 17.5 and 22.5 s into the windows, on all components, E first."""
    data = np.zeros((3, 200 * RATE), np.float32)
    data[:, 60 * RATE] = [3, 2, 1]
    seen = Seen()
    rows = judged_windows(picks_at(60.0), store_of(tmp_path, data), seen)  # type: ignore[arg-type]
    assert seen.windows.shape == (3, 3, 5000)
    assert seen.windows[:, 0].argmax(axis=1) / 50 == pytest.approx(leads_s(QUAKEXNET), abs=0.02)
    assert leads_s(QUAKEXNET) == pytest.approx((12.5, 17.5, 22.5))
    assert leads_s(SEISCLASS) == (3.0,)
    assert seen.windows[:, 2].max() > 2.5 * seen.windows[:, 0].max()
    assert list(rows["event_class"]) == list(QUAKEXNET.classes)
    assert rows["probability"].sum() == pytest.approx(1)
    assert set(rows["windows"]) == {3}


def test_no_answer_where_no_window_is_full_of_data(tmp_path: Path) -> None:
    data = np.random.default_rng(0).standard_normal((3, 200 * RATE)).astype("f4")
    store = store_of(tmp_path, data, (1, 150, 160))
    seen = Seen()
    # the gap is in no window of 15 and 25, in all of 80; 100 s are not left behind 120, nor
    # 12.5 s before 5
    rows = judged_windows(picks_at(5, 15, 25, 80, 120), store, seen)  # type: ignore[arg-type]
    why = rows[rows["event_class"].isna()].set_index("pick_id")
    assert list(why.index) == ["P5", "P80", "P120"]
    assert why["note"].str.contains("every window around its P").all()
    assert rows[rows["pick_id"] == "P15"]["windows"].tolist() == [2] * 4
    assert rows[rows["pick_id"] == "P25"]["windows"].tolist() == [3] * 4
    assert judged_windows(picks_at(60, phase="S"), store, seen).empty  # type: ignore[arg-type]
    elsewhere = picks_at(60).assign(station="GONE")
    (row,) = judged_windows(elsewhere, store, seen).itertuples()  # type: ignore[arg-type]
    assert (row.pick_id, row.windows, row.note) == ("P60", 0, "no usable samples in the chunk")


def test_the_vertical_takes_the_place_of_others_only_when_asked_for(tmp_path: Path) -> None:
    data = np.zeros((3, 200 * RATE), np.float32)
    data[0, 60 * RATE] = 1
    store = store_of(tmp_path, data, (1, 0, 200), (2, 0, 200))
    seen = Seen()
    rows = judged_windows(picks_at(60), store, seen)  # type: ignore[arg-type]
    assert rows["note"].tolist() == ["Z, N and E are needed"]
    judged_windows(picks_at(60), store, seen, vertical_alone=True)  # type: ignore[arg-type]
    assert (seen.windows == seen.windows[:, :1]).all()
    assert seen.windows.any()


def test_real_earthquakes_and_the_noise_before_them(tmp_path: Path, shared: Path) -> None:
    """Hengill, 20 stations: P of its second event, and of its fifth; and noise of Ridgecrest."""
    import obspy

    network: EventNetwork = opened(shared / "weights/event/quakexnet_base.pt.v1")
    right = 0
    for station, onset in (("BIT06", 41.6), ("SKA10", 41.4), ("REY09", 41.7), ("THU04", 41.4)):
        stream = obspy.read(str(shared / f"data/hengill/2C.{station}..HH*.mseed"))
        stream.merge()
        stream.decimate(2)
        data = np.stack([stream.select(component=c)[0].data for c in "ZNE"]).astype("f4")
        folder = tmp_path / station
        folder.mkdir()
        rows = judged_windows(picks_at(onset), store_of(folder, data), network)
        best = rows.sort_values("probability").iloc[-1]
        right += best["event_class"] == "earthquake"
    assert right >= 3


def weights_of(shared: Path) -> EventWeights:
    return EventWeights(path=str(shared / "weights/event/quakexnet_base.pt.v1"))


def told(
    shared: Path, *stations: tuple[str, float, list[float] | None], **settings: Any
) -> tuple[pd.Series, pd.DataFrame]:
    """Class of an event, and rows of CLASSES: stations with distance and probabilities."""
    picks = pd.DataFrame(
        {"pick_id": [name for name, _, _ in stations], "network": "X",
         "station": [name.split("/")[0] for name, _, _ in stations]}, dtype=str
    )  # fmt: skip
    arrivals = pd.DataFrame(
        {"event_id": "e", "pick_id": picks["pick_id"], "phase": "P",
         "distance_km": [distance for _, distance, _ in stations]}
    ).astype({"pick_id": str, "distance_km": float})  # fmt: skip
    rows = [
        {"pick_id": name, "event_class": kind, "probability": value, "windows": 3,
         "classifier": "n", "note": None if own else "a gap"}
        for name, _, own in stations
        for kind, value in (zip(QUAKEXNET.classes, own, strict=True) if own else [(None, None)])
    ]  # fmt: skip
    windows = tables.typed(pd.DataFrame(rows, columns=WINDOW_CLASSES.names), WINDOW_CLASSES)
    section = Network(weights=weights_of(shared), **settings)
    events = pd.DataFrame({"event_id": ["e"]})
    best, classes = judged(section, events, arrivals, picks, windows)
    return best.iloc[0], classes.set_index("event_class")


QUAKE, BLAST, MIXED = [0.8, 0.1, 0.05, 0.05], [0.1, 0.8, 0.05, 0.05], [0.4, 0.3, 0.2, 0.1]


def test_stations_are_averaged_with_number_and_agreement(shared: Path) -> None:
    best, classes = told(shared, ("A", 10, QUAKE), ("B", 20, QUAKE), ("C", 30, BLAST),
                         min_probability=0.5)  # fmt: skip
    assert best["event_class"] == "earthquake"
    assert best["event_class_probability"] == pytest.approx((0.8 + 0.8 + 0.1) / 3)
    assert classes["probability"].sum() == pytest.approx(1)
    assert set(classes["evidence"]) == {"3 stations, most probable at 2 of them"}
    assert set(classes["classifier"]) == {"quakexnet-base"}
    # two instruments of a station are one voice
    best, classes = told(shared, ("A/1", 10, BLAST), ("A/2", 10, QUAKE), ("B", 9, QUAKE),
                         min_probability=0.5)  # fmt: skip
    assert best["event_class_probability"] == pytest.approx((0.45 + 0.8) / 2)


@pytest.mark.parametrize(
    ("stations", "settings", "words"),
    [
        ([("A", 10, QUAKE)], {}, "1 of 2 stations needed"),
        ([("A", 10, MIXED), ("B", 10, MIXED)], {}, "probability 0.40, 0.6 needed"),
        ([("A", 10, QUAKE), ("B", 10, BLAST), ("C", 10, BLAST)], {"min_agreement": 0.8},
         "2 of 3 stations agree, 80% needed"),
        ([("A", 400, QUAKE), ("B", 500, QUAKE)], {}, "no station with a P within 300 km"),
        ([("A", 40, QUAKE), ("B", 50, QUAKE)], {"max_distance_km": 30}, "within 30 km"),
        ([("A", 10, None), ("B", 10, None)], {}, "no window: a gap"),
        ([], {}, "no P of the event"),
    ],
)  # fmt: skip
def test_unknown_is_an_answer(
    shared: Path, stations: list[Any], settings: dict[str, Any], words: str
) -> None:
    best, classes = told(shared, *stations, **settings)
    assert best["event_class"] == "unknown"
    assert np.isnan(best["event_class_probability"])
    assert words in classes.loc["unknown", "evidence"]
    assert pd.isna(classes.loc["unknown", "probability"])


def test_a_run_with_a_network_reads_what_its_windows_need(shared: Path) -> None:
    path = str(shared / "weights/event/quakexnet_base.pt.v1")
    section = {"kind": "network", "weights": {"path": path}}
    assert demo_like({"classify": section}).margin_s == 92
    for time, classify, words in (
        ({"margin_s": 70}, section, r"classify.weights \(quakexnet-base\) needs at least 92"),
        ({}, section | {"min_station": 3}, "classify.min_station: unknown key"),
        ({}, {"kind": "network"}, "classify.weights: is required"),
        ({}, {"kind": "x"}, "classify.kind: 'x' given; allowed: rules, network"),
        ({}, {"prior": 1}, "classify.prior: unknown key; did you mean"),
        (
            {},
            {"kind": "network", "weights": {"path": str(shared / "README.md")}},
            "classify.weights.path: .*is no network of events that is known",
        ),
    ):
        with pytest.raises(ConfigError, match=words):
            demo_like({"classify": classify, "time": time})
    with pytest.raises(ConfigError, match="looks at waveforms of seismometers, which need fetch"):
        demo_like({"classify": section, "fetch": None, "import_picks": {"table": "p.csv"}})
    gone = demo_like({"classify": {"kind": "network", "weights": {"path": "gone.pt"}}})
    with pytest.raises(ConfigError, match=r"weights\.path: file 'gone\.pt' does"):
        gone.require_files()
