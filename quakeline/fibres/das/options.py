"""What a call of `annotate` may say beside the data and the callback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from quakeline.core.errors import ConfigError
from quakeline.fibres.recordings.arrays import Transform

logger = logging.getLogger("quakeline")

#: What the arguments of `annotate` are, and their defaults, by name: as a model lists its own.
Documented = Mapping[str, tuple[str, Any]]


@dataclass(frozen=True)
class Settings:
    """Keyword arguments of `annotate`.

    Attributes
    ----------
    batch_size
        Patches that a torch model gets at once.
    pbar
        Show progress on the terminal.
    progress
        Called after each patch with the patches done and their total so far known.
    overlap_samples, overlap_channels
        Of neighbouring patches; below 1 a part of the patch, else a count.
    channel_coord_name
        Name of the coordinate along the fibre; None: as the array says.
    transforms
        Steps between reading and the network, see `quakeline.fibres.recordings.arrays.Transform`.
    gap_guard_s
        Annotations this near to missing data are zero, in s.
    given
        All that the model's `default_args` and the call say, by name; what a model of its own
        arguments gets as `argdict`.
    """

    batch_size: int = 2
    pbar: bool = False
    progress: Callable[[int, int], None] | None = None
    overlap_samples: float = 0.5
    overlap_channels: float = 0.5
    channel_coord_name: str | None = None
    transforms: tuple[Transform, ...] = ()
    gap_guard_s: float = 1.0
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        defaults: Mapping[str, Any],
        given: Mapping[str, Any],
        documented: Documented | None = None,
        lenient: bool = False,
    ) -> Settings:
        """Settings from a model's own defaults and what a call says.

        Parameters
        ----------
        defaults, given
            The model's `default_args`, and the keyword arguments of the call.
        documented
            Further arguments that the model knows; "*" in a name stands for anything.
        lenient
            Whether the model looks up arguments that it lists nowhere: unknown ones are then
            handed on with a warning.

        Raises
        ------
        ConfigError
            An unknown name or an impossible value.
        """
        names = [*ANNOTATE_ARGS]
        known = {**ANNOTATE_ARGS, **(documented or {})}
        unknown = [n for n in sorted(given) if not any(fnmatchcase(n, k) for k in known)]
        if unknown:
            line = f"annotate: {', '.join(unknown)} given; allowed: {', '.join(known)}"
            if not lenient:
                raise ConfigError(line)
            logger.warning("%s; the network gets it in its argdict", line)
        every = {**defaults, **given}
        made = cls(**{name: every[name] for name in names if name in every}, given=every)
        made._check()
        return cls(**{**vars(made), "transforms": tuple(made.transforms)})

    def _check(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"batch_size: {self.batch_size} given; allowed: at least 1")
        for name in ("overlap_samples", "overlap_channels", "gap_guard_s"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name}: {value} given; allowed: at least 0")


#: Arguments that all models have.
ANNOTATE_ARGS: Documented = {
    one.name: ("see quakeline.fibres.das.options.Settings", one.default)
    for one in fields(Settings)
    if one.name != "given"
}
