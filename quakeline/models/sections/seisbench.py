"""Networks of SeisBench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from quakeline.core.errors import WeightsError
from quakeline.core.names import proposal
from quakeline.models.cards import Card, GivenFiles, Output, SourceFile
from quakeline.models.sections.base import Filter, Kind, default_hop, safe
from quakeline.models.weights import SUFFIX, save

if TYPE_CHECKING:
    from quakeline.models.seisbench import ReadNetwork
    from quakeline.models.weights import Weights

_NOT_PICKS = ("N", "Noise", "Detection")
_SUFFIXES = (".json", ".pt", ".safetensors")


@dataclass(frozen=True)
class Facts:
    """What SeisBench's networks are by their constructors' defaults (SeisBench 0.12)."""

    window_samples: int
    sampling_rate_hz: float = 100.0
    phases: tuple[str, ...] = ("P", "S")
    threshold: float = 0.3
    output: Output = "samples"
    blind_samples: int = 0


#: Networks of SeisBench that pick phases on single stations.
KNOWN: dict[str, Facts] = {
    "PhaseNet": Facts(3001),
    "PhaseNetLight": Facts(3001),
    "VariableLengthPhaseNet": Facts(600),
    "EQTransformer": Facts(6000, threshold=0.1, blind_samples=500),
    "OBSTransformer": Facts(6000, threshold=0.1, blind_samples=500),
    "EQTP": Facts(12_000, threshold=0.1, blind_samples=500),
    "EQCCTP": Facts(6000, phases=("P",), blind_samples=500),
    "EQCCTS": Facts(6000, phases=("S",), threshold=0.5, blind_samples=500),
    "GPD": Facts(400, threshold=0.7, output="window"),
    "Skynet": Facts(30_000, threshold=0.5),
    "LFEDetect": Facts(600),
    # It writes nan at sample 130, where it means the first 130.
    "BasicPhaseAE": Facts(600, blind_samples=131),
}


class SeisBench(Kind):
    """A network of SeisBench, with its own preprocessing of windows."""

    EXTRA = "seisbench"

    kind: Literal["seisbench"] = Field("seisbench", description="a network of SeisBench")
    model: str = Field(
        min_length=1,
        description=f"SeisBench's name of the network: {', '.join(KNOWN)}; another one needs"
        " `window_samples`",
    )
    weights: str = Field(
        min_length=1,
        description="name of weights that SeisBench knows, which needs the network the first time"
        " (e.g. stead), or a path: the .json or .pt file that SeisBench writes, a folder with both,"
        " a .safetensors file of quakeline",
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="arguments of the network, for a .pt file without its .json file",
    )
    normalisation: Literal["scale", "none"] = Field(
        "scale",
        description="SeisBench adds 1e-10 to the deviation by which it divides a window, which"
        " matters for data in m/s: `scale` first multiplies windows by the power of two that makes"
        " them as large as counts are; `none` does as SeisBench does",
    )
    sampling_rate_hz: float | None = Field(
        None, gt=0, description="rate of the weights in Hz; null: the network's usual one"
    )
    window_samples: int | None = Field(
        None, ge=2, description="length of a window; null: the network's usual one"
    )
    phases: list[str] | None = Field(
        None,
        min_length=1,
        description="classes that become picks; null: the network's usual ones",
    )
    filter: Filter | None = Field(
        None, description="the filter that SeisBench applies with these weights; null: none"
    )
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="smallest probability of a pick by phase; for other phases that of the weights,"
        " else SeisBench's own",
    )
    hop_samples: int | None = Field(
        None, ge=1, description="step between windows; null: a little less than half a window"
    )
    blind_samples: int | None = Field(
        None,
        ge=0,
        description="samples at both ends of a window whose output is not used; null: as SeisBench",
    )

    @model_validator(mode="after")
    def _is_known(self) -> SeisBench:
        if self.model not in KNOWN and self.window_samples is None:
            raise ValueError(
                f"model: {self.model!r} given; {proposal(self.model, KNOWN)}known are"
                f" {', '.join(KNOWN)}; for another network of SeisBench set"
                " window_samples, and what else differs from 100 Hz, P and S"
            )
        unknown = sorted(set(self.thresholds) - set(self.card().phases))
        if unknown:
            raise ValueError(
                f"thresholds: {', '.join(unknown)} given; the phases are"
                f" {', '.join(self.card().phases)}"
            )
        return self

    @property
    def path(self) -> Path | None:
        """The path that `weights` is; None where it is a name."""
        path = Path(self.weights).expanduser()
        is_file_name = any(suffix in path.name for suffix in _SUFFIXES)
        return path if is_file_name or "/" in self.weights or path.exists() else None

    def card(self) -> Card:
        """The usual facts of the network with those that are given; the classes are phases alone.

        Which further classes there are, and in which order, is known when the weights are.
        """
        usual = KNOWN.get(self.model, Facts(self.window_samples or 2))
        window = self.window_samples or usual.window_samples
        phases = tuple(self.phases or usual.phases)
        blind = usual.blind_samples if self.blind_samples is None else self.blind_samples
        name = self.path.name.split(".")[0] if self.path else self.weights
        return Card(
            name=safe(f"seisbench {self.model} {name}"),
            network="seisbench",
            citation="see SeisBench",
            licence="see SeisBench",
            training_data="see SeisBench",
            sampling_rate_hz=self.sampling_rate_hz or usual.sampling_rate_hz,
            window_samples=window,
            hop_samples=self.hop_samples or default_hop(window, usual.output),
            blind_samples=blind,
            components="ZNE",
            classes=phases,
            phases=phases,
            thresholds=dict.fromkeys(phases, usual.threshold) | self.thresholds,
            normalisation=self.normalisation,
            filter=self.filter.on_card() if self.filter else None,
            output=usual.output,
            source=GivenFiles(f"SeisBench {self.model} {self.weights}"),
        )

    def obtain(self) -> Weights:
        """Read or fetch the weights, and check that they are what the section says."""
        if self._own is not None:
            return self._kept(self._own)
        return self.packed(self._read())

    def write_as_stated(self, path: Path) -> None:
        """Write the weights with the rate, window, filter and phases that they state themselves.

        Raises WeightsError where they cannot be had, or cannot be used to pick.
        """
        own = self._own
        save(path, *(self._opened(own) if own else described(self._read(), name=self.weights)))

    @property
    def _own(self) -> Path | None:
        """The path where it is one of a file that quakeline wrote, by its name."""
        return self.path if self.path is not None and self.path.suffix == SUFFIX else None

    def _read(self) -> ReadNetwork:
        """SeisBench's network with its weights, of files or fetched."""
        from quakeline.models import seisbench

        if self.path is not None:
            return seisbench.read(self.model, self.path, self.arguments)
        return seisbench.fetch(self.model, self.weights, self.arguments)

    def packed(self, found: ReadNetwork) -> Weights:
        """Tensors and card of a loaded network, after it was compared with the section."""
        from quakeline.models.custom import check, output_of

        card = self._complete(found)
        check(card, output_of(card, found.picker))
        return found.picker.state_dict(), card

    @property
    def on_disk(self) -> bool:
        """Whether `weights` is a path."""
        return self.path is not None

    def files(self) -> list[Path]:
        """The files that a path stands for; none of a name.

        Raises WeightsError where there are none, or those of several weights.
        """
        from quakeline.models.seisbench import files_of

        if self.path is None:
            return []
        if self._own is not None and self._own.is_file():
            return [self._own]
        return [file for file in files_of(self.path) if file is not None]

    def missing(self) -> list[str]:
        """The path, where it is given and does not exist."""
        path = self.path
        if path is None or path.exists() or any(path.parent.glob(f"{path.name}.*")):
            return []
        return [f"weights.weights: {self.weights!r} does not exist"]

    def _complete(self, found: ReadNetwork) -> Card:
        """The card by what was loaded; a WeightsError says what to set where it differs."""
        from quakeline.models.seisbench import classes_of

        model, card = found.picker.model, self.card()
        classes = classes_of(model)
        if model.sampling_rate is not None:  # else it takes any, and the section says which
            self._agree("sampling_rate_hz", card.sampling_rate_hz, float(model.sampling_rate))
        self._agree("window_samples", card.window_samples, model.in_samples)
        self._agree("filter", card.filter, found.filter())
        if not set(card.phases) <= set(classes):
            raise WeightsError(
                f"weights.phases: {', '.join(card.phases)} wanted; {self.weights} of {self.model}"
                f" has the classes {', '.join(classes)}: set weights.phases, or arguments.phases"
                " where these are numbers"
            )
        output: Output = "window" if model.output_type == "point" else "samples"
        if output == "window" and model.pred_sample != model.in_samples // 2:
            raise WeightsError(
                f"{self.weights} of {self.model} is for sample {model.pred_sample} of its windows;"
                " only those for the middle can be used"
            )
        blind = found.blind_samples() if output == "samples" else 0
        if self.blind_samples is not None or blind < card.blind_samples:
            blind = card.blind_samples
        return replace(
            card,
            citation=" ".join(str(model.citation or "not given").split()),
            licence="not stated by SeisBench; see the description of the weights",
            training_data=" ".join(found.description.split()) or "not described",
            hop_samples=self.hop_samples or default_hop(card.window_samples, output),
            blind_samples=blind,
            components="".join(model.component_order),
            classes=classes,
            thresholds=found.thresholds(card.phases) | self.thresholds,
            output=output,
            source=GivenFiles(
                card.source.origin, tuple(SourceFile(*pair) for pair in found.sources.items())
            ),
            options=found.options(),
        )

    def _agree(self, key: str, here: Any, there: Any) -> None:
        if here != there:
            raise WeightsError(
                f"weights.{key} is {_said(here)}; {self.weights} of {self.model} has"
                f" {_said(there)}: set weights.{key}: {_said(there)}"
            )

    def _kept(self, path: Path) -> Weights:
        """Read a file that quakeline wrote; the thresholds and steps are those wanted now."""
        state, found = self._opened(path)
        card = self.card()
        for key in ("sampling_rate_hz", "window_samples", "filter"):
            self._agree(key, getattr(card, key), getattr(found, key))
        kept = replace(
            found,
            phases=tuple(self.phases or found.phases),
            thresholds=found.thresholds | self.thresholds,
            normalisation=self.normalisation,
            hop_samples=self.hop_samples or found.hop_samples,
            blind_samples=found.blind_samples if self.blind_samples is None else card.blind_samples,
        )
        return state, kept

    def _opened(self, path: Path) -> Weights:
        """Tensors and card of a file that quakeline wrote. Raises WeightsError for another one."""
        from quakeline.models.networks import load_state
        from quakeline.models.weights import load

        found, state, _ = load(path)
        if found.network != "seisbench" or found.options["model"] != self.model:
            raise WeightsError(
                f"{path} holds {found.name}, not weights of SeisBench's {self.model}"
            )
        load_state(found, state, str(path))
        return state, found


