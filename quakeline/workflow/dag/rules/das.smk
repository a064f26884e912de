# From the files of fibres to picks, one job of each stage per fibre and chunk.
#   das_weights   das_weights of the config         -> weights/fibres.safetensors (else the fibres
#                                                      share weights/picker.safetensors)
#   das_index     the source of a fibre             -> fibres/<fibre>/raw/<chunk>.parquet (what came,
#                                                      why not), channels/<chunk>.parquet
#   das_annotate  the files, channels, weights      -> onsets/<chunk>.parquet (every channel for
#                                                      itself), coverage/<chunk>.parquet
#   das_pick      onsets, files, channels           -> picks/<chunk>.parquet (all, cleaned),
#                                                      selected/<chunk>.parquet (for association),
#                                                      panels/<chunk>.zarr (for the report)


rule das_weights:
    output:
        weights=product("das_weights", "weights"),
    log:
        log_of("das_weights"),
    benchmark:
        benchmark_of("das_weights")
    localrule: is_local("das_weights")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("das_weights", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("das_weights"),
    message:
        "das_weights"
    script:
        "../scripts/run_stage.py"


rule das_index:
    output:
        manifest=product("das_index", "manifest"),
        channels=product("das_index", "channels"),
    log:
        log_of("das_index"),
    benchmark:
        benchmark_of("das_index")
    localrule: is_local("das_index")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("das_index", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("das_index"),
        settings=fibre_of,
        margin_s=RUN.margin_s,
        archive=lambda wildcards: RUN.fibre(wildcards.fibre).source.fingerprint(),
    message:
        "das_index {wildcards.fibre} {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule das_annotate:
    input:
        manifest=rules.das_index.output.manifest,
        channels=rules.das_index.output.channels,
        weights=rules.das_weights.output.weights if RUN.das_weights else PICKER,
    output:
        onsets=product("das_annotate", "onsets"),
        coverage=product("das_annotate", "coverage"),
    log:
        log_of("das_annotate"),
    benchmark:
        benchmark_of("das_annotate")
    conda:
        "../envs/quakeline.yaml"
    threads: 2
    resources:
        **resources_of("das_annotate", memory_mb=4000, runtime_min=240),
    params:
        stage=RUN.params("das_annotate"),
        settings=fibre_of,
    message:
        "das_annotate {wildcards.fibre} {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule das_pick:
    input:
        onsets=rules.das_annotate.output.onsets,
        manifest=rules.das_index.output.manifest,
        channels=rules.das_index.output.channels,
    output:
        picks=product("das_pick", "picks"),
        selected=product("das_pick", "selected"),
        panels=product("das_pick", "panels"),
    log:
        log_of("das_pick"),
    benchmark:
        benchmark_of("das_pick")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("das_pick", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("das_pick"),
        settings=fibre_of,
        rate_hz=RUN.fibre_rate_hz,
    message:
        "das_pick {wildcards.fibre} {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
