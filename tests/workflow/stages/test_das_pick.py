"""Picks of a fibre: cleaned, thinned, with nothing thrown away, and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from das_files import SPAN, START, write

from quakeline.core.schemas import FIBRE_PICKS, ONSETS, PANELS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.fibres.section import Fibre
from quakeline.io.products import stores, tables
from quakeline.waveforms.sources.files import Files
from quakeline.workflow.stages import das_index, das_pick

N = 60


def onsets(rows: list[tuple[int, float, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["channel_index", "seconds", "phase"])
    ns = START + (frame.pop("seconds") * SECOND).round().astype("int64")
    return frame.assign(
        fibre="F",
        distance_m=frame["channel_index"] * 5.0,
        time=pd.to_datetime(ns, unit="ns", utc=True),
        probability=0.5,
        model="m",
        weights_id="w",
    )


def run(folder: Path, found: pd.DataFrame, config: das_pick.Config) -> dict:
    data = np.random.default_rng(0).normal(size=(6000, N)).astype(np.float32)
    write(folder, "f", data)
    fibre = Fibre(name="F", source=Files(paths=[str(folder / "*.nc")]))
    common = {"chunk": SPAN.id, "fibre": "F", "settings": fibre.model_dump_json()}
    made = {"manifest": folder / "m.parquet", "channels": folder / "c.parquet"}
    das_index.run(das_index.Config(), **common, margin_s=60.0, archive="", **made)
    tables.write(found, ONSETS, folder / "o.parquet")
    out = {"picks": folder / "p.parquet", "selected": folder / "s.parquet"}
    panels = folder / "x.zarr"
    das_pick.run(
        config, **common, rate_hz=100.0, onsets=folder / "o.parquet", **made, **out, panels=panels
    )
    return {
        "picks": tables.read(out["picks"], FIBRE_PICKS),
        "selected": tables.read(out["selected"], PICKS),
        "panels": stores.open_store(panels, PANELS),
    }


ROWS = [(k, 20 + 0.002 * k, "P") for k in range(N)] + [(k, 28 + 0.004 * k, "S") for k in range(N)]
STRAY = [(5, 40.0, "P"), (50, 45.0, "S")]


def test_all_picks_stay_and_some_are_selected(tmp_path: Path) -> None:
    made = run(tmp_path, onsets(ROWS + STRAY), das_pick.Config(associate_every_m=100))
    picks, selected = made["picks"], made["selected"]
    assert len(picks) == len(ROWS) + 2
    assert (picks["front"] < 0).sum() == 2
    assert not picks.loc[picks["front"] < 0, "selected"].any()
    assert picks["pick_id"].is_unique
    assert selected.groupby("phase").size().to_dict() == {"P": 3, "S": 3}
    assert set(selected["source"]) == {"das"}
    assert set(selected["network"]) == {"F"}
    assert (selected["station"].str.len() == 5).all()
    assert (selected["distance_m"] == selected["channel_index"] * 5.0).all()
    assert selected["time_sigma_s"].between(0, 0.05).all()


def test_pictures_show_where_fronts_are(tmp_path: Path) -> None:
    group = run(tmp_path, onsets(ROWS + STRAY), das_pick.Config())["panels"]
    (frame,) = group.attrs["frames"]
    assert frame["start_ns"] == START + 16 * SECOND
    assert frame["n_picks"] == len(ROWS)
    picture = np.asarray(group["motion"][0])
    assert np.isfinite(picture).all()
    assert np.ptp(picture) > 1
    # a picture is one file, not one for each of its rows
    assert group["motion"].shards == (1, *picture.shape)


def test_nothing_found(tmp_path: Path) -> None:
    made = run(tmp_path, tables.empty(ONSETS), das_pick.Config())
    assert made["picks"].empty
    assert made["selected"].empty
    assert made["panels"].attrs["frames"] == []


def test_every_pick_of_a_front(tmp_path: Path) -> None:
    made = run(tmp_path, onsets(ROWS), das_pick.Config(associate_every_m=0, panels=0))
    assert len(made["selected"]) == len(ROWS)
    assert made["panels"].attrs["frames"] == []
