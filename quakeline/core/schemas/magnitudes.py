"""What is measured around picks, and magnitudes."""

from __future__ import annotations

from quakeline.core.schemas.kinds import CODES, Table, column, reasons

MEASUREMENTS = Table(
    "measurements",
    2,
    (
        column("pick_id", "string", meaning="see picks"),
        column("component", "string", meaning="Z, N or E"),
        column("units", "string", meaning="of the waveforms: counts, or a unit of motion"),
        column("first_bin_s", "float", "s", "start of the first bin, relative to the onset"),
        column("bin_s", "float", "s", "length of a bin"),
        column(
            "wood_anderson_mm",
            "floats",
            "mm",
            "largest Wood-Anderson deflection in each bin, NaN where samples are missing or"
            " clipped; null: no response",
            null=True,
        ),
        column(
            "rms",
            "floats",
            "see units",
            "of the motion above 1 Hz in each bin, NaN where samples are missing or clipped",
        ),
        column("low_rms", "float", "see units", "in the low band just after the onset", null=True),
        column(
            "high_rms", "float", "see units", "in the high band just after the onset", null=True
        ),
        column("low_noise", "float", "see units", "in the low band before the onset", null=True),
        column("high_noise", "float", "see units", "in the high band before the onset", null=True),
        column("spectrum_s", "float", "s", "length of the windows of both spectra"),
        column(
            "spectrum",
            "floats",
            "m s",
            "amplitudes of displacement after the onset, at 10^(-0.5 + n / 10) Hz, n = 0, 1, ...;"
            " NaN where samples are missing or clipped; null: no response",
            null=True,
        ),
        column("noise_spectrum", "floats", "m s", "the same before the onset", null=True),
    ),
)

STATION_MAGNITUDES = Table(
    "station_magnitudes",
    2,
    (
        column("event_id", "string", meaning="see events"),
        column("pick_id", "string", meaning="the pick whose amplitude it is"),
        *CODES,
        column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        column("components", "string", meaning="components that were measured"),
        column("distance_km", "float", "km", "hypocentral", null=True),
        column("wood_anderson_mm", "float", "mm", "mean of the components' logarithms", null=True),
        column("snr", "float", "1", "least ratio of the components to the noise", null=True),
        column("correction", "float", meaning="of the station, included", null=True),
        column("magnitude", "float", meaning="of the station, corrected", null=True),
        *reasons("reason", "why it has no magnitude; null: it has"),
    ),
    since=1,
)

STATION_MOMENTS = Table(
    "station_moments",
    2,
    (
        column("event_id", "string", meaning="see events"),
        column("pick_id", "string", meaning="the pick whose spectrum it is", null=True),
        *CODES,
        column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        column("phase", "string", meaning="P or S"),
        column("distance_km", "float", "km", "hypocentral", null=True),
        column("level_m_s", "float", "m s", "low-frequency level of displacement", null=True),
        column("corner_hz", "float", "Hz", "null: above the band", null=True),
        column("t_star_s", "float", "s", "attenuation along the path", null=True),
        column("misfit", "float", meaning="mean absolute, of log10", null=True),
        column("moment_nm", "double", "N m", "seismic moment", null=True),
        column("magnitude", "float", meaning="moment magnitude", null=True),
        *reasons("reason", "why it has no magnitude; null: it has"),
    ),
    since=1,
)

MAGNITUDE_CORRECTIONS = Table(
    "magnitude_corrections",
    1,
    (
        column("network", "string", meaning="FDSN network code"),
        column("station", "string", meaning="FDSN station code"),
        column("correction", "float", meaning="added to the station's magnitudes"),
        column("n_events", "int", meaning="events with a magnitude of the station"),
        column("median_residual", "float", meaning="station minus event, corrected", null=True),
        column("mad", "float", meaning="of those residuals, scaled to a sigma", null=True),
        column("source", "string", meaning="table, estimated, or none"),
    ),
)
