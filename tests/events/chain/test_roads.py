"""Both roads from picks to a catalog, workflow stages and memory, for every setting of the chain.

The picks are those of the demo's earthquakes, real ones, once more an hour later, and at two
stations by a second instrument; what was measured around them is taken for m/s, so that there are
magnitudes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from workfolder import WorkFolder

import quakeline
from quakeline.cli import app
from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS, STATIONS
from quakeline.core.section import Section
from quakeline.earth.sections import Layers
from quakeline.events.chain.sections import Sections
from quakeline.io.exports import files_of
from quakeline.io.products import provenance, tables, targets
from quakeline.workflow.config import read_yaml
from quakeline.workflow.stages import associate, classify, locate, magnitude, merge

#: Of the motion of the vertical, which alone is recorded at most of the stations.
SHARES = {"Z": 1.0, "N": 1.2, "E": 0.9}
LATER = pd.Timedelta(hours=1)
#: What the trials start from, and what they change; None: there is no other value.
BASE: dict[str, Any] = {
    "associate": {
        "margin_km": 10, "depth_km": [0, 15], "min_picks": 5, "min_p_picks": 3, "min_s_picks": 1,
        "min_p_and_s": 1, "tolerance_s": 0.5, "min_interevent_s": 3, "node_km": 3,
    },
    "locate": {"depth_km": [0, 15]},
    "magnitude": {"distance_km": [0, 100], "moment": {"band_hz": [1, 10]}},
}  # fmt: skip
OWN = {"log_distance": 1.2, "distance": 0.002, "constant": 1.0}
PRIORS = {"earthquake": 0.8, "blast": 0.1, "noise": 0.1}
CUSTOM = {"formula": "custom", "coefficients": OWN}
TRIALS: dict[str, list[Any] | None] = {
    "associate.margin_km": ["auto", 0.0],
    "associate.depth_km": ["auto", [0.0, 2.0]],
    "associate.min_picks": ["auto", 8],
    "associate.min_p_picks": ["auto", 5],
    "associate.min_s_picks": ["auto", 4],
    "associate.min_p_and_s": ["auto", 4],
    "associate.tolerance_s": ["auto", 0.04],
    "associate.min_interevent_s": ["auto", 600.0],
    "associate.same_onset_s": [0.0],
    "associate.node_km": ["auto", 8.0],
    "associate.max_distance_km": [2.5],
    "associate.min_log_odds": [12.0, 60.0],
    "associate.known_events": ["known"],
    "locate.depth_km": ["auto", [0.0, 2.0]],
    "locate.model_error_s": [0.2],
    "locate.model_error_share": [0.1],
    "locate.min_pick_sigma_s": [0.1],
    "locate.station_terms": ["none", "ssst", "terms.csv"],
    "magnitude.kind": None,
    "magnitude.formula": [
        "bakun_joyner_1984", "iaspei_2013", "luckett_2019", "richter_1935", CUSTOM,
    ],
    "magnitude.coefficients": [CUSTOM],
    "magnitude.coefficients.log_distance": [{**CUSTOM, "coefficients": OWN | {"log_distance": 2}}],
    "magnitude.coefficients.distance": [{**CUSTOM, "coefficients": OWN | {"distance": 0.01}}],
    "magnitude.coefficients.constant": [{**CUSTOM, "coefficients": OWN | {"constant": 3}}],
    "magnitude.distance_km": [[6.0, 100.0]],
    "magnitude.components": [["Z"]],
    "magnitude.window_s": [[40.0, 50.0]],
    "magnitude.window_factor": [40.0],
    "magnitude.vp_vs": [2.5],
    "magnitude.min_snr": [50.0],
    "magnitude.min_stations": [5],
    "magnitude.corrections": ["corrections.csv"],
    "magnitude.estimate_corrections": [{"estimate_corrections": True, "min_events": 3}],
    "magnitude.min_events": [{"estimate_corrections": True, "min_events": 4}],
    "magnitude.moment": [None],
    "magnitude.moment.phases": [["P"]],
    "magnitude.moment.band_hz": [[2.0, 8.0]],
    "magnitude.moment.distance_km": [[6.0, 100.0]],
    "magnitude.moment.min_snr": [30.0],
    "classify.kind": None,
    "classify.priors": [{"earthquake": 0.1, "blast": 0.5, "noise": 0.4}],
    "classify.priors.earthquake": [0.2],
    "classify.priors.blast": [0.5],
    "classify.priors.noise": [0.6],
    "merge.agency_id": ["LMU"],
    "merge.author": ["somebody"],
    "merge.earth_model": ["half space"],
    "merge.exports": [["fdsn-text", "nonlinloc", "hypodd", "nordic"]],
}  # fmt: skip
#: Settings that change nothing on these data: few stations around the events. Of each other one the
#: last trial does.
STILL = {"associate.margin_km", "associate.min_interevent_s", "associate.node_km"}
CASES = [(name, n) for name, values in TRIALS.items() for n in range(len(values or []))]
#: Settings that are tried one at a time always; all others so in `make test-slow`, some together.
SOON = (
    "associate.depth_km", "associate.known_events", "associate.min_log_odds", "associate.min_picks",
    "locate.depth_km", "locate.model_error_s", "locate.station_terms",
)  # fmt: skip
#: A value of each, where they go together.
TOGETHER: dict[str, Any] = {
    "magnitude": {
        "formula": "custom", "coefficients": OWN, "distance_km": [2.0, 90.0],
        "components": ["N", "Z"], "window_s": [4.0, 30.0], "window_factor": 1.8, "vp_vs": 1.8,
        "min_snr": 2.0, "min_stations": 3, "estimate_corrections": True, "min_events": 3,
        "moment": {
            "phases": ["S"], "band_hz": [2, 8], "distance_km": [1, 90], "min_snr": 2.0
        },
    },
    "classify": {"priors": PRIORS},
    "merge": {
        "agency_id": "LMU", "author": "somebody", "earth_model": "half space",
        "exports": ["fdsn-text", "nonlinloc", "hypodd", "nordic"],
    },
}  # fmt: skip


def settings_of(section: type[Section], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of all settings, those of sections in sections too, and their types."""
    for name, info in section.model_fields.items():
        kinds = [info.annotation, *get_args(info.annotation)]
        if prefix:
            yield prefix + name, info.annotation
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Section):
                yield from settings_of(kind, f"{prefix}{name}.")


