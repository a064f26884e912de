# From prepared waveforms to picks.
#   weights    the picker of the config (Python package index, cache, or a local path)
#                                                  -> weights/picker.safetensors
#   annotate   waveforms/<chunk>.zarr, weights     -> probabilities/<chunk>.zarr
#   pick       probabilities, waveforms            -> picks/<chunk>.parquet
#   measure    picks, waveforms                    -> measurements/<chunk>.parquet


localrules:
    weights,


rule weights:
    output:
        weights=f"results/{RUN.run}/weights/picker.safetensors",
    log:
        f"results/{RUN.run}/logs/weights/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/weights/all.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=1000, runtime_min=30),
    params:
        stage=RUN.params("weights"),
    message:
        "weights"
    script:
        "../scripts/run_stage.py"


rule annotate:
    input:
        waveforms=rules.prepare.output.waveforms,
        weights=rules.weights.output.weights,
    output:
        probabilities=kept("probabilities", f"results/{RUN.run}/probabilities/{{chunk}}.zarr"),
    log:
        f"results/{RUN.run}/logs/annotate/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/annotate/{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 2
    resources:
        **SITE.resources("gpu", memory_mb=2000, runtime_min=120),
    params:
        stage=RUN.params("annotate"),
    message:
        "annotate {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule pick:
    input:
        probabilities=rules.annotate.output.probabilities,
        waveforms=rules.prepare.output.waveforms,
    output:
        picks=f"results/{RUN.run}/picks/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/pick/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/pick/{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("pick"),
    message:
        "pick {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"


rule measure:
    input:
        picks=rules.pick.output.picks,
        waveforms=rules.prepare.output.waveforms,
    output:
        measurements=f"results/{RUN.run}/measurements/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/measure/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/measure/{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=2000, runtime_min=60),
    params:
        stage=RUN.params("measure"),
    message:
        "measure {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
