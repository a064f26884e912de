"""Every table and store of quakeline: columns or arrays, types, units, nullability, version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: Column types: the short names used below and their Arrow types.
TYPES = ("string", "time", "float", "double", "int", "bool", "floats")


@dataclass(frozen=True)
class Column:
    """One column: name, type, unit ("" where it has none), whether it may be null, meaning."""

    name: str
    type: str
    unit: str
    nullable: bool
    meaning: str


@dataclass(frozen=True)
class Table:
    """A Parquet table. `version` is raised when a column changes.

    `since` is the oldest version that can still be read: columns were only added, and are null.
    """

    name: str
    version: int
    columns: tuple[Column, ...]
    since: int | None = None

    def reads(self, version: str) -> bool:
        """Whether a table of a version can be read as this one."""
        oldest = self.version if self.since is None else self.since
        return version.isdecimal() and oldest <= int(version) <= self.version

    @property
    def names(self) -> list[str]:
        """Names of the columns in order."""
        return [column.name for column in self.columns]

    @property
    def plain_names(self) -> list[str]:
        """Names of the columns but for the codes of reasons, whose JSON suits no CSV file."""
        words = {column.name for column in self.columns}
        return [name for name in self.names if name.removesuffix("_codes") not in words - {name}]

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, with unit and meaning in each field's metadata."""
        import pyarrow as pa

        kinds = {
            "string": pa.string(),
            "time": pa.timestamp("ns", tz="UTC"),
            "float": pa.float32(),
            "double": pa.float64(),
            "int": pa.int64(),
            "bool": pa.bool_(),
            "floats": pa.list_(pa.float32()),
        }
        fields = [
            pa.field(c.name, kinds[c.type], c.nullable, {"unit": c.unit, "meaning": c.meaning})
            for c in self.columns
        ]
        return pa.schema(
            fields, {"quakeline_table": self.name, "quakeline_table_version": str(self.version)}
        )