@dataclass
class Files:
    """The files of both roads; what the stages made of them, by the settings that count."""

    folder: Path
    done: dict[str, Path] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Path:
        own = {"velocity": "velocity.csv", "corrections": "corrections.csv"}
        return self.folder / own.get(name, f"{name}.parquet")

    def once(self, stage: str, sections: Mapping[str, Any], *before: str) -> tuple[Path, bool]:
        """A folder for what a stage makes under settings, and whether it has been made."""
        key = json.dumps([stage, *(sections.get(name) for name in (*before, stage))])
        new = key not in self.done
        folder = self.done.setdefault(key, self.folder / f"made{len(self.done)}" / stage)
        folder.mkdir(parents=True, exist_ok=True)
        return folder, not new


@pytest.fixture(scope="module")
def files(demo_run: WorkFolder, tmp_path_factory: pytest.TempPathFactory) -> Files:
    made = Files(tmp_path_factory.mktemp("roads"))
    results = demo_run.folder / "results/unterhaching"
    picks = tables.read_many(sorted((results / "picks").glob("*.parquet")), PICKS)
    sketches = tables.read_many(sorted((results / "measurements").glob("*.parquet")), MEASUREMENTS)
    vertical = sketches[sketches["component"] == "Z"]
    sketches = pd.concat([vertical.assign(component=name) for name in "ZNE"]).assign(
        units="m/s",
        wood_anderson_mm=lambda rows: [
            1e-4 * SHARES[row.component] * row.rms for row in rows.itertuples()
        ],
        spectrum=lambda rows: [spectrum(rms.max(), 4.0) for rms in rows["rms"]],
        noise_spectrum=lambda rows: [spectrum(rms[:10].mean(), 50.0) for rms in rows["rms"]],
        rms=lambda rows: [1e-9 * rms for rms in rows["rms"]],
    )
    again = picks.assign(pick_id="later/" + picks["pick_id"], time=picks["time"] + LATER)
    other = picks[picks["station"].isin(["UH1", "UH2"])]
    other = other.assign(
        pick_id="other/" + other["pick_id"],
        location="10",
        instrument="EH",
        time=other["time"] + pd.Timedelta(milliseconds=80),
        probability=0.8 * other["probability"],
    )
    tables.write(pd.concat([picks, again, other]), PICKS, made.picks)
    copies = sketches.assign(pick_id="later/" + sketches["pick_id"])
    tables.write(pd.concat([sketches, copies]), MEASUREMENTS, made.measurements)
    stations = tables.read(results / "stations.parquet", STATIONS)
    tables.write(pd.concat([stations, stations.assign(location="10")]), STATIONS, made.stations)
    velocity = demo_run.folder / "config/unterhaching/velocity.csv"
    made.velocity.write_bytes(velocity.read_bytes())
    known = tables.read(results / "catalog/events.parquet", EVENTS)
    arrivals = tables.read(results / "catalog/arrivals.parquet", ARRIVALS)
    for name, table, frame in (("events", EVENTS, known), ("arrivals", ARRIVALS, arrivals)):
        renamed = frame.assign(event_id="known" + frame["event_id"])
        (made.folder / "known").mkdir(exist_ok=True)
        tables.write(renamed, table, made.folder / f"known/{name}.parquet")
    delays = "network,station,phase,delay_s\nBW,UH1,P,0.2\nBW,UH1,S,0.3\n"
    (made.folder / "terms.csv").write_text(delays)
    (made.folder / "corrections.csv").write_text("network,station,correction\nBW,UH1,0.5\n")
    return made


