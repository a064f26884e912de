# From picks to the catalog and its report.
#   associate  all picks, coverage and manifests,
#              stations, channels, velocity table -> associations/{events,arrivals}.parquet
#   locate     associations, picks                 -> locations/{events,arrivals}.parquet
#   magnitude  locations, picks, measurements      -> magnitudes/{events,stations,corrections}.parquet
#   classify   the same, events with magnitudes    -> classes/{events,classes}.parquet
#   merge      events, all picks                   -> catalog/
#   report     the catalog and what led to it      -> report.html


rule associate:
    input:
        picks=expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected),
        coverage=expand(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        manifests=expand(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        stations=rules.stations.output.stations,
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
    message:
        "associate"
    script:
        "../scripts/run_stage.py"


rule locate:
    input:
        candidates=rules.associate.output.events,
        assignments=rules.associate.output.arrivals,
        picks=expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected),
        stations=rules.stations.output.stations,
        channels=of_fibres(rules.das_index.output.channels),
        velocity=RUN.velocity.table,
    output:
        events=f"results/{RUN.run}/locations/events.parquet",
        arrivals=f"results/{RUN.run}/locations/arrivals.parquet",
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
    message:
        "locate"
    script:
        "../scripts/run_stage.py"


rule magnitude:
    input:
        located=rules.locate.output.events,
        arrivals=rules.locate.output.arrivals,
        picks=expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected),
        measurements=expand(rules.measure.output.measurements, chunk=STATION_CHUNKS),
        stations=rules.stations.output.stations,
        corrections=RUN.magnitude.files(),
    output:
        events=f"results/{RUN.run}/magnitudes/events.parquet",
        station_magnitudes=f"results/{RUN.run}/magnitudes/stations.parquet",
        station_corrections=f"results/{RUN.run}/magnitudes/corrections.parquet",
    log:
        f"results/{RUN.run}/logs/magnitude/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/magnitude/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        stage=RUN.params("magnitude"),
    message:
        "magnitude"
    script:
        "../scripts/run_stage.py"


rule classify:
    input:
        sized=rules.magnitude.output.events,
        arrivals=rules.locate.output.arrivals,
        picks=expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected),
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
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        stage=RUN.params("classify"),
    message:
        "classify"
    script:
        "../scripts/run_stage.py"


rule merge:
    input:
        origins=rules.classify.output.events,
        origin_arrivals=rules.locate.output.arrivals,
        chunk_picks=expand(rules.pick.output.picks, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_pick.output.selected),
        station_magnitudes=rules.magnitude.output.station_magnitudes,
        stations=rules.stations.output.stations,
    output:
        events=f"results/{RUN.run}/catalog/events.parquet",
        arrivals=f"results/{RUN.run}/catalog/arrivals.parquet",
        picks=f"results/{RUN.run}/catalog/picks.parquet",
        quakeml=f"results/{RUN.run}/catalog/catalog.qml",
        csv=f"results/{RUN.run}/catalog/catalog.csv",
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


rule report:
    input:
        events=rules.merge.output.events,
        arrivals=rules.merge.output.arrivals,
        picks=rules.merge.output.picks,
        stations=rules.stations.output.stations,
        manifests=expand(rules.fetch.output.manifest, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_index.output.manifest),
        coverage=expand(rules.prepare.output.coverage, chunk=STATION_CHUNKS)
        + of_fibres(rules.das_annotate.output.coverage),
        waveforms=when_kept(rules.prepare.output.waveforms),
        probabilities=when_kept(rules.annotate.output.probabilities),
        benchmarks=benchmarks_of(
            "stations",
            "fetch",
            "prepare",
            "weights",
            "annotate",
            "pick",
            "measure",
            "associate",
            "locate",
            "magnitude",
            "classify",
            "merge",
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