@dataclass(frozen=True)
class Array:
    """One array of a Zarr store: dimensions, dtype, unit, meaning."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Store:
    """A Zarr v3 group. `attributes` are the names that its metadata must hold."""

    name: str
    version: int
    arrays: tuple[Array, ...]
    attributes: tuple[str, ...]


def _column(
    name: str, type_: str, unit: str = "", meaning: str = "", *, null: bool = False
) -> Column:
    return Column(name, type_, unit, null, meaning)


def _reasons(name: str, meaning: str, *, null: bool = True) -> tuple[Column, Column]:
    """A column of reasons in words, and beside it the same as codes (`quakeline.core.reasons`)."""
    codes = f"the codes of `{name}` as JSON: a list of objects with code, count and details"
    return _column(name, "string", meaning=meaning, null=null), _column(
        f"{name}_codes", "string", meaning=f"{codes}; null: none", null=True
    )


_CODES = (
    _column("network", "string", meaning="FDSN network code"),
    _column("station", "string", meaning="FDSN station code"),
    _column("location", "string", meaning="location code, may be empty"),
)

STATIONS = Table(
    "stations",
    1,
    (
        *_CODES,
        _column("channel", "string", meaning="channel code; empty: any channel", null=True),
        _column("latitude", "double", "deg", "WGS84"),
        _column("longitude", "double", "deg", "WGS84"),
        _column("elevation_m", "double", "m", "of the ground above sea level"),
        _column("depth_m", "double", "m", "of the sensor below the ground"),
        _column("start", "time", meaning="first time of the epoch; null: always", null=True),
        _column("end", "time", meaning="last time of the epoch; null: still", null=True),
        _column("sampling_rate_hz", "double", "Hz", "as the metadata say", null=True),
        _column("azimuth_deg", "double", "deg", "of the component, from north", null=True),
        _column("dip_deg", "double", "deg", "of the component, down positive", null=True),
        _column("response", "string", meaning="none, or the kind of response at hand"),
    ),
)

MANIFEST = Table(
    "raw_manifest",
    3,
    (
        _column("path", "string", meaning="file that holds the data", null=True),
        *(
            Column(c.name, c.type, c.unit, True, c.meaning)
            for c in (*_CODES, _column("channel", "string", meaning="channel code"))
        ),
        _column(
            "header_codes",
            "string",
            meaning="NET.STA.LOC.CHA in the file, or with #NUMBER of the trace, where they are"
            " spelled otherwise or fetch.source.codes gives others; null: the same",
            null=True,
        ),
        _column("start", "time", meaning="first sample in the file", null=True),
        _column("end", "time", meaning="last sample in the file", null=True),
        _column("sampling_rate_hz", "double", "Hz", "as the file's header says", null=True),
        _column("n_samples", "int", meaning="samples of this channel in the file", null=True),
        _column("bytes", "int", "byte", "size of the file", null=True),
        _column("sha256", "string", meaning="digest of the file", null=True),
        _column("status", "string", meaning="data, or why there are none: see reason"),
        *_reasons("reason", "why the data are absent or unused, or remarks"),
    ),
    since=2,
)

COVERAGE = Table(
    "coverage",
    3,
    (
        *_CODES,
        _column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        _column("component", "string", meaning="Z, N or E"),
        _column("channels", "string", meaning="channel codes that fill the component"),
        _column("input_rate_hz", "double", "Hz", "of the raw data", null=True),
        _column("coverage", "double", "1", "share of the chunk with usable samples"),
        _column("n_gaps", "int", meaning="gaps inside the chunk that remain after bridging"),
        _column("longest_gap_s", "double", "s", "of those gaps"),
        _column("clipped_s", "double", "s", "of the chunk near clipped samples", null=True),
        _column("units", "string", meaning="m, m/s or m/s2; counts where there is no response"),
        _column("status", "string", meaning="used, or unused: see notes"),
        *_reasons("notes", "what was found and done, or why it is unused", null=False),
    ),
    since=2,
)

PICKS = Table(
    "picks",
    1,
    (
        _column("pick_id", "string", meaning="unique, from codes, phase and time"),
        _column("source", "string", meaning="waveform or das"),
        *_CODES,
        _column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        _column("fibre", "string", meaning="name of the fibre (das)", null=True),
        _column("channel_index", "int", meaning="channel of the fibre (das)", null=True),
        _column("distance_m", "double", "m", "along the fibre (das)", null=True),
        _column("phase", "string", meaning="P or S"),
        _column("time", "time", meaning="onset"),
        _column("time_sigma_s", "float", "s", "scaled-normal fit to the probability", null=True),
        _column("probability", "float", meaning="peak value of the phase's probability"),
        _column("snr_db", "float", "dB", "peak after to rms before the onset", null=True),
        _column("amplitude_m_s", "float", "m/s", "peak ground velocity after the onset", null=True),
        _column("wood_anderson_mm", "float", "mm", "peak Wood-Anderson amplitude", null=True),
        _column("gap_distance_s", "float", "s", "to the nearest edge of data", null=True),
        _column("event_class", "string", meaning="class of the event", null=True),
        _column("event_class_probability", "float", meaning="of that class", null=True),
        _column("model", "string", meaning="network that made the pick"),
        _column("weights_id", "string", meaning="first 12 digits of the weights' sha256"),
        _column("event_id", "string", meaning="event it belongs to; null: none", null=True),
    ),
)

EVENTS = Table(
    "events",
    5,
    (
        _column("event_id", "string", meaning="unique, from the origin time"),
        _column("time", "time", meaning="origin time"),
        _column("time_sigma_s", "float", "s", "standard deviation", null=True),
        _column("latitude", "double", "deg", "WGS84"),
        _column("longitude", "double", "deg", "WGS84"),
        _column("depth_km", "double", "km", "below sea level, positive down"),
        _column("horizontal_sigma_km", "float", "km", "larger half axis, 1 sigma", null=True),
        _column("depth_sigma_km", "float", "km", "standard deviation", null=True),
        _column(
            "relative_horizontal_sigma_km",
            "float",
            "km",
            "horizontal_sigma_km but for errors of velocities, which neighbours share",
            null=True,
        ),
        _column(
            "relative_depth_sigma_km",
            "float",
            "km",
            "depth_sigma_km but for errors of velocities, which neighbours share",
            null=True,
        ),
        _column("cov_ee_km2", "float", "km2", "covariance east, east", null=True),
        _column("cov_en_km2", "float", "km2", "covariance east, north", null=True),
        _column("cov_ed_km2", "float", "km2", "covariance east, down", null=True),
        _column("cov_nn_km2", "float", "km2", "covariance north, north", null=True),
        _column("cov_nd_km2", "float", "km2", "covariance north, down", null=True),
        _column("cov_dd_km2", "float", "km2", "covariance down, down", null=True),
        _column("rms_s", "float", "s", "of the residuals", null=True),
        _column("azimuthal_gap_deg", "float", "deg", "largest gap between stations", null=True),
        _column("n_p", "int", meaning="P arrivals used"),
        _column("n_s", "int", meaning="S arrivals used"),
        _column("n_stations", "int", meaning="stations used"),
        _column("min_distance_km", "float", "km", "epicentre to nearest station", null=True),
        _column("magnitude", "float", meaning="null: none could be measured", null=True),
        _column("magnitude_type", "string", meaning="e.g. ML", null=True),
        _column("magnitude_sigma", "float", meaning="spread over stations", null=True),
        _column("magnitude_stations", "int", meaning="stations of the magnitude", null=True),
        *_reasons("magnitude_note", "why there is no magnitude"),
        _column("mw", "float", meaning="moment magnitude; null: none, or not asked for", null=True),
        _column("mw_sigma", "float", meaning="spread over stations", null=True),
        _column("mw_stations", "int", meaning="stations of the moment magnitude", null=True),
        *_reasons("mw_note", "why there is no moment magnitude"),
        _column("event_class", "string", meaning="class of the event", null=True),
        _column("event_class_probability", "float", meaning="of that class", null=True),
        _column("associator", "string", meaning="kind that grouped the picks"),
        _column("locator", "string", meaning="kind that located the event"),
        *_reasons("quality", "good, or what limits the location", null=False),
    ),
    since=3,
)

ARRIVALS = Table(
    "arrivals",
    3,
    (
        _column("event_id", "string", meaning="see events"),
        _column("pick_id", "string", meaning="see picks"),
        _column("phase", "string", meaning="P or S"),
        _column("residual_s", "float", "s", "observed minus predicted", null=True),
        _column("distance_km", "float", "km", "epicentral", null=True),
        _column("azimuth_deg", "float", "deg", "event to station, from north", null=True),
        _column("weight", "float", meaning="in the location, 0 to 1", null=True),
        _column("correction_s", "float", "s", "station term taken off the time", null=True),
        _column(
            "pick_sigma_s",
            "float",
            "s",
            "error of the pick in the location: what it states, locate.min_pick_sigma_s at least;"
            " of a pick that states none the whole error of the arrival",
            null=True,
        ),
    ),
    since=2,
)

EVENT_IDS = Table(
    "event_ids",
    1,
    (
        _column("event_id", "string", meaning="given to an event of this run, now or earlier"),
        _column("time", "time", meaning="preliminary origin time when it was last found"),
        _column("latitude", "double", "deg", "WGS84, preliminary"),
        _column("longitude", "double", "deg", "WGS84, preliminary"),
        _column("pick_id", "string", meaning="a pick of the event: one row for each"),
    ),
)

FIBRE_CHANNELS = Table(
    "fibre_channels",
    2,
    (
        _column("fibre", "string", meaning="name of the fibre"),
        _column("channel_index", "int", meaning="counted from 0 in the files"),
        _column("distance_m", "double", "m", "along the fibre"),
        _column("latitude", "double", "deg", "WGS84", null=True),
        _column("longitude", "double", "deg", "WGS84", null=True),
        _column("elevation_m", "double", "m", "above sea level", null=True),
        _column("used", "bool", meaning="whether the channel is read"),
        *_reasons("reason", "why it is not"),
    ),
    since=1,
)

_ONSET = (
    _column("fibre", "string", meaning="name of the fibre"),
    _column("channel_index", "int", meaning="counted from 0 in the files"),
    _column("distance_m", "double", "m", "along the fibre"),
    _column("phase", "string", meaning="as the network says, channel by channel"),
    _column("time", "time", meaning="onset"),
    _column("probability", "float", meaning="peak value of the phase's probability"),
    _column("model", "string", meaning="network that made the pick"),
    _column("weights_id", "string", meaning="first 12 digits of the weights' sha256"),
)

ONSETS = Table("fibre_onsets", 1, _ONSET)

FIBRE_PICKS = Table(
    "fibre_picks",
    1,
    (
        _column("pick_id", "string", meaning="unique, from fibre, channel, phase and time"),
        *_ONSET,
        _column("front", "int", meaning="front it belongs to, from 0 in a chunk; -1: none"),
        _column("front_phase", "string", meaning="phase of the front: P or S", null=True),
        _column("residual_s", "float", "s", "from the line of its neighbours", null=True),
        _column("support", "float", meaning="part of the channels around it that agree"),
        _column("selected", "bool", meaning="whether it goes into the association"),
    ),
)

_COMPARED = (
    ("time", "time", "", "origin time"),
    ("latitude", "double", "deg", "WGS84"),
    ("longitude", "double", "deg", "WGS84"),
    ("depth_km", "double", "km", "positive down"),
    ("magnitude", "float", "", "of whatever type"),
)

MATCHES = Table(
    "matches",
    1,
    (
        _column("status", "string", meaning="matched, missed (reference only) or new"),
        _column("event_id", "string", meaning="see events", null=True),
        _column("reference_id", "string", meaning="as the reference names it", null=True),
        *(_column(n, t, u, f"{m}, of the catalog", null=True) for n, t, u, m in _COMPARED),
        *(
            _column(f"reference_{n}", t, u, f"{m}, of the reference", null=True)
            for n, t, u, m in _COMPARED
        ),
        _column("time_difference_s", "double", "s", "catalog minus reference", null=True),
        _column("epicentre_km", "double", "km", "between the epicentres", null=True),
        _column("depth_difference_km", "double", "km", "catalog minus reference", null=True),
        _column("station_distance_km", "double", "km", "epicentre to nearest station", null=True),
    ),
)

MECHANISMS = Table(
    "mechanisms",
    1,
    (
        _column("event_id", "string", meaning="see events"),
        _column("time", "time", meaning="origin time"),
        *(
            _column(f"{name}_{plane}_deg", "float", "deg", meaning, null=True)
            for plane in (1, 2)
            for name, meaning in (
                ("strike", "of a nodal plane, clockwise from north, which dips to its right"),
                ("dip", "of a nodal plane, from horizontal"),
                ("rake", "of the slip in a nodal plane, from its strike, -180 to 180"),
            )
        ),
        _column("plane_1_sigma_deg", "float", "deg", "1 sigma of the first plane", null=True),
        _column("plane_2_sigma_deg", "float", "deg", "1 sigma of the second plane", null=True),
        _column("probability", "float", "", "part of the acceptable ones near it", null=True),
        _column("quality", "string", meaning="A to D as HASH has them", null=True),
        _column("polarities", "int", meaning="polarities that count"),
        _column("misfit", "float", "", "part of the polarities that disagrees", null=True),
        _column("station_ratio", "float", "", "distribution of the stations, 0 to 1", null=True),
        _column("azimuth_gap_deg", "float", "deg", "largest gap of azimuths", null=True),
        _column("takeoff_gap_deg", "float", "deg", "largest gap of take-off angles", null=True),
        _column("method", "string", meaning="how it was found"),
        *_reasons("note", "why there is no mechanism, or what was left out"),
    ),
)

MEASUREMENTS = Table(
    "measurements",
    2,
    (
        _column("pick_id", "string", meaning="see picks"),
        _column("component", "string", meaning="Z, N or E"),
        _column("units", "string", meaning="of the waveforms: counts, or a unit of motion"),
        _column("first_bin_s", "float", "s", "start of the first bin, relative to the onset"),
        _column("bin_s", "float", "s", "length of a bin"),
        _column(
            "wood_anderson_mm",
            "floats",
            "mm",
            "largest Wood-Anderson deflection in each bin, NaN where samples are missing or"
            " clipped; null: no response",
            null=True,
        ),
        _column(
            "rms",
            "floats",
            "see units",
            "of the motion above 1 Hz in each bin, NaN where samples are missing or clipped",
        ),
        _column("low_rms", "float", "see units", "in the low band just after the onset", null=True),
        _column(
            "high_rms", "float", "see units", "in the high band just after the onset", null=True
        ),
        _column("low_noise", "float", "see units", "in the low band before the onset", null=True),
        _column("high_noise", "float", "see units", "in the high band before the onset", null=True),
        _column("spectrum_s", "float", "s", "length of the windows of both spectra"),
        _column(
            "spectrum",
            "floats",
            "m s",
            "amplitudes of displacement after the onset, at 10^(-0.5 + n / 10) Hz, n = 0, 1, ...;"
            " NaN where samples are missing or clipped; null: no response",
            null=True,
        ),
        _column("noise_spectrum", "floats", "m s", "the same before the onset", null=True),
    ),
)

STATION_MAGNITUDES = Table(
    "station_magnitudes",
    2,
    (
        _column("event_id", "string", meaning="see events"),
        _column("pick_id", "string", meaning="the pick whose amplitude it is"),
        *_CODES,
        _column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        _column("components", "string", meaning="components that were measured"),
        _column("distance_km", "float", "km", "hypocentral", null=True),
        _column("wood_anderson_mm", "float", "mm", "mean of the components' logarithms", null=True),
        _column("snr", "float", "1", "least ratio of the components to the noise", null=True),
        _column("correction", "float", meaning="of the station, included", null=True),
        _column("magnitude", "float", meaning="of the station, corrected", null=True),
        *_reasons("reason", "why it has no magnitude; null: it has"),
    ),
    since=1,
)

STATION_MOMENTS = Table(
    "station_moments",
    2,
    (
        _column("event_id", "string", meaning="see events"),
        _column("pick_id", "string", meaning="the pick whose spectrum it is", null=True),
        *_CODES,
        _column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        _column("phase", "string", meaning="P or S"),
        _column("distance_km", "float", "km", "hypocentral", null=True),
        _column("level_m_s", "float", "m s", "low-frequency level of displacement", null=True),
        _column("corner_hz", "float", "Hz", "null: above the band", null=True),
        _column("t_star_s", "float", "s", "attenuation along the path", null=True),
        _column("misfit", "float", meaning="mean absolute, of log10", null=True),
        _column("moment_nm", "double", "N m", "seismic moment", null=True),
        _column("magnitude", "float", meaning="moment magnitude", null=True),
        *_reasons("reason", "why it has no magnitude; null: it has"),
    ),
    since=1,
)

MAGNITUDE_CORRECTIONS = Table(
    "magnitude_corrections",
    1,
    (
        _column("network", "string", meaning="FDSN network code"),
        _column("station", "string", meaning="FDSN station code"),
        _column("correction", "float", meaning="added to the station's magnitudes"),
        _column("n_events", "int", meaning="events with a magnitude of the station"),
        _column("median_residual", "float", meaning="station minus event, corrected", null=True),
        _column("mad", "float", meaning="of those residuals, scaled to a sigma", null=True),
        _column("source", "string", meaning="table, estimated, or none"),
    ),
)

DIFFERENTIALS = Table(
    "differentials",
    1,
    (
        _column("event_id_1", "string", meaning="see events"),
        _column("event_id_2", "string", meaning="see events"),
        _column("pick_id_1", "string", meaning="see picks"),
        _column("pick_id_2", "string", meaning="see picks"),
        _column("network", "string"),
        _column("station", "string"),
        _column("location", "string"),
        _column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        _column("component", "string", meaning="the one that was correlated"),
        _column("phase", "string", meaning="P or S"),
        _column("difference_s", "double", "s", "travel time of event 1 minus that of event 2"),
        _column("correlation", "float", "1", "coefficient of the waveforms, 0 to 1"),
        _column("shift_s", "float", "s", "what correlation changed of the picks' difference"),
        _column("apart_km", "float", "km", "distance of the hypocentres"),
    ),
)

RELOCATIONS = Table(
    "relocations",
    1,
    (
        _column("event_id", "string", meaning="see events"),
        _column("east_km", "float", "km", "how far it was moved"),
        _column("north_km", "float", "km", "how far it was moved"),
        _column("down_km", "float", "km", "how far it was moved"),
        _column("later_s", "float", "s", "by how much its origin is later"),
        _column("east_sigma_km", "float", "km", "against the events linked with it"),
        _column("north_sigma_km", "float", "km", "against the events linked with it"),
        _column("down_sigma_km", "float", "km", "against the events linked with it"),
        _column("links", "int", meaning="differences of times with other events"),
        _column("correlated_links", "int", meaning="those of them from waveforms"),
        _column("misfit_before_s", "float", "s", "median of the differences' residuals, before"),
        _column("misfit_after_s", "float", "s", "median of the differences' residuals, after"),
    ),
)

CLASSES = Table(
    "classes",
    1,
    (
        _column("event_id", "string", meaning="see events"),
        _column("event_class", "string", meaning="earthquake, blast or noise"),
        _column("probability", "float", meaning="of that class; those of an event sum to 1"),
        _column("evidence", "string", meaning="what spoke for or against it, in numbers"),
        _column("classifier", "string", meaning="kind that judged"),
    ),
)

TABLES = (
    STATIONS,
    MANIFEST,
    COVERAGE,
    PICKS,
    MEASUREMENTS,
    EVENTS,
    ARRIVALS,
    EVENT_IDS,
    STATION_MAGNITUDES,
    STATION_MOMENTS,
    MAGNITUDE_CORRECTIONS,
    CLASSES,
    DIFFERENTIALS,
    RELOCATIONS,
    FIBRE_CHANNELS,
    ONSETS,
    FIBRE_PICKS,
    MATCHES,
)

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
        ),
    ),
    ("panels", "frames"),
)

STORES = (WAVEFORMS, PROBABILITIES, PANELS)
