"""An f-k filter of patches: which apparent velocities along the fibre stay.

Names and conventions are those of SeisBench's DAS models, doi:10.1785/0220210324: the filter works
on each patch by itself, and its flanks are steep.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from quakeline.core.errors import ConfigError, DataError

Mode = Literal["pass", "reject"]


class FKFilter(nn.Module):
    """Keeps or removes the apparent velocities between two, |f / k|, of patches.

    Parameters
    ----------
    dt, dx
        Steps of samples (s) and channels (m).
    v_min, v_max
        From the first to below the second velocity in m/s; None: no bound.
    mode
        "pass": these velocities stay; "reject": all others.

    Raises
    ------
    ConfigError
        An unknown mode.

    Examples
    --------
    A wave of 10 Hz that runs with 1000 m/s along channels 10 m apart stays, or goes:

    >>> import numpy as np
    >>> import quakeline
    >>> import torch
    >>> seconds, metres = np.arange(200)[:, None] * 0.01, np.arange(100)[None] * 10.0
    >>> wave = torch.from_numpy(np.sin(2 * np.pi * 10 * (seconds - metres / 1000)))[None]
    >>> for mode in ("pass", "reject"):
    ...     kept = quakeline.FKFilter(0.01, 10.0, 500, 2000, mode)(wave)
    ...     print(mode, round(float(kept.std() / wave.std()), 2))
    pass 1.0
    reject 0.0
    """

    def __init__(
        self,
        dt: float,
        dx: float,
        v_min: float | None = None,
        v_max: float | None = None,
        mode: str = "pass",
    ) -> None:
        if mode not in get_args(Mode):
            raise ConfigError(f"mode: {mode!r} given; allowed: {', '.join(get_args(Mode))}")
        super().__init__()
        self.dt, self.dx, self.v_min, self.v_max, self.mode = dt, dx, v_min, v_max, mode

    def forward(self, data: Tensor) -> Tensor:
        """Filter patches, shape (batch, samples, channels)."""
        samples, channels = data.shape[-2:]
        spectrum = torch.fft.rfft2(data, dim=(-1, -2))
        kept = self._kept(samples, channels).to(spectrum.device)
        found: Tensor = torch.fft.irfft2(spectrum * kept, s=(channels, samples), dim=(-1, -2))
        return found

    def _kept(self, samples: int, channels: int) -> Tensor:
        """Which of (frequencies from zero, wavenumbers) stay."""
        # float32 as in SeisBench: rounding decides of waves exactly at the velocity of a bound
        frequency = torch.fft.rfftfreq(samples, self.dt, dtype=torch.float32)[:, None]
        wavenumber = torch.fft.fftfreq(channels, self.dx, dtype=torch.float32)[None]
        # at no wavenumber a wave is infinitely fast, and what does not change at all stands still
        velocity = torch.nan_to_num((frequency / wavenumber).abs(), nan=0.0, posinf=torch.inf)
        inside = torch.ones_like(velocity, dtype=torch.bool)
        if self.v_min is not None:
            inside &= velocity >= self.v_min
        if self.v_max is not None:
            inside &= velocity < self.v_max
        return inside if self.mode == "pass" else ~inside


def filter_of(
    arguments: Mapping[str, Any] | None, dt: float, dx: float | None, name: str
) -> FKFilter | None:
    """The filter that a model of this name asks for at some steps; None: none.

    Raises
    ------
    ConfigError
        Impossible arguments.
    DataError
        The channels lie unevenly.
    """
    if arguments is None:
        return None
    if dx is None:
        raise DataError(f"{name} has an f-k filter; it needs channels at even steps")
    try:
        return FKFilter(dt=dt, dx=dx, **arguments)
    except TypeError as error:
        raise ConfigError(
            f"fk_filter_args: {', '.join(arguments)} given; allowed: v_min, v_max, mode"
        ) from error
