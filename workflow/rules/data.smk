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
        stations=f"results/{RUN.run}/stations.parquet",
        inventory=f"results/{RUN.run}/stations.xml",
    log:
        f"results/{RUN.run}/logs/stations/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/stations/all.tsv"
    localrule: RUN.stations.fdsn is not None
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=1000, runtime_min=10),
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
        manifest=f"results/{RUN.run}/raw/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/fetch/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/fetch/{{chunk}}.tsv"
    localrule: RUN.remote
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=1000, runtime_min=60),
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
        waveforms=kept("waveforms", f"results/{RUN.run}/waveforms/{{chunk}}.zarr"),
        coverage=f"results/{RUN.run}/coverage/{{chunk}}.parquet",
    log:
        f"results/{RUN.run}/logs/prepare/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/prepare/{{chunk}}.tsv"
    conda:
        "../../envs/quakeline.yaml"
    threads: 1
    resources:
        **SITE.resources("cpu", memory_mb=4000, runtime_min=60),
    params:
        stage=RUN.params("prepare"),
        margin_s=RUN.margin_s,
        rate_hz=RUN.sampling_rate_hz,
    message:
        "prepare {wildcards.chunk}"
    script:
        "../scripts/run_stage.py"
