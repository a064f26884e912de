"""What takes the output of a DAS model, patch by patch: the base of all callbacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure


class SectionData(Protocol):
    """What a callback is told of the data: one gapless, evenly sampled section of an array.

    `shape` is (samples, channels) behind resampling; `coords` maps "time" and the name of the
    channel coordinate to coordinates of xdas; `dt` is in s, `dx` in m or None. `data` is the
    section as it was given, an `xdas.DataArray` or `xarray.DataArray`.
    """

    channel_coord_name: str
    shape: tuple[int, int]
    coords: dict[str, Any]
    dt: float
    dx: float | None
    data: Any
    dtype: np.dtype[Any]


class DASAnnotateCallback(ABC):
    """Base of what takes the output of a DAS model; derive your own from it.

    `annotate` calls `begin` once, then for each gapless section of the array `setup`,
    `handle_patch` for every patch in the order of time and then of channels, and `finalize`. In a
    pipeline of SeisBench `begin` is not called, and `setup` begins anew. So do callbacks that were
    written for SeisBench: their `setup` does not call that of this class, which is how they are
    told from those that add up sections.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> class Largest(quakeline.DASAnnotateCallback):
    ...     def reset(self):
    ...         self.found = {}
    ...
    ...     def handle_patch(self, annotations, in_coords, out_coords):
    ...         for key, values in annotations.items():
    ...             self.found[key] = max(self.found.get(key, 0.0), float(values.max()))
    ...
    ...     def get_results_dict(self):
    ...         return self.found
    >>> callback = Largest()
    >>> callback.begin()
    >>> where = quakeline.PatchCoordinate(0, 0, 200, 4)
    >>> callback.handle_patch({"P": np.full((200, 4), 0.5)}, where, where)
    >>> callback.get_results_dict()
    {'P': 0.5}
    """

    _begun = False
    _adds_sections = False

    def begin(self) -> None:
        """Forget what an earlier array gave; then each section adds to the results."""
        self._begun, self._adds_sections = True, False
        self.reset()

    def end(self) -> None:
        """Called when all sections of the array are done, also after an error."""
        self._begun = False

    def reset(self) -> None:  # noqa: B027
        """Forget all results. Extend this in callbacks that keep some."""

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """Begin a section. Extend this with what a section needs; call `super().setup` first."""
        self._adds_sections = True
        if not self._begun:
            self.reset()

    @abstractmethod
    def handle_patch(
        self,
        annotations: dict[str, np.ndarray],
        in_coords: PatchCoordinate,
        out_coords: PatchCoordinate,
    ) -> None:
        """Take the output of one patch.

        Parameters
        ----------
        annotations
            Arrays (samples, channels) by annotation key; not to be changed, and valid only now.
        in_coords, out_coords
            Where the patch lies in the section, and its output in the output of the section.
        """

    def finalize(self) -> None:  # noqa: B027
        """End a section."""

    @abstractmethod
    def get_results_dict(self) -> dict[str, Any]:
        """Results by name."""


class MultiCallback(DASAnnotateCallback):
    """Hands everything to several callbacks; those of SeisBench are allowed too.

    Examples
    --------
    >>> import quakeline
    >>> picks, curves = quakeline.DASPickingCallback(), quakeline.InMemoryCollectionCallback()
    >>> both = quakeline.MultiCallback([picks, curves])  # for `DASModel.annotate`
    >>> both.begin()
    >>> both.end()
    >>> picks.get_results_dict(), curves.get_results_dict()
    ({}, {})
    """

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self.callbacks = list(callbacks)

    def begin(self) -> None:
        """See `DASAnnotateCallback.begin`."""
        super().begin()
        for callback in self.callbacks:
            if isinstance(callback, DASAnnotateCallback):
                callback.begin()

    def end(self) -> None:
        """See `DASAnnotateCallback.end`."""
        super().end()
        for callback in self.callbacks:
            if isinstance(callback, DASAnnotateCallback):
                callback.end()

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """See `DASAnnotateCallback.setup`."""
        super().setup(data, patching_structure, annotate_keys)
        for callback in self.callbacks:
            callback.setup(data, patching_structure, annotate_keys)

    def handle_patch(
        self,
        annotations: dict[str, np.ndarray],
        in_coords: PatchCoordinate,
        out_coords: PatchCoordinate,
    ) -> None:
        """See `DASAnnotateCallback.handle_patch`."""
        for callback in self.callbacks:
            callback.handle_patch(annotations, in_coords, out_coords)

    def finalize(self) -> None:
        """See `DASAnnotateCallback.finalize`."""
        for callback in self.callbacks:
            callback.finalize()

    def get_results_dict(self) -> dict[str, Any]:
        """Refused: ask each callback. Raises NotImplementedError, as SeisBench's does."""
        raise NotImplementedError("ask each of the callbacks for its results")


def only_one_section(callback: Any) -> list[Any]:
    """Callbacks that forget a section when the next one begins, as soon as one has begun."""
    if isinstance(callback, MultiCallback):
        return [found for one in callback.callbacks for found in only_one_section(one)]
    own = isinstance(callback, DASAnnotateCallback)
    return [] if own and callback._adds_sections else [callback]
