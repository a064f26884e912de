"""Events, arrivals, and what is said of events."""

from __future__ import annotations

from quakeline.core.schemas.kinds import Table, column, reasons

EVENTS = Table(
    "events",
    5,
    (
        column("event_id", "string", meaning="unique, from the origin time"),
        column("time", "time", meaning="origin time"),
        column("time_sigma_s", "float", "s", "standard deviation", null=True),
        column("latitude", "double", "deg", "WGS84"),
        column("longitude", "double", "deg", "WGS84"),
        column("depth_km", "double", "km", "below sea level, positive down"),
        column("horizontal_sigma_km", "float", "km", "larger half axis, 1 sigma", null=True),
        column("depth_sigma_km", "float", "km", "standard deviation", null=True),
        column(
            "relative_horizontal_sigma_km",
            "float",
            "km",
            "horizontal_sigma_km but for errors of velocities, which neighbours share",
            null=True,
        ),
        column(
            "relative_depth_sigma_km",
            "float",
            "km",
            "depth_sigma_km but for errors of velocities, which neighbours share",
            null=True,
        ),
        column("cov_ee_km2", "float", "km2", "covariance east, east", null=True),
        column("cov_en_km2", "float", "km2", "covariance east, north", null=True),
        column("cov_ed_km2", "float", "km2", "covariance east, down", null=True),
        column("cov_nn_km2", "float", "km2", "covariance north, north", null=True),
        column("cov_nd_km2", "float", "km2", "covariance north, down", null=True),
        column("cov_dd_km2", "float", "km2", "covariance down, down", null=True),
        column("rms_s", "float", "s", "of the residuals", null=True),
        column("azimuthal_gap_deg", "float", "deg", "largest gap between stations", null=True),
        column("n_p", "int", meaning="P arrivals used"),
        column("n_s", "int", meaning="S arrivals used"),
        column("n_stations", "int", meaning="stations used"),
        column("min_distance_km", "float", "km", "epicentre to nearest station", null=True),
        column("magnitude", "float", meaning="null: none could be measured", null=True),
        column("magnitude_type", "string", meaning="e.g. ML", null=True),
        column("magnitude_sigma", "float", meaning="spread over stations", null=True),
        column("magnitude_stations", "int", meaning="stations of the magnitude", null=True),
        *reasons("magnitude_note", "why there is no magnitude"),
        column("mw", "float", meaning="moment magnitude; null: none, or not asked for", null=True),
        column("mw_sigma", "float", meaning="spread over stations", null=True),
        column("mw_stations", "int", meaning="stations of the moment magnitude", null=True),
        *reasons("mw_note", "why there is no moment magnitude"),
        column("event_class", "string", meaning="class of the event", null=True),
        column("event_class_probability", "float", meaning="of that class", null=True),
        column("associator", "string", meaning="kind that grouped the picks"),
        column("locator", "string", meaning="kind that located the event"),
        *reasons("quality", "good, or what limits the location", null=False),
    ),
    since=3,
)

