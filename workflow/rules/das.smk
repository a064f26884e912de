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


localrules:
    das_weights,


rule das_weights:
    output:
        weights=f"results/{RUN.run}/weights/fibres.safetensors",
    log:
        f"results/{RUN.run}/logs/das_weights/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/das_weights/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("das_weights"),
    message:
        "das_weights"
    script:
        "../scripts/run_stage.py"


rule das_index:
    output:
        manifest=f"results/{RUN.run}/fibres/{{fibre}}/raw/{{chunk}}.parquet",
        channels=f"results/{RUN.run}/fibres/{{fibre}}/channels/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/das_index/{{fibre}}/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/das_index/{{fibre}}-{{chunk}}.tsv"
    localrule: RUN.remote_fibres
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=60),
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
        weights=(rules.das_weights if RUN.das_weights else rules.weights).output.weights,
    output:
        onsets=f"results/{RUN.run}/fibres/{{fibre}}/onsets/{{chunk}}.parquet",
        coverage=f"results/{RUN.run}/fibres/{{fibre}}/coverage/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/das_annotate/{{fibre}}/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/das_annotate/{{fibre}}-{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 2
    resources:
        **SITE.resources("gpu", memory_mb=4000, runtime_min=240),
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
        picks=f"results/{RUN.run}/fibres/{{fibre}}/picks/{{chunk}}.parquet",
        selected=f"results/{RUN.run}/fibres/{{fibre}}/selected/{{chunk}}.parquet",
        panels=directory(f"results/{RUN.run}/fibres/{{fibre}}/panels/{{chunk}}.zarr"),
    log:
        f"results/{RUN.run}/logs/das_pick/{{fibre}}/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/das_pick/{{fibre}}-{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("das_pick"),
        settings=fibre_of,
        rate_hz=RUN.fibre_rate_hz,
    message:
        "das_pick {wildcards.fibre} {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
