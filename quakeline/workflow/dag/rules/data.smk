# From raw archives to prepared waveforms.
# Rules that ask servers run where the workflow was started: compute nodes may have no network.
#   stations   table, StationXML or web services   -> stations.parquet, stations.xml
#   fetch      the source of the config, stations  -> raw/<chunk>.parquet (what came, why not)
#   prepare    raw/<chunk>.parquet, stations       -> waveforms/<chunk>.zarr,
#                                                     coverage/<chunk>.parquet


rule stations:
    input:
        sources=RUN.stations.files(),
    output:
        stations=product("stations", "stations"),
        inventory=product("stations", "inventory"),
    log:
        log_of("stations"),
    benchmark:
        benchmark_of("stations")
    localrule: is_local("stations")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("stations", memory_mb=1000, runtime_min=10),
    params:
        stage=RUN.params("stations"),
        span=RUN.asked_span,
    message:
        "stations"
    script:
        "../scripts/run_stage.py"


rule fetch:
    input:
        stations=rules.stations.output.stations,
    output:
        manifest=product("fetch", "manifest"),
    log:
        log_of("fetch"),
    benchmark:
        benchmark_of("fetch")
    localrule: is_local("fetch")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("fetch", memory_mb=1000, runtime_min=60),
    params:
        stage=RUN.params("fetch"),
        margin_s=RUN.margin_s,
        read_ahead_s=RUN.prepare.response.read_ahead_s,
        archive=lambda wildcards: RUN.archive_of(wildcards.chunk),
    message:
        "fetch {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule prepare:
    input:
        manifest=rules.fetch.output.manifest,
        stations=rules.stations.output.stations,
        inventory=rules.stations.output.inventory,
    output:
        waveforms=product("prepare", "waveforms"),
        coverage=product("prepare", "coverage"),
    log:
        log_of("prepare"),
    benchmark:
        benchmark_of("prepare")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("prepare", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("prepare"),
        margin_s=RUN.margin_s,
        rate_hz=RUN.sampling_rate_hz,
    message:
        "prepare {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
