"""Pickers of single stations on fibre data, channel by channel, without PyTorch."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.annotating import Annotating, known_range
from quakeline.fibres.das.apply import Annotations, Patch
from quakeline.fibres.das.options import ANNOTATE_ARGS, Documented, Settings
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.pickers import Facts, facts_of
from quakeline.fibres.das.picks import DASPickingCallback
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.das.windows import ZeroPhase, batches
from quakeline.fibres.recordings.arrays import Transform
from quakeline.inference.annotator import Annotator
from quakeline.inference.devices import require_known
from quakeline.models.cards import Card
from quakeline.models.named import weights_file
from quakeline.signal.filters import butterworth

Strategy = Literal["clone", "pad"]
logger = logging.getLogger("quakeline")

#: What SeisBench's wrapper takes of the records' pickers, and does not use.
_WITHOUT_EFFECT = {
    "stacking": ("How overlapping windows are joined; a callback's matter", "avg"),
    "*_threshold": ("Smallest probability of a pick; a callback's matter", 0.3),
}
#: Most channels in a patch.
_CHANNELS = 1024
#: Data of half to twice the rate of a network are taken as they are.
_RANGE = (0.5, 2.0)


def dt_range_of(facts: Facts) -> tuple[float, float] | None:
    """Steps in s that a picker takes; None: any."""
    rate = facts.rate_hz
    return None if rate is None else (_RANGE[0] / rate, _RANGE[1] / rate)


def transforms_of(facts: Facts) -> tuple[Transform, ...]:
    """The filter that a weight set was trained behind where it runs both ways."""
    found = facts.card.filter
    return (ZeroPhase(found),) if found is not None and found.zero_phase else ()


def arguments_of(facts: Facts) -> Documented:
    """What `annotate` may be told of a picker."""
    blinding = ("Samples at both ends of a window that are left out", facts.blinding)
    return {**_WITHOUT_EFFECT, **ANNOTATE_ARGS, **facts.documented, "blinding": blinding}


class Channelwise(Annotating):
    """What a picker of records does on a fibre: each channel is a station of its own."""

    card: Card
    _rows: dict[str, int]
    _device: str
    _threads: int
    _batch: int | None

    @property
    def name(self) -> str:
        """Name of the weight set."""
        return f"{type(self).__name__}({self.card.name})"

    @property
    def component_strategy(self) -> str:
        """How a channel becomes the components of the network's input."""
        return self._strategy

    @component_strategy.setter
    def component_strategy(self, value: str) -> None:
        if value not in get_args(Strategy):
            raise ConfigError(
                f"component_strategy: {value!r} given; allowed: {', '.join(get_args(Strategy))}"
            )
        self._strategy = value

    def _compute(self, device: str, threads: int | None, batch: int | None) -> None:
        """Keep what the network is computed on. Raises ConfigError for what cannot be."""
        require_known(device)
        for name, count in (("threads", threads), ("batch", batch)):
            if count is not None and count < 1:
                raise ConfigError(f"{name}: {count} given; allowed: at least 1, or None")
        self._device, self._batch = device, batch
        self._threads = threads or len(os.sched_getaffinity(0))

    @property
    def classify_callback(self) -> type[DASPickingCallback]:
        """Picks, by default with the thresholds of the weights."""
        return DASPickingCallback

    def get_patching_structure(
        self, data_shape: tuple[float, float], argdict: dict[str, Any]
    ) -> PatchingStructure:
        """Windows of the network, of as many channels at once as do not need much memory."""
        window, channels = self.card.window_samples, int(data_shape[1])
        first, last = self._blinding(argdict)
        width = -(-channels // -(-channels // _CHANNELS))
        return PatchingStructure(
            in_samples=window,
            in_channels=width,
            out_samples=window - first - last,
            out_channels=width,
            range_samples=(first, window - last),
            range_channels=(0, width),
            overlap_channels=0,
        ).completed(self._argdict_get_with_default(argdict, "overlap_samples"), 0)

    def _blinding(self, argdict: Mapping[str, Any]) -> tuple[int, int]:
        """Samples at both ends of a window that are left out. Raises ConfigError."""
        given = self._argdict_get_with_default(argdict, "blinding")
        try:
            first, last = (int(value) for value in given)
        except (TypeError, ValueError):
            first, last = -1, -1
        if min(first, last) < 0 or first + last >= self.card.window_samples:
            raise ConfigError(
                f"blinding: {given} given; allowed: two counts of samples, together less than"
                f" {self.card.window_samples}"
            )
        return first, last

    def filter_at(self, rate_hz: float) -> np.ndarray | None:
        """The causal filter that the weights were trained behind; None: none of that kind."""
        found = self.card.filter
        if found is None or found.zero_phase:
            return None
        return butterworth(found.low_hz, found.high_hz, found.order, rate_hz)

    def _by_engine(
        self, ready: Annotator, patches: Iterator[Patch], stream: Stream
    ) -> Iterator[tuple[Patch, Annotations]]:
        """Annotations of patches; channels that do not change are left out and stay zero."""
        backend = ready.engine.backend
        alone = None if self.component_strategy == "clone" else self._component
        first, stop = stream.structure.range_samples
        keys = self.annotate_keys
        values = np.empty(0, np.float32)
        done = 0
        for (patch, channels), found in backend.run(batches(patches, backend, self.card, alone)):
            if done == 0:
                values = np.zeros((len(keys), len(patch.data), stop - first), np.float32)
            for number, key in enumerate(keys):
                values[number, channels] = found[: len(channels), self._rows[key], first:stop]
            done += len(channels)
            if done == np.count_nonzero(patch.live):
                yield patch, {key: values[number].T for number, key in enumerate(keys)}
                done = 0

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        known, lenient = self._annotate_args, self._lenient
        idle = set(given) - (set(Settings.__dataclass_fields__) | {"blinding"})
        made = Settings.of(self.default_args, given, known, lenient)
        if idle and not lenient:
            logger.warning(
                "annotate: %s given, without effect here: the callback has stacking and thresholds",
                ", ".join(sorted(idle)),
            )
        return made

    def _callback(self, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The usual callback; P_threshold and the like are its thresholds."""
        usual = self.default_args["thresholds"]
        usual = usual if isinstance(usual, dict) else dict.fromkeys(self.annotate_keys, usual)
        named = {
            key: given[name]
            for key in self.annotate_keys
            for name in (f"{key}_threshold", f"{key.lower()}_threshold")
            if name in given
        }
        callback, rest = super()._callback(
            {"thresholds": {**usual, **named}, **given} if named else given
        )
        return callback, {k: v for k, v in rest.items() if not k.endswith("_threshold")}

    @property
    def _lenient(self) -> bool:
        """Whether unknown arguments of `annotate` are handed on to the network."""
        return False

    @property
    def _component(self) -> int:
        """Which component a channel is where the others are zero."""
        return max(self.card.components.find("Z"), 0)


class DASPicker(Channelwise):
    """Applies a weight set for three-component records to fibre data, channel by channel.

    It gives what `DASWaveformModelWrapper` gives and has its `annotate` and `classify`, but is no
    module of PyTorch: it does not train, and on CPUs PyTorch is not even imported, which would take
    a second. `annotate` takes `blinding` too, see there.

    Parameters
    ----------
    model
        Name of a weight set (`quakeline models list`) or a .safetensors file of quakeline.
    component_strategy, device, threads, batch, run_loader
        See `DASWaveformModelWrapper`.
    transforms, default_args, dx_range, fk_filter_args
        See `DASModel`.

    Raises
    ------
    ConfigError
        An unknown name, strategy or device, an ensemble, a network with one value per window, or
        a count or range that is none.
    WeightsError
        The weights cannot be had.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> import xarray
    >>> times = np.datetime64("2024-01-01", "ns") + np.arange(4000) * np.timedelta64(10, "ms")
    >>> waves = np.random.default_rng(0).normal(scale=0.01, size=(4000, 4)).astype(np.float32)
    >>> data = xarray.DataArray(waves, {"time": times, "distance": np.arange(4.0)})
    >>> output = quakeline.DASPicker("phasenet").classify(data)
    >>> len(output.P), output.report.problems
    (0, [])
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        component_strategy: str = "clone",
        *,
        device: str = "auto",
        threads: int | None = None,
        batch: int | None = None,
        transforms: Sequence[Transform] = (),
        default_args: Mapping[str, Any] | None = None,
        run_loader: bool = False,
        dx_range: tuple[float, float] | None = None,
        fk_filter_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.component_strategy = component_strategy
        self._compute(device, threads, batch)
        if not isinstance(model, str | os.PathLike):
            raise ConfigError(
                f"model: a {type(model).__name__} given; allowed: the name of a weight set or a"
                " .safetensors file of quakeline; DASWaveformModelWrapper takes networks"
            )
        #: The weights file.
        self.path = weights_file(os.fspath(model))
        facts = facts_of(self.path)
        self.card, self._rows = facts.card, facts.rows
        self.annotate_keys = list(facts.rows)
        self.dt_range, self.dx_range = dt_range_of(facts), known_range("dx_range", dx_range)
        self.fk_filter_args = fk_filter_args
        self.transforms = (*transforms, *transforms_of(facts))
        self.default_args = {"thresholds": facts.thresholds, **(default_args or {})}
        self._annotate_args = arguments_of(facts)
        self._run_loader = run_loader
        self._ready: Annotator | None = None

    def prepare(self) -> Annotator:
        """Make the network ready on its device; `annotate` does it too.

        The first time takes seconds, since the graph of the network is then made.
        """
        if self._ready is None:
            self._ready = Annotator.load(
                self.path, self._device, self._threads, self._batch, run_loader=self._run_loader
            )
        return self._ready

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """See `DASModel.outputs`; channels that do not change are left out and stay zero."""
        return self._by_engine(self.prepare(), patches, stream)
