# From picks to the catalog and its report.
#   import_picks  anybody's table of picks         -> imported/{picks,manifest}.parquet (where there
#                                                     is one)
#   associate  all picks, coverage and manifests,
#              stations, channels, velocity table -> associations/{events,arrivals}.parquet
#   locate     associations, picks                 -> locations/{events,arrivals}.parquet
#   magnitude  locations, picks, measurements,     -> magnitudes/{events,stations,moments,
#              velocity table                         corrections}.parquet
#   classify   the same, events with magnitudes    -> classes/{events,classes}.parquet
#   merge      events, all picks                   -> catalog/
#   evaluate   the catalog, a reference            -> evaluation/ (where evaluate.reference is set)
#   report     the catalog and what led to it      -> report.html
#   crate      the catalog, its inputs, settings   -> catalog/ro-crate-metadata.json


rule import_picks:
    input:
        table=RUN.import_picks.files(),
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
    output:
        picks=f"results/{RUN.run}/imported/picks.parquet",
        manifest=f"results/{RUN.run}/imported/manifest.parquet",
    log:
        f"results/{RUN.run}/logs/import_picks/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/import_picks/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("import_picks"),
        span=RUN.span.id,
    message:
        "import_picks"
    script:
        "../scripts/run_stage.py"


PICKS = (
    expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
    + of_fibres(rules.das_pick.output.selected)
    + when_imported(path_of(rules.import_picks.output.picks))
)


rule associate:
    input:
        picks=PICKS,
        coverage=expand(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        manifests=expand(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        stations=path_of(rules.stations.output.stations),
        channels=of_fibres(rules.das_index.output.channels),
        velocity=RUN.velocity.table,
        known=RUN.associate.known_files(),
    output:
        events=f"results/{RUN.run}/associations/events.parquet",
        arrivals=f"results/{RUN.run}/associations/arrivals.parquet",
    log:
        f"results/{RUN.run}/logs/associate/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/associate/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 2
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=120),
    params:
        stage=RUN.params("associate"),
        vp_vs=RUN.velocity.vp_vs or 0.0,
        interpolation=RUN.velocity.interpolation,
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
        velocity=RUN.velocity.table,
    output:
        events=f"results/{RUN.run}/locations/events.parquet",
        arrivals=f"results/{RUN.run}/locations/arrivals.parquet",
        diagnosis=f"results/{RUN.run}/locations/diagnosis.json",
    log:
        f"results/{RUN.run}/logs/locate/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/locate/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 2
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("locate"),
        vp_vs=RUN.velocity.vp_vs or 0.0,
        interpolation=RUN.velocity.interpolation,
    message:
        "locate"
    script:
        "../scripts/run_stage.py"


rule magnitude:
    input:
        located=path_of(rules.locate.output.events),
        arrivals=path_of(rules.locate.output.arrivals),
        picks=PICKS,
        measurements=expand(rules.measure.output.measurements, chunk=STATION_CHUNKS),
        stations=path_of(rules.stations.output.stations),
        velocity=RUN.velocity.table,
        corrections=RUN.magnitude.files(),
    output:
        events=f"results/{RUN.run}/magnitudes/events.parquet",
        station_magnitudes=f"results/{RUN.run}/magnitudes/stations.parquet",
        station_moments=f"results/{RUN.run}/magnitudes/moments.parquet",
        station_corrections=f"results/{RUN.run}/magnitudes/corrections.parquet",
    log:
        f"results/{RUN.run}/logs/magnitude/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/magnitude/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("magnitude"),
        vp_vs=RUN.velocity.vp_vs or 0.0,
        interpolation=RUN.velocity.interpolation,
    message:
        "magnitude"
    script:
        "../scripts/run_stage.py"


rule classify:
    input:
        sized=path_of(rules.magnitude.output.events),
        arrivals=path_of(rules.locate.output.arrivals),
        picks=PICKS,
        measurements=expand(rules.measure.output.measurements, chunk=STATION_CHUNKS),
    output:
        events=f"results/{RUN.run}/classes/events.parquet",
        classes=f"results/{RUN.run}/classes/classes.parquet",
    log:
        f"results/{RUN.run}/logs/classify/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/classify/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("classify"),
    message:
        "classify"
    script:
        "../scripts/run_stage.py"


rule merge:
    input:
        origins=path_of(rules.classify.output.events),
        origin_arrivals=path_of(rules.locate.output.arrivals),
        chunk_picks=PICKS,
        station_magnitudes=path_of(rules.magnitude.output.station_magnitudes),
        stations=path_of(rules.stations.output.stations),
    output:
        events=f"results/{RUN.run}/catalog/events.parquet",
        arrivals=f"results/{RUN.run}/catalog/arrivals.parquet",
        picks=f"results/{RUN.run}/catalog/picks.parquet",
        quakeml=f"results/{RUN.run}/catalog/catalog.qml",
        csv=f"results/{RUN.run}/catalog/catalog.csv",
        exports=exports_of_catalog(),
    log:
        f"results/{RUN.run}/logs/merge/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/merge/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("merge"),
    message:
        "merge"
    script:
        "../scripts/run_stage.py"


rule evaluate:
    input:
        events=rules.merge.output.events,
        stations=rules.stations.output.stations,
        reference=RUN.evaluate.files(),
    output:
        evaluation=f"results/{RUN.run}/evaluation/evaluation.json",
        matches=f"results/{RUN.run}/evaluation/matches.parquet",
    log:
        f"results/{RUN.run}/logs/evaluate/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/evaluate/all.tsv"
    localrule: RUN.evaluate.remote
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=30),
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
        manifests=expand(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest)
        + when_imported(path_of(rules.import_picks.output.manifest)),
        coverage=expand(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        waveforms=when_kept(rules.prepare.output.waveforms),
        probabilities=when_kept(rules.annotate.output.probabilities),
        evaluation=when_evaluated(rules.evaluate.output.evaluation),
        matches=when_evaluated(rules.evaluate.output.matches),
        benchmarks=benchmarks_of(
            "stations",
            "fetch",
            "prepare",
            *RUN.weights_stages,
            "annotate",
            "pick",
            "measure",
            *when_imported("import_picks"),
            "associate",
            "locate",
            "magnitude",
            "classify",
            "merge",
            *when_evaluated("evaluate"),
        )
        + benchmarks_of_fibres("das_index", "das_annotate", "das_pick"),
        channels=of_fibres(rules.das_index.output.channels),
        fibre_picks=of_fibres(rules.das_pick.output.picks),
        panels=of_fibres(rules.das_pick.output.panels),
    output:
        report=f"results/{RUN.run}/report.html",
    log:
        f"results/{RUN.run}/logs/report/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/report/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=30),
    params:
        stage=RUN.params("report"),
        run_name=RUN.run,
        settings=RUN.as_yaml(),
    message:
        "report"
    script:
        "../scripts/run_stage.py"


rule crate:
    input:
        catalog=[path_of(file) for file in rules.merge.output],
        stations=path_of(rules.stations.output.stations),
        manifests=expand(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        weights=[path_of(getattr(rules, name).output.weights) for name in RUN.weights_stages[:1]],
        given=RUN.named_files(),
    output:
        crate=f"results/{RUN.run}/catalog/ro-crate-metadata.json",
        parts=expand(
            "results/{run}/catalog/{name}",
            run=RUN.run,
            name=["config.yaml", "inputs.csv", "Snakefile"],
        ),
    log:
        f"results/{RUN.run}/logs/crate/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/crate/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("crate"),
        run_name=RUN.run,
        settings=RUN.as_yaml(),
    message:
        "crate"
    script:
        "../scripts/run_stage.py"
