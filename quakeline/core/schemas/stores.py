"""Zarr stores: waveforms, probabilities, pictures of fibres."""

from __future__ import annotations

from quakeline.core.schemas.kinds import Array, Store

_GRID = ("start_sample", "sampling_rate_hz", "instruments")

#: May also hold `clipped`: by instrument, runs [first, end) of samples since 1970 in which
#: amplitudes are wrong.
WAVEFORMS = Store(
    "waveforms",
    1,
    (
        Array(
            "data",
            ("instrument", "component", "time"),
            "float32",
            "see units",
            "ground motion, or counts where there is no response",
        ),
        Array(
            "valid",
            ("instrument", "component", "time"),
            "bool",
            "",
            "whether a sample is real or bridged; false: gap",
        ),
    ),
    (*_GRID, "components", "units"),
)

PROBABILITIES = Store(
    "probabilities",
    1,
    (
        Array(
            "probability",
            ("instrument", "class", "time"),
            "float32",
            "",
            "averaged over the windows that cover the sample",
        ),
        Array(
            "valid",
            ("instrument", "time"),
            "bool",
            "",
            "whether any component has data there",
        ),
    ),
    (*_GRID, "classes", "model", "weights_id", "thresholds"),
)

PANELS = Store(
    "panels",
    1,
    (
        Array(
            "motion",
            ("panel", "row", "time"),
            "float32",
            "of the fibre's data",
            "pictures of a fibre over time: rows are groups of channels, columns the largest value"
            " of a stretch of time",
            together=("row",),
        ),
    ),
    ("panels", "frames"),
)
