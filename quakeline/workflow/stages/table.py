"""The table of the stages: whatever lists stages follows from `TABLE`.

It loads the modules of all stages; a job loads that of its own alone.
"""

from collections.abc import Mapping

from quakeline.workflow.stages import (
    annotate,
    associate,
    classify,
    classify_windows,
    crate,
    das_annotate,
    das_index,
    das_pick,
    das_weights,
    dataset,
    evaluate,
    fetch,
    import_picks,
    locate,
    magnitude,
    measure,
    mechanism,
    merge,
    pick,
    prepare,
    report,
    stations,
    train,
    weights,
)
from quakeline.workflow.stages.stage import Settings, Stage, always


def _waveforms(run: Settings) -> bool:
    """Whether seismometers are worked on."""
    return run.fetch is not None


def _annotated_apart(run: Settings) -> bool:
    return run.fetch is not None and run.annotates_apart


def _fibres(run: Settings) -> bool:
    return bool(run.fibres)


def _shared_or_own_weights(run: Settings) -> bool:
    """Seismometers need `weights`, and fibres that have no weights of their own."""
    return run.fetch is not None or (bool(run.fibres) and run.das_weights is None)


def _fibre_weights(run: Settings) -> bool:
    return bool(run.fibres) and run.das_weights is not None


def _trains(run: Settings) -> bool:
    return run.train is not None


def _cuts_records(run: Settings) -> bool:
    return run.dataset.from_run is not None


def _imported(run: Settings) -> bool:
    return run.import_picks.table is not None


def _replaces_picks_of_fibres(run: Settings) -> bool:
    """Whether a table names channels of fibres, and stations are measured at its picks."""
    return run.import_picks.replaces and bool(run.fibres)


def _evaluated(run: Settings) -> bool:
    return run.evaluate.reference is not None


def _mechanisms(run: Settings) -> bool:
    return run.mechanism.asked


def _windows_classified(run: Settings) -> bool:
    return run.fetch is not None and run.classify_windows is not None


def _event_weights(run: Settings) -> dict[str, list[str]]:
    weights = run.classify_windows
    return {} if weights is None else {"classify.weights.path": [weights.path]}


def _asks_for_stations(run: Settings) -> bool:
    return run.stations.fdsn is not None


def _asks_for_waveforms(run: Settings) -> bool:
    return run.fetch is not None and run.fetch.source.remote


def _asks_for_fibres(run: Settings) -> bool:
    return any(fibre.source.remote for fibre in run.fibres)


def _asks_for_reference(run: Settings) -> bool:
    return run.evaluate.remote


def _fibre_files(run: Settings) -> dict[str, list[str]]:
    tables = {f"fibres.{one.name}.channels.table": one.channels.table for one in run.fibres}
    return {key: [table] for key, table in tables.items() if table}


def _mechanism_files(run: Settings) -> dict[str, list[str]]:
    return {f"mechanism.{key}": files for key, files in run.mechanism.files().items()}


def _check_stations(run: Settings) -> None:
    if run.stations.fdsn:
        run.stations.fdsn.check()


def _check_source(run: Settings) -> None:
    if run.fetch:
        run.fetch.source.check()


def _check_fibres(run: Settings) -> None:
    for fibre in run.fibres:
        fibre.source.check()