ARRIVALS = Table(
    "arrivals",
    3,
    (
        column("event_id", "string", meaning="see events"),
        column("pick_id", "string", meaning="see picks"),
        column("phase", "string", meaning="P or S"),
        column("residual_s", "float", "s", "observed minus predicted", null=True),
        column("distance_km", "float", "km", "epicentral", null=True),
        column("azimuth_deg", "float", "deg", "event to station, from north", null=True),
        column("weight", "float", meaning="in the location, 0 to 1", null=True),
        column(
            "correction_s",
            "float",
            "s",
            "taken off the time: the term of the station, and what velocities that are wrong as a"
            " whole do to this arrival",
            null=True,
        ),
        column(
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
        column("event_id", "string", meaning="given to an event of this run, now or earlier"),
        column("time", "time", meaning="preliminary origin time when it was last found"),
        column("latitude", "double", "deg", "WGS84, preliminary"),
        column("longitude", "double", "deg", "WGS84, preliminary"),
        column("pick_id", "string", meaning="a pick of the event: one row for each"),
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
        column("status", "string", meaning="matched, missed (reference only) or new"),
        column("event_id", "string", meaning="see events", null=True),
        column("reference_id", "string", meaning="as the reference names it", null=True),
        *(column(n, t, u, f"{m}, of the catalog", null=True) for n, t, u, m in _COMPARED),
        *(
            column(f"reference_{n}", t, u, f"{m}, of the reference", null=True)
            for n, t, u, m in _COMPARED
        ),
        column("time_difference_s", "double", "s", "catalog minus reference", null=True),
        column("epicentre_km", "double", "km", "between the epicentres", null=True),
        column("depth_difference_km", "double", "km", "catalog minus reference", null=True),
        column("station_distance_km", "double", "km", "epicentre to nearest station", null=True),
    ),
)

MECHANISMS = Table(
    "mechanisms",
    3,
    (
        column("event_id", "string", meaning="see events"),
        column("time", "time", meaning="origin time; null: none was given", null=True),
        *(
            column(f"{name}_{plane}_deg", "float", "deg", meaning, null=True)
            for plane in (1, 2)
            for name, meaning in (
                ("strike", "of a nodal plane, clockwise from north, which dips to its right"),
                ("dip", "of a nodal plane, from horizontal"),
                ("rake", "of the slip in a nodal plane, from its strike, -180 to 180"),
            )
        ),
        column("plane_1_sigma_deg", "float", "deg", "1 sigma of the first plane", null=True),
        column("plane_2_sigma_deg", "float", "deg", "1 sigma of the second plane", null=True),
        column("probability", "float", "", "part of the acceptable ones near it", null=True),
        column("quality_class", "string", meaning="A to D as HASH has them", null=True),
        column("polarities", "int", meaning="polarities that count"),
        column("ratios", "int", meaning="S/P amplitude ratios that count", null=True),
        column("misfit", "float", "", "part of the polarities that disagrees", null=True),
        column("ratio_misfit", "float", "", "mean difference of log10 of S/P", null=True),
        column("station_ratio", "float", "", "distribution of the stations, 0 to 1", null=True),
        column("azimuth_gap_deg", "float", "deg", "largest gap of azimuths", null=True),
        column("takeoff_gap_deg", "float", "deg", "largest gap of take-off angles", null=True),
        column("method", "string", meaning="how it was found"),
        column(
            "composite_of",
            "string",
            meaning="ids of all events of a composite, parted by spaces; null: of one event",
            null=True,
        ),
        *reasons("note", "why there is no mechanism, or what was left out"),
    ),
    since=2,
)

POLARITIES = Table(
    "polarities",
    2,
    (
        column("event_id", "string", meaning="see events"),
        column("network", "string"),
        column("station", "string"),
        column("location", "string", meaning="location code", null=True),
        column("pick_id", "string", meaning="see picks; null: from a table", null=True),
        column("polarity", "int", meaning="1: up, -1: down, 0: unknown; reversed ones are turned"),
        column("probability", "float", "", "of the polarity, by networks", null=True),
        column("weight", "float", "", "what it counts, 0 to 1; null: it does not", null=True),
        column("log_ratio", "float", "", "log10 of the amplitudes of S over P", null=True),
        column("distance_km", "float", "km", "epicentral", null=True),
        column("azimuth_deg", "float", "deg", "in which the ray leaves, from north", null=True),
        column("takeoff_deg", "float", "deg", "in which the ray leaves, from down", null=True),
        column("radiation", "float", "", "P amplitude of the mechanism, -1 to 1", null=True),
        column("agrees", "bool", meaning="with the mechanism; null: there is none", null=True),
        *reasons("note", "why the polarity is unknown, or does not count"),
    ),
    since=1,
)

DIFFERENTIALS = Table(
    "differentials",
    1,
    (
        column("event_id_1", "string", meaning="see events"),
        column("event_id_2", "string", meaning="see events"),
        column("pick_id_1", "string", meaning="see picks"),
        column("pick_id_2", "string", meaning="see picks"),
        column("network", "string"),
        column("station", "string"),
        column("location", "string"),
        column("instrument", "string", meaning="band and instrument code, e.g. HH"),
        column("component", "string", meaning="the one that was correlated"),
        column("phase", "string", meaning="P or S"),
        column("difference_s", "double", "s", "travel time of event 1 minus that of event 2"),
        column("correlation", "float", "1", "coefficient of the waveforms, 0 to 1"),
        column("shift_s", "float", "s", "what correlation changed of the picks' difference"),
        column("apart_km", "float", "km", "distance of the hypocentres"),
    ),
)

RELOCATIONS = Table(
    "relocations",
    1,
    (
        column("event_id", "string", meaning="see events"),
        column("east_km", "float", "km", "how far it was moved"),
        column("north_km", "float", "km", "how far it was moved"),
        column("down_km", "float", "km", "how far it was moved"),
        column("later_s", "float", "s", "by how much its origin is later"),
        column("east_sigma_km", "float", "km", "against the events linked with it"),
        column("north_sigma_km", "float", "km", "against the events linked with it"),
        column("down_sigma_km", "float", "km", "against the events linked with it"),
        column("links", "int", meaning="differences of times with other events"),
        column("correlated_links", "int", meaning="those of them from waveforms"),
        column("misfit_before_s", "float", "s", "median of the differences' residuals, before"),
        column("misfit_after_s", "float", "s", "median of the differences' residuals, after"),
    ),
)

CLASSES = Table(
    "classes",
    2,
    (
        column("event_id", "string", meaning="see events"),
        column(
            "event_class",
            "string",
            meaning="earthquake, blast or noise; those of the network; unknown: why no class is"
            " told stands in evidence",
        ),
        column(
            "probability",
            "float",
            meaning="of that class; those of an event sum to 1; of unknown there is none",
            null=True,
        ),
        column("evidence", "string", meaning="what spoke for or against it, in numbers"),
        column("classifier", "string", meaning="rules, or the network that judged"),
    ),
    since=1,
)

WINDOW_CLASSES = Table(
    "window_classes",
    1,
    (
        column("pick_id", "string", meaning="see picks: a P"),
        column("event_class", "string", meaning="of the network; null: see note", null=True),
        column(
            "probability",
            "float",
            meaning="of that class around this pick; those of a pick sum to 1",
            null=True,
        ),
        column("windows", "int", meaning="windows whose mean it is"),
        column("classifier", "string", meaning="network and id of its weights"),
        *reasons("note", "why there is no probability"),
    ),
)
