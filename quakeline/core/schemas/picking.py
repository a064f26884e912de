"""From stations and raw data to picks."""

from __future__ import annotations

from quakeline.core.schemas.kinds import CODES, Column, Table, column, reasons

STATIONS = Table(
    "stations",
    1,
    (
        *CODES,
        column("channel", "string", meaning="channel code; empty: any channel", null=True),
        column("latitude", "double", "deg", "WGS84"),
        column("longitude", "double", "deg", "WGS84"),
        column("elevation_m", "double", "m", "of the ground above sea level"),
        column("depth_m", "double", "m", "of the sensor below the ground"),
        column("start", "time", meaning="first time of the epoch; null: always", null=True),
        column("end", "time", meaning="last time of the epoch; null: still", null=True),
        column("sampling_rate_hz", "double", "Hz", "as the metadata say", null=True),
        column("azimuth_deg", "double", "deg", "of the component, from north", null=True),
        column("dip_deg", "double", "deg", "of the component, down positive", null=True),
        column("response", "string", meaning="none, or the kind of response at hand"),
    ),
)

MANIFEST = Table(
    "raw_manifest",
    3,
    (
        column("path", "string", meaning="file that holds the data", null=True),
        *(
            Column(c.name, c.type, c.unit, True, c.meaning)
            for c in (*CODES, column("channel", "string", meaning="channel code"))
        ),
        column(
            "header_codes",
            "string",
            meaning="NET.STA.LOC.CHA in the file, or with #NUMBER of the trace, where they are"
            " spelled otherwise or fetch.source.codes gives others; null: the same",
            null=True,
        ),
        column("start", "time", meaning="first sample in the file", null=True),
        column("end", "time", meaning="last sample in the file", null=True),
        column("sampling_rate_hz", "double", "Hz", "as the file's header says", null=True),
        column("n_samples", "int", meaning="samples of this channel in the file", null=True),
        column("bytes", "int", "byte", "size of the file", null=True),
        column("sha256", "string", meaning="digest of the file", null=True),
        column("status", "string", meaning="data, or why there are none: see reason"),
        *reasons("reason", "why the data are absent or unused, or remarks"),
    ),
    since=2,
)

COVERAGE = Table(
    "coverage",
    3,
    (
        *CODES,
        column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        column("component", "string", meaning="Z, N or E"),
        column("channels", "string", meaning="channel codes that fill the component"),
        column("input_rate_hz", "double", "Hz", "of the raw data", null=True),
        column("coverage", "double", "1", "share of the chunk with usable samples"),
        column("n_gaps", "int", meaning="gaps inside the chunk that remain after bridging"),
        column("longest_gap_s", "double", "s", "of those gaps"),
        column("clipped_s", "double", "s", "of the chunk near clipped samples", null=True),
        column("units", "string", meaning="m, m/s or m/s2; counts where there is no response"),
        column("status", "string", meaning="used, or unused: see notes"),
        *reasons("notes", "what was found and done, or why it is unused", null=False),
    ),
    since=2,
)

PICKS = Table(
    "picks",
    2,
    (
        column("pick_id", "string", meaning="unique, from codes, phase and time"),
        column("source", "string", meaning="waveform or das"),
        *CODES,
        column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        column("fibre", "string", meaning="name of the fibre (das)", null=True),
        column("channel_index", "int", meaning="channel of the fibre (das)", null=True),
        column("distance_m", "double", "m", "along the fibre (das)", null=True),
        column("phase", "string", meaning="P or S"),
        column("time", "time", meaning="onset"),
        column("time_sigma_s", "float", "s", "of a scaled normal fit to the peak", null=True),
        column("fit_offset_s", "float", "s", "centre of that fit, after `time`", null=True),
        column("fit_height", "float", meaning="largest value of that fit", null=True),
        column("fit_residual", "float", meaning="rms of curve minus fit over its top", null=True),
        column("probability", "float", meaning="peak value of the phase's probability"),
        column("snr_db", "float", "dB", "peak after to rms before the onset", null=True),
        column("amplitude_m_s", "float", "m/s", "peak ground velocity after the onset", null=True),
        column("wood_anderson_mm", "float", "mm", "peak Wood-Anderson amplitude", null=True),
        column("gap_distance_s", "float", "s", "to the nearest edge of data", null=True),
        column("event_class", "string", meaning="class of the event", null=True),
        column("event_class_probability", "float", meaning="of that class", null=True),
        column("model", "string", meaning="network that made the pick"),
        column("weights_id", "string", meaning="first 12 digits of the weights' sha256"),
        column("event_id", "string", meaning="event it belongs to; null: none", null=True),
    ),
    since=1,
)
