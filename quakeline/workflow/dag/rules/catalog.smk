# From picks to the catalog and its report.
#   import_picks  anybody's table of picks         -> imported/{picks,manifest}.parquet (where there
#                                                     is one)
#   associate  all picks, coverage and manifests,
#              stations, channels, velocity table -> associations/{events,arrivals}.parquet
#   locate     associations, picks                 -> locations/{events,arrivals}.parquet,
#                                                     diagnosis.json
#   magnitude  locations, picks, measurements,     -> magnitudes/{events,stations,moments,
#              velocity table                         corrections}.parquet
#   classify   the same, events with magnitudes,   -> classes/{events,classes}.parquet
#              what a network said of windows
#   mechanism  the same, stations, waveforms or a  -> catalog/{mechanisms,polarities}.parquet
#              table of polarities                    (where section mechanism names either)
#   merge      events, all picks, mechanisms       -> catalog/
#   evaluate   the catalog, a reference            -> evaluation/ (where evaluate.reference is set)
#   report     the catalog and what led to it      -> report.html
#   crate      the catalog, its inputs, settings   -> catalog/ro-crate-metadata.json


rule import_picks:
    input:
        table=RUN.import_picks.files(),
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
    output:
        picks=product("import_picks", "picks"),
        manifest=product("import_picks", "manifest"),
    log:
        log_of("import_picks"),
    benchmark:
        benchmark_of("import_picks")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("import_picks", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("import_picks"),
        span=RUN.span.id,
    message:
        "import_picks"
    script:
        "../scripts/run_stage.py"


#: Picks that become events: those of networks, and those of a table beside or instead of them.
PICKS = [
    *(
        []
        if RUN.import_picks.replaces
        else every(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected)
    ),
    *only_with("import_picks", path_of(rules.import_picks.output.picks)),
]


rule associate:
    input:
        picks=PICKS,
        coverage=every(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        manifests=every(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
        velocity=RUN.velocity.files()[0],
        velocity_parts=RUN.velocity.files()[1:],
        known=RUN.associate.known_files(),
    output:
        events=product("associate", "events"),
        arrivals=product("associate", "arrivals"),
    log:
        log_of("associate"),
    benchmark:
        benchmark_of("associate")
    conda:
        "../envs/quakeline.yaml"
    threads: 2
    resources:
        **resources_of("associate", memory_mb=4000, runtime_min=120),
    params:
        stage=RUN.params("associate"),
        model=RUN.velocity.model_dump_json(),
    message:
        "associate"
    script:
        "../scripts/run_stage.py"


rule locate:
    input:
        candidates=path_of(rules.associate.output.events),
        assignments=path_of(rules.associate.output.arrivals),
        picks=PICKS,
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
        velocity=RUN.velocity.files()[0],
        velocity_parts=RUN.velocity.files()[1:],
        terms=RUN.locate.files(),
    output:
        events=product("locate", "events"),
        arrivals=product("locate", "arrivals"),
        diagnosis=product("locate", "diagnosis"),
    log:
        log_of("locate"),
    benchmark:
        benchmark_of("locate")
    conda:
        "../envs/quakeline.yaml"
    threads: 2
    resources:
        **resources_of("locate", memory_mb=2000, runtime_min=60),
    params:
        min_interevent_s=RUN.associate.times()["min_interevent_s"],
        tolerance_s=RUN.associate.times()["tolerance_s"],
        stage=RUN.params("locate"),
        model=RUN.velocity.model_dump_json(),
    message:
        "locate"
    script:
        "../scripts/run_stage.py"


rule magnitude:
    input:
        located=path_of(rules.locate.output.events),
        arrivals=path_of(rules.locate.output.arrivals),
        picks=PICKS,
        measurements=every(rules.measure.output.measurements, chunk=STATION_CHUNKS),
        stations=path_of(rules.stations.output.stations),
        velocity=RUN.velocity.files()[0],
        velocity_parts=RUN.velocity.files()[1:],
        corrections=RUN.magnitude.files(),
    output:
        events=product("magnitude", "events"),
        station_magnitudes=product("magnitude", "station_magnitudes"),
        station_moments=product("magnitude", "station_moments"),
        station_corrections=product("magnitude", "station_corrections"),
    log:
        log_of("magnitude"),
    benchmark:
        benchmark_of("magnitude")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("magnitude", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("magnitude"),
        model=RUN.velocity.model_dump_json(),
    message:
        "magnitude"
    script:
        "../scripts/run_stage.py"


rule classify:
    input:
        sized=path_of(rules.magnitude.output.events),
        arrivals=path_of(rules.locate.output.arrivals),
        picks=PICKS,
        measurements=every(rules.measure.output.measurements, chunk=STATION_CHUNKS),
        windows=(
            every(rules.classify_windows.output.windows, chunk=STATION_CHUNKS)
            if STAGES["classify_windows"].has(RUN)
            else []
        ),
    output:
        events=product("classify", "events"),
        classes=product("classify", "classes"),
    log:
        log_of("classify"),
    benchmark:
        benchmark_of("classify")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("classify", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("classify"),
    message:
        "classify"
    script:
        "../scripts/run_stage.py"


rule mechanism:
    input:
        origins=path_of(rules.classify.output.events),
        arrivals=path_of(rules.locate.output.arrivals),
        picks=PICKS,
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
        velocity=RUN.velocity.files()[0],
        velocity_parts=RUN.velocity.files()[1:],
        waveforms=waveforms_for_polarities(rules.prepare.output.waveforms),
        networks=RUN.mechanism.files().get("networks", []),
        table=RUN.mechanism.files().get("polarities", []),
        reversed_stations=RUN.mechanism.files().get("reversals", []),
    output:
        mechanisms=product("mechanism", "mechanisms"),
        polarities=product("mechanism", "polarities"),
    log:
        log_of("mechanism"),
    benchmark:
        benchmark_of("mechanism")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("mechanism", memory_mb=4000, runtime_min=120),
    params:
        stage=RUN.params("mechanism"),
        model=RUN.velocity.model_dump_json(),
    message:
        "mechanism"
    script:
        "../scripts/run_stage.py"


MECHANISMS = only_with("mechanism", path_of(rules.mechanism.output.mechanisms))
POLARITIES = only_with("mechanism", path_of(rules.mechanism.output.polarities))


rule merge:
    input:
        origins=path_of(rules.classify.output.events),
        origin_arrivals=path_of(rules.locate.output.arrivals),
        chunk_picks=PICKS,
        station_magnitudes=path_of(rules.magnitude.output.station_magnitudes),
        stations=path_of(rules.stations.output.stations),
        weights=weights_of(RUN.trained_stages),
        mechanisms=MECHANISMS,
        polarities=POLARITIES,
        velocity=RUN.velocity.files()[0],
        velocity_parts=RUN.velocity.files()[1:],
    output:
        events=product("merge", "events"),
        arrivals=product("merge", "arrivals"),
        picks=product("merge", "picks"),
        quakeml=product("merge", "quakeml"),
        csv=product("merge", "csv"),
        exports=exports_of_catalog(),
    log:
        log_of("merge"),
    benchmark:
        benchmark_of("merge")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("merge", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("merge"),
        model=RUN.velocity.model_dump_json(),
    message:
        "merge"
    script:
        "../scripts/run_stage.py"


rule evaluate:
    input:
        events=rules.merge.output.events,
        stations=rules.stations.output.stations,
        reference=RUN.evaluate.files(),
        mechanisms=MECHANISMS,
        their_mechanisms=RUN.evaluate.mechanism_files(),
    output:
        evaluation=product("evaluate", "evaluation"),
        matches=product("evaluate", "matches"),
    log:
        log_of("evaluate"),
    benchmark:
        benchmark_of("evaluate")
    localrule: is_local("evaluate")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("evaluate", memory_mb=2000, runtime_min=30),
    params:
        stage=RUN.params("evaluate"),
        span=RUN.span.id,
    message:
        "evaluate"
    script:
        "../scripts/run_stage.py"


rule report:
    input:
        events=path_of(rules.merge.output.events),
        arrivals=path_of(rules.merge.output.arrivals),
        picks=path_of(rules.merge.output.picks),
        stations=path_of(rules.stations.output.stations),
        diagnosis=path_of(rules.locate.output.diagnosis),
        manifests=every(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest)
        + only_with("import_picks", path_of(rules.import_picks.output.manifest)),
        coverage=every(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        waveforms=when_kept(rules.prepare.output.waveforms),
        probabilities=when_kept(rules.annotate.output.probabilities),
        evaluation=only_with("evaluate", path_of(rules.evaluate.output.evaluation)),
        matches=only_with("evaluate", path_of(rules.evaluate.output.matches)),
        benchmarks=benchmarks_before("report"),
        channels=of_fibres(rules.das_index.output.channels),
        fibre_picks=of_fibres(rules.das_pick.output.picks),
        panels=of_fibres(rules.das_pick.output.panels),
        choices=choosing(),
        weights=weights_of(RUN.weights_stages),
        mechanisms=MECHANISMS,
        polarities=POLARITIES,
        maps=[path for paths in RUN.report.files().values() for path in paths],
    output:
        report=product("report", "report"),
    log:
        log_of("report"),
    benchmark:
        benchmark_of("report")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("report", memory_mb=2000, runtime_min=30),
    params:
        stage=RUN.params("report"),
        run_name=RUN.run,
        settings=RUN.as_yaml(),
        chosen=json.dumps(RUN.chosen),
    message:
        "report"
    script:
        "../scripts/run_stage.py"


#: What the crate holds beside the catalog and its own description.
CRATE_PARTS = ["config.yaml", "inputs.csv", "Snakefile"]


rule crate:
    input:
        catalog=[path_of(file) for file in rules.merge.output] + MECHANISMS + POLARITIES,
        stations=path_of(rules.stations.output.stations),
        manifests=every(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        weights=weights_of(RUN.weights_stages),
        given=RUN.named_files(),
    output:
        crate=product("crate", "crate"),
        parts=[stored(f"{RESULTS}/catalog/{name}") for name in CRATE_PARTS],
    log:
        log_of("crate"),
    benchmark:
        benchmark_of("crate")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("crate", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("crate"),
        run_name=RUN.run,
        settings=RUN.as_yaml(),
    message:
        "crate"
    script:
        "../scripts/run_stage.py"


#: What a finished run has on this machine.
CATALOG_AT_HAND = [
    rules.merge.output.events,
    rules.report.output.report,
    rules.merge.output.exports,
    rules.crate.output.crate,
]

if SITE.results:
    CATALOG_AT_HAND = files_of_run()

    rule bring:
        input:
            [stored(path) for path in CATALOG_AT_HAND],
        output:
            CATALOG_AT_HAND,
        localrule: True
        params:
            results=RESULTS,
        message:
            "bring"
        script:
            "../scripts/bring.py"