def spectrum(level: float, corner_hz: float) -> np.ndarray:
    """Displacement of a Brune source at the frequencies of the table, in m s."""
    hz = 10 ** (-0.5 + np.arange(20) / 10)
    return np.float32(1e-11 * level / (1 + (hz / corner_hz) ** 2))


def settings_for(name: str, value: Any, folder: Path) -> dict[str, Any]:
    """The base with one setting changed; a mapping of a trial stands for the section's keys."""
    sections = json.loads(json.dumps(BASE))
    section, *path = name.split(".")
    own = sections.setdefault(section, {})
    if isinstance(value, dict) and name != "classify.priors":
        own.update(value)
    else:
        if value in ("known", "corrections.csv", "terms.csv"):
            value = str(folder / value)
        for part in path[:-1]:
            own = own.setdefault(part, {})
        own[path[-1]] = value
    return sections


def by_stages(files: Files, sections: Mapping[str, Any]) -> Path:
    """What the stages of the workflow make of the files: the folder of the catalog."""
    own = Sections.model_validate(sections)
    common = {"picks": [files.picks], "stations": files.stations}
    model = Layers(table=str(files.velocity)).model_dump_json()
    earth = {"velocity": files.velocity, "velocity_parts": [], "model": model}
    first, done = files.once("associate", sections)
    grouped = {name: first / f"{name}.parquet" for name in ("events", "arrivals")}
    if not done:
        associate.run(
            own.associate, **common, **earth, coverage=[], manifests=[], channels=[], threads=1,
            known=[Path(name) for name in own.associate.known_files()], **grouped,
        )  # fmt: skip
    second, done = files.once("locate", sections, "associate")
    placed = {name: second / f"{name}.parquet" for name in ("events", "arrivals")}
    if not done:
        inputs = {"velocity": provenance.digest_file(files.velocity)}
        # As the runner does: the stage merge finds there what the velocities were.
        with provenance.recording(provenance.Record("locate", locate.VERSION, {}, inputs)):
            locate.run(
                own.locate, candidates=grouped["events"], assignments=grouped["arrivals"],
                **common, **earth, channels=[], terms=[Path(f) for f in own.locate.files()],
                threads=1, **own.associate.times(), diagnosis=second / "diagnosis.json",
                **placed,
            )  # fmt: skip
    third, _ = files.once("magnitude", sections, "associate", "locate")
    names = ("events", "station_magnitudes", "station_moments", "station_corrections")
    sized = {name: third / f"{name}.parquet" for name in names}
    magnitude.run(
        own.magnitude, located=placed["events"], arrivals=placed["arrivals"], **common, **earth,
        measurements=[files.measurements], corrections=[Path(f) for f in own.magnitude.files()],
        **sized,
    )  # fmt: skip
    judged = {name: third / f"judged_{name}.parquet" for name in ("events", "classes")}
    classify.run(
        own.classify, sized=sized["events"], arrivals=placed["arrivals"], picks=[files.picks],
        measurements=[files.measurements], windows=[], **judged,
    )  # fmt: skip
    last, _ = files.once("merge", sections, "associate", "locate", "magnitude", "classify")
    with provenance.recording(provenance.Record("merge", merge.VERSION, {})):
        merge.run(
            own.merge, origins=judged["events"], origin_arrivals=placed["arrivals"],
            chunk_picks=[files.picks], station_magnitudes=sized["station_magnitudes"],
            stations=files.stations, quakeml=last / "catalog.qml", csv=last / "catalog.csv",
            weights=[], mechanisms=[], polarities=[], **earth,
            exports=[last / name for name in files_of(own.merge.exports)],
            **{name: last / f"{name}.parquet" for name in ("events", "arrivals", "picks")},
        )  # fmt: skip
    return last


def in_memory(files: Files, sections: Mapping[str, Any], folder: Path) -> Path:
    """What `quakeline.catalog` makes of the files."""
    made = quakeline.catalog(
        files.picks,
        files.stations,
        files.velocity,
        measurements=tables.read(files.measurements, MEASUREMENTS),
        threads=1,
        **sections,
    )
    made.write(folder)
    return folder


