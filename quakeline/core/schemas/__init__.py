"""Every table and store of quakeline: columns or arrays, types, units, nullability, version."""

from quakeline.core.schemas.catalog import (
    ARRIVALS,
    CLASSES,
    DIFFERENTIALS,
    EVENT_IDS,
    EVENTS,
    MATCHES,
    MECHANISMS,
    POLARITIES,
    RELOCATIONS,
    WINDOW_CLASSES,
)
from quakeline.core.schemas.fibres import FIBRE_CHANNELS, FIBRE_PICKS, ONSETS
from quakeline.core.schemas.kinds import TYPES, Array, Column, Store, Table
from quakeline.core.schemas.magnitudes import (
    MAGNITUDE_CORRECTIONS,
    MEASUREMENTS,
    STATION_MAGNITUDES,
    STATION_MOMENTS,
)
from quakeline.core.schemas.picking import COVERAGE, MANIFEST, PICKS, STATIONS
from quakeline.core.schemas.stores import PANELS, PROBABILITIES, WAVEFORMS

__all__ = [
    "ARRIVALS",
    "CLASSES",
    "COVERAGE",
    "DIFFERENTIALS",
    "EVENTS",
    "EVENT_IDS",
    "FIBRE_CHANNELS",
    "FIBRE_PICKS",
    "MAGNITUDE_CORRECTIONS",
    "MANIFEST",
    "MATCHES",
    "MEASUREMENTS",
    "MECHANISMS",
    "ONSETS",
    "PANELS",
    "PICKS",
    "POLARITIES",
    "PROBABILITIES",
    "RELOCATIONS",
    "STATIONS",
    "STATION_MAGNITUDES",
    "STATION_MOMENTS",
    "STORES",
    "TABLES",
    "TYPES",
    "WAVEFORMS",
    "WINDOW_CLASSES",
    "Array",
    "Column",
    "Store",
    "Table",
]

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
    WINDOW_CLASSES,
    DIFFERENTIALS,
    RELOCATIONS,
    FIBRE_CHANNELS,
    ONSETS,
    FIBRE_PICKS,
    MATCHES,
    MECHANISMS,
    POLARITIES,
)

STORES = (WAVEFORMS, PROBABILITIES, PANELS)
