"""What everything that works on fibre data has: `annotate` and `classify`, without PyTorch.

Names and calls are those of SeisBench's `DASModel`, doi:10.1785/0220210324.
"""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any

import numpy as np

from quakeline.core.errors import ConfigError
from quakeline.fibres.das import apply
from quakeline.fibres.das.apply import Annotations, Patch
from quakeline.fibres.das.classified import ClassifyOutput
from quakeline.fibres.das.options import ANNOTATE_ARGS, Documented, Settings
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.report import AnnotateReport
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.recordings.arrays import Transform


def known_range(name: str, given: Any) -> tuple[float, float] | None:
    """A range of steps that a model takes, least and most; None: any.

    Raises ConfigError for what is no range.
    """
    if given is None:
        return None
    try:
        least, most = (float(value) for value in given)
    except (TypeError, ValueError):
        least, most = np.nan, np.nan
    if not 0 < least <= most:
        raise ConfigError(
            f"{name}: {given!r} given; allowed: the least and the most step, above 0, or None"
        )
    return least, most


class Annotating(ABC):
    """Takes an array to a callback, patch by patch; what computes is up to the class."""

    annotate_keys: list[str]
    default_args: dict[str, Any]
    dt_range: tuple[float, float] | None
    dx_range: tuple[float, float] | None
    fk_filter_args: Mapping[str, Any] | None
    transforms: tuple[Transform, ...]
    #: What `annotate` may be told: description and default by name; a model adds its own here.
    _annotate_args: Documented = ANNOTATE_ARGS

    @property
    def name(self) -> str:
        """Name of the network."""
        return type(self).__name__

    @property
    def classify_callback(self) -> type[Any]:
        """Class of the callback that `classify` uses; override it."""
        raise NotImplementedError(f"{self.name} names no callback for classify; use annotate")

    @abstractmethod
    def get_patching_structure(
        self, data_shape: tuple[float, float], argdict: dict[str, Any]
    ) -> PatchingStructure:
        """Patches for a section of (samples, channels), with their overlaps."""

    @abstractmethod
    def filter_at(self, rate_hz: float) -> np.ndarray | None:
        """Second-order sections of a causal filter along time; None: there is none."""

    @abstractmethod
    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """Annotations of patches, in their order."""

    def annotate(self, data: Any, callback: Any, **kwargs: Any) -> AnnotateReport:
        """Apply the network to an array and hand its output to a callback, patch by patch.

        Memory does not grow with the array: virtual arrays are read piece by piece, blocks of dask
        are computed once each and let go. Gaps split the array; each gapless section is annotated
        by itself.

        Parameters
        ----------
        data
            One `xdas.DataArray` or `xarray.DataArray`, also over dask, or a
            `quakeline.fibres.recordings.arrays.Source`.
        callback
            A `DASAnnotateCallback`, or one of SeisBench.
        **kwargs
            See `quakeline.fibres.das.options.Settings`.

        Returns
        -------
        AnnotateReport
            What was left out, and why.

        Raises
        ------
        DataError
            The array cannot be used, or no stretch of it is long enough.
        ConfigError
            An unknown argument or an impossible value.
        """
        return apply.annotate(self, data, callback, self._settings(kwargs), Event())

    def classify(self, data: Any, **kwargs: Any) -> ClassifyOutput:
        """Apply the network with its usual callback, and give the results of that.

        Keyword arguments are those of the callback and of `annotate`, which see.
        """
        callback, rest = self._callback(kwargs)
        report = self.annotate(data, callback, **rest)
        return ClassifyOutput(self.name, callback.get_results_dict(), report)

    async def annotate_async(self, data: Any, callback: Any, **kwargs: Any) -> AnnotateReport:
        """Do what `annotate` does beside an event loop, which stays free.

        When the task is cancelled, the work ends after the current patch.
        """
        stop = Event()
        settings = self._settings(kwargs)
        work = asyncio.ensure_future(
            asyncio.to_thread(apply.annotate, self, data, callback, settings, stop)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            raise

    async def classify_async(self, data: Any, **kwargs: Any) -> ClassifyOutput:
        """Do what `classify` does beside an event loop, which stays free."""
        callback, rest = self._callback(kwargs)
        report = await self.annotate_async(data, callback, **rest)
        results = await asyncio.to_thread(callback.get_results_dict)
        return ClassifyOutput(self.name, results, report)

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        return Settings.of(self.default_args, given, self._annotate_args)

    def _callback(self, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The usual callback with its arguments, and the arguments of `annotate`."""
        kind = self.classify_callback
        names = inspect.signature(kind).parameters
        wanted = {**{k: v for k, v in self.default_args.items() if k in names}, **given}
        own = {name: value for name, value in wanted.items() if name in names}
        return kind(**own), {name: value for name, value in given.items() if name not in names}

    def _argdict_get_with_default(self, argdict: Mapping[str, Any], key: str) -> Any:
        """An argument of `annotate`, or its default."""
        return argdict[key] if key in argdict else self._annotate_args[key][1]