def content(folder: Path) -> dict[str, Any]:
    """Everything in the folder of a catalog but for what tells how it was made."""
    own = ("config.yaml", "diagnosis.json", targets.MARK)
    found: dict[str, Any] = {
        table.name: tables.read(folder / f"{table.name}.parquet", table)
        for table in (EVENTS, ARRIVALS, PICKS)
    }
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".parquet" and path.name not in own:
            lines = path.read_text().splitlines()
            told = ("quakeline_provenance=", "<eventParameters ")
            kept = [line for line in lines if not any(word in line for word in told)]
            found[str(path.relative_to(folder))] = kept
    return found


def equal(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else one == other


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], value, check_exact=True, obj=name)
        else:
            assert found[name] == value, name


@pytest.fixture(scope="module")
def base(files: Files) -> dict[str, Any]:
    made = content(by_stages(files, BASE))
    assert len(made["events"]) == 4
    assert made["events"]["magnitude"].notna().all()
    assert made["events"]["mw"].notna().any()
    return made


def test_every_setting_has_a_trial() -> None:
    known = dict(settings_of(Sections))
    assert set(TRIALS) == set(known)
    for name, values in TRIALS.items():
        assert values or len(get_args(known[name])) == 1, f"{name} has other values"


def late(name: str, number: int) -> list[pytest.MarkDecorator]:
    """Whether a trial is one of `make test-slow`: all but the last ones of some settings."""
    last = number == len(TRIALS[name] or []) - 1
    return [] if last and name in SOON else [pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "number"),
    [pytest.param(n, k, id=f"{n}-{k}", marks=late(n, k)) for n, k in CASES],
)
def test_both_roads_are_one(
    name: str, number: int, files: Files, base: dict[str, Any], tmp_path: Path
) -> None:
    """Equal tables, QuakeML, CSV and exports; and the setting does something in both."""
    sections = settings_for(name, (TRIALS[name] or [])[number], files.folder)
    assert Sections.model_validate(sections) != Sections.model_validate(BASE)
    expected = content(by_stages(files, sections))
    same(content(in_memory(files, sections, tmp_path / "out")), expected)
    changed = base.keys() != expected.keys() or any(
        not equal(expected[part], base[part]) for part in base
    )
    last = number == len(TRIALS[name] or []) - 1
    assert changed or not last or name in STILL


def test_both_roads_are_one_where_many_settings_change(
    files: Files, base: dict[str, Any], tmp_path: Path
) -> None:
    sizes = {**TOGETHER["magnitude"], "corrections": str(files.corrections)}
    sections = {**BASE, **TOGETHER, "magnitude": sizes}
    expected = content(by_stages(files, sections))
    same(content(in_memory(files, sections, tmp_path / "out")), expected)
    assert all(not equal(expected[name], base[name]) for name in ("events", "catalog.qml"))
    assert expected.keys() > base.keys()


def test_both_roads_are_one_without_a_change(
    files: Files, base: dict[str, Any], tmp_path: Path
) -> None:
    same(content(in_memory(files, BASE, tmp_path)), base)


def test_the_command_reduces_instruments_to_one_onset(files: Files, tmp_path: Path) -> None:
    """It once left them all: an event then had both instruments of a station."""
    stations = {}
    for within in (0.3, 0.0):
        out = tmp_path / str(within)
        words = [
            "catalog", files.picks, files.stations, "--velocity", files.velocity, "-o", out,
            "--threads", 1, "--set", f"associate.same_onset_s={within}",
            *(
                word
                for section in ("associate", "locate")
                for key, value in BASE[section].items()
                for word in ("--set", f"{section}.{key}={value}")
            ),
        ]  # fmt: skip
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        arrivals = tables.read(out / "arrivals.parquet", ARRIVALS)
        stations[within] = arrivals["pick_id"].str.startswith("other/").sum()
    assert stations[0.3] == 0
    assert stations[0.0] > 0


def test_a_run_and_its_settings_make_its_catalog(demo_run: WorkFolder, tmp_path: Path) -> None:
    """The demo's catalog again, in memory, of its picks, measurements and configuration."""
    results = demo_run.folder / "results/unterhaching"
    described = read_yaml(results / "catalog/config.yaml")
    sketches = sorted((results / "measurements").glob("*.parquet"))
    made = quakeline.catalog(
        tables.read_many(sorted((results / "picks").glob("*.parquet")), PICKS),
        results / "stations.parquet",
        demo_run.folder / described["velocity"]["table"],
        vp_vs=described["velocity"]["vp_vs"],
        measurements=tables.read_many(sketches, MEASUREMENTS),
        **{name: described[name] for name in Sections.model_fields},
    )
    made.write(tmp_path)
    expected = content(results / "catalog")
    same(content(tmp_path), {name: expected[name] for name in content(tmp_path)})
