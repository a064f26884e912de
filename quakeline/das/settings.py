"""What a call of `annotate` may say beside the data and the callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from quakeline.das.arrays import Transform
from quakeline.errors import ConfigError


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
        Steps between reading and the network, see `quakeline.das.arrays.Transform`.
    gap_guard_s
        Annotations this near to missing data are zero, in s.
    """

    batch_size: int = 2
    pbar: bool = False
    progress: Callable[[int, int], None] | None = None
    overlap_samples: float = 0.5
    overlap_channels: float = 0.5
    channel_coord_name: str | None = None
    transforms: tuple[Transform, ...] = ()
    gap_guard_s: float = 1.0

    @classmethod
    def of(cls, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
        """Settings from a model's own defaults and what a call says.

        Raises ConfigError for unknown names and impossible values.
        """
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ConfigError(f"annotate: {', '.join(unknown)} given; allowed: {', '.join(names)}")
        own = {name: value for name, value in defaults.items() if name in names}
        made = cls(**{**own, **given})
        made._check()
        return cls(**{**own, **given, "transforms": tuple(made.transforms)})

    def _check(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"batch_size: {self.batch_size} given; allowed: at least 1")
        for name in ("overlap_samples", "overlap_channels", "gap_guard_s"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name}: {value} given; allowed: at least 0")