#: Every stage, each after those whose products it reads.
TABLE: tuple[Stage, ...] = (
    Stage(
        stations,
        "run",
        {"stations": "stations.parquet", "inventory": "stations.xml"},
        phase="data",
        local=_asks_for_stations,
        files=lambda run: {"stations": run.stations.files()},
        check=_check_stations,
    ),
    Stage(
        fetch,
        "chunk",
        {"manifest": "raw/{chunk}.parquet"},
        phase="data",
        has=_waveforms,
        local=_asks_for_waveforms,
        group="chunks",
        check=_check_source,
    ),
    Stage(
        prepare,
        "chunk",
        {"waveforms": "waveforms/{chunk}.zarr", "coverage": "coverage/{chunk}.parquet"},
        phase="picks",
        has=_waveforms,
        group="chunks",
        temporary=frozenset({"waveforms"}),
    ),
    Stage(
        weights,
        "run",
        {"weights": "weights/picker.safetensors"},
        phase="data",
        has=_shared_or_own_weights,
        local=always,
    ),
    Stage(
        dataset,
        "run",
        {
            "metadata": "training/dataset/metadata.csv",
            "waveforms": "training/dataset/waveforms.hdf5",
        },
        phase="train",
        has=_cuts_records,
        files=lambda run: {"dataset.from_run": run.dataset.tables()},
    ),
    Stage(
        train,
        "run",
        {
            "weights": "training/picker.safetensors",
            "epochs": "training/picker.csv",
            "page": "training/picker_report/report.html",
        },
        phase="train",
        has=_trains,
        gpu=True,
        files=lambda run: {"train.dataset": run.train.files() if run.train else []},
    ),
    Stage(
        annotate,
        "chunk",
        {"probabilities": "probabilities/{chunk}.zarr"},
        phase="picks",
        has=_annotated_apart,
        gpu=True,
        group="chunks",
        temporary=frozenset({"probabilities"}),
    ),
    Stage(
        pick,
        "chunk",
        {"picks": "picks/{chunk}.parquet"},
        phase="picks",
        has=_waveforms,
        group="chunks",
    ),
    Stage(
        das_weights,
        "run",
        {"weights": "weights/fibres.safetensors"},
        phase="data",
        has=_fibre_weights,
        local=always,
    ),
    Stage(
        das_index,
        "fibre",
        {
            "manifest": "fibres/{fibre}/raw/{chunk}.parquet",
            "channels": "fibres/{fibre}/channels/{chunk}.parquet",
        },
        phase="data",
        has=_fibres,
        local=_asks_for_fibres,
        group="chunks",
        files=_fibre_files,
        check=_check_fibres,
    ),
    Stage(
        das_annotate,
        "fibre",
        {
            "onsets": "fibres/{fibre}/onsets/{chunk}.parquet",
            "coverage": "fibres/{fibre}/coverage/{chunk}.parquet",
        },
        phase="picks",
        has=_fibres,
        gpu=True,
        group="chunks",
    ),
    Stage(
        das_pick,
        "fibre",
        {
            "picks": "fibres/{fibre}/picks/{chunk}.parquet",
            "selected": "fibres/{fibre}/selected/{chunk}.parquet",
            "panels": "fibres/{fibre}/panels/{chunk}.zarr",
        },
        phase="picks",
        has=_fibres,
        group="chunks",
    ),
    Stage(
        import_picks,
        "run",
        {"picks": "imported/picks.parquet", "manifest": "imported/manifest.parquet"},
        phase="data",
        has=_imported,
        files=lambda run: {"import_picks.table": run.import_picks.files()},
        divides=_replaces_picks_of_fibres,
    ),
    Stage(
        measure,
        "chunk",
        {"measurements": "measurements/{chunk}.parquet"},
        phase="picks",
        has=_waveforms,
        group="chunks",
    ),
    Stage(
        classify_windows,
        "chunk",
        {"windows": "classes/windows/{chunk}.parquet"},
        phase="picks",
        has=_windows_classified,
        group="chunks",
        files=_event_weights,
    ),
    Stage(
        associate,
        "run",
        {"events": "associations/events.parquet", "arrivals": "associations/arrivals.parquet"},
        group="catalog",
        files=lambda run: {"associate.known_events": run.associate.known_files()},
    ),
    Stage(
        locate,
        "run",
        {
            "events": "locations/events.parquet",
            "arrivals": "locations/arrivals.parquet",
            "diagnosis": "locations/diagnosis.json",
        },
        group="catalog",
        files=lambda run: {"locate.station_terms": run.locate.files()},
    ),
    Stage(
        magnitude,
        "run",
        {
            "events": "magnitudes/events.parquet",
            "station_magnitudes": "magnitudes/stations.parquet",
            "station_moments": "magnitudes/moments.parquet",
            "station_corrections": "magnitudes/corrections.parquet",
        },
        group="catalog",
        files=lambda run: {"magnitude.corrections": run.magnitude.files()},
    ),
    Stage(
        classify,
        "run",
        {"events": "classes/events.parquet", "classes": "classes/classes.parquet"},
        group="catalog",
    ),
    Stage(
        mechanism,
        "run",
        {
            "mechanisms": "catalog/mechanisms.parquet",
            "polarities": "catalog/polarities.parquet",
        },
        has=_mechanisms,
        group="catalog",
        files=_mechanism_files,
    ),
    Stage(
        merge,
        "run",
        {
            "events": "catalog/events.parquet",
            "arrivals": "catalog/arrivals.parquet",
            "picks": "catalog/picks.parquet",
            "quakeml": "catalog/catalog.qml",
            "csv": "catalog/catalog.csv",
        },
        group="catalog",
    ),
    Stage(
        evaluate,
        "run",
        {"evaluation": "evaluation/evaluation.json", "matches": "evaluation/matches.parquet"},
        has=_evaluated,
        local=_asks_for_reference,
        group="catalog",
        files=lambda run: {
            "evaluate.reference": run.evaluate.files(),
            "evaluate.mechanisms": run.evaluate.mechanism_files(),
        },
    ),
    Stage(
        report,
        "run",
        {"report": "report.html"},
        group="catalog",
        files=lambda run: run.report.files(),
    ),
    Stage(crate, "run", {"crate": "catalog/ro-crate-metadata.json"}, group="catalog"),
)
STAGES: Mapping[str, Stage] = {stage.name: stage for stage in TABLE}


def of(run: Settings) -> list[Stage]:
    """The stages that a run has."""
    return [stage for stage in TABLE if stage.has(run)]