def write_model(model: Any, path: Path, name: str = "own") -> Path:
    """Write a SeisBench network of this process as a weights file, and return its path.

    Every output but noise and detection is a phase. Raises WeightsError where quakeline cannot
    use the network to pick.
    """
    from quakeline.models import seisbench

    save(path, *described(seisbench.found_of(model), name=name))
    return path


def described(
    found: ReadNetwork, normalisation: Literal["scale", "none"] = "scale", name: str = "own"
) -> Weights:
    """Tensors and card of a SeisBench network of this process, by what it says of itself.

    A network that states no sampling rate gets the usual one. Raises WeightsError where quakeline
    cannot use it to pick.
    """
    from quakeline.models.seisbench import classes_of

    model = found.picker.model
    section = SeisBench(
        model=found.model,
        weights=name,
        window_samples=model.in_samples,
        sampling_rate_hz=model.sampling_rate,
        phases=[label for label in classes_of(model) if label not in _NOT_PICKS] or None,
        normalisation=normalisation,
        filter=None if (own := found.filter()) is None else Filter(**vars(own)),
    )
    return section.packed(found)


def _said(value: Any) -> str:
    """A value as one would write it in the configuration."""
    if value is None:
        return "null"
    if hasattr(value, "zero_phase"):
        pairs = {**vars(value), "zero_phase": str(value.zero_phase).lower()}
        return "{" + ", ".join(f"{k}: {'null' if v is None else v}" for k, v in pairs.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)
