"""Earthquake catalogs from continuous seismometer and DAS data.

`quakeline.fetch` finds or downloads raw data and `quakeline.prepare` makes waveforms of them;
`quakeline.pick(stream)` and `quakeline.annotate(stream)` work on data at hand, without a workflow,
and `quakeline.catalog(picks, stations, velocity)` makes events of picks, `quakeline.associate`,
`locate` and `magnitudes` one step of it each; see `quakeline.api.waveforms`,
`quakeline.api.direct.api`, `quakeline.api.catalog` and `quakeline.api.steps`.
`quakeline.load_network`, `trained_from` and `save_network` are for weights that are trained
further; see docs/pickers.md.
`quakeline.DASModel` and what goes with it work on fibre data; see docs/das.md.
`quakeline.open_run(folder)` opens a finished run: its tables, waveforms, figures, as obspy objects;
`quakeline.open_stores(folder)` the waveforms or probabilities alone, as one object of xarray;
`quakeline.to_geopandas(table)` makes a table of events or stations one of geopandas.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("quakeline")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"


#: Where the public names are.
_PLACES = {
    "open_run": "quakeline.api.finished",
    "open_stores": "quakeline.io.products.lazy",
    "to_geopandas": "quakeline.api.geo",
    "annotate": "quakeline.api.direct.api",
    "associate": "quakeline.api.steps",
    "fetch": "quakeline.api.waveforms",
    "locate": "quakeline.api.steps",
    "magnitudes": "quakeline.api.steps",
    "catalog": "quakeline.api.catalog",
    "pick": "quakeline.api.direct.api",
    "prepare": "quakeline.api.waveforms",
    "load_network": "quakeline.models.named",
    "save_network": "quakeline.models.networks",
    "trained_from": "quakeline.models.names",
    "Training": "quakeline.models.ancestry",
    "DASModel": "quakeline.fibres.das.model",
    "DASPicker": "quakeline.fibres.das.channelwise",
    "DASWaveformModelWrapper": "quakeline.fibres.das.wrapper",
    "DeepSubDAS": "quakeline.fibres.das.deepsubdas",
    "SeisBenchDASModel": "quakeline.fibres.das.seisbench",
    "DASAnnotateCallback": "quakeline.fibres.das.callbacks",
    "MultiCallback": "quakeline.fibres.das.callbacks",
    "DASPickingCallback": "quakeline.fibres.das.picks",
    "InMemoryCollectionCallback": "quakeline.fibres.das.collectors",
    "WriterCallback": "quakeline.fibres.das.collectors",
    "PatchCoordinate": "quakeline.fibres.das.patches",
    "PatchingStructure": "quakeline.fibres.das.patches",
    "FKFilter": "quakeline.fibres.das.fk",
    "DASPick": "quakeline.fibres.das.pick_list",
}
#: Names of SeisBench's DAS models that are not here, and what is instead.
_ABSENT = {
    "VirtualTransformedDataArray": "a callback's setup gets the same of annotate itself",
    "WriterBuffer": "overlapping patches are joined by quakeline.fibres.das.stack.Stackers",
}


def __getattr__(name: str) -> Any:
    """Load what needs heavy libraries when it is first used."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name in _ABSENT:
        raise AttributeError(f"quakeline has no {name}: {_ABSENT[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names that are there, loaded or not."""
    return sorted({*globals(), *_PLACES})
