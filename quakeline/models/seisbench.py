"""Networks of SeisBench with their own preprocessing, as networks of quakeline.

Source: Woollam, J., Muenchmeyer, J. and others (2022), SeisBench - A toolbox for machine learning
in seismology, Seismological Research Letters 93, 1695-1709, doi:10.1785/0220210324. SeisBench is an
optional package; it is imported when one of its networks is built.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from quakeline.core.errors import WeightsError
from quakeline.core.extras import require
from quakeline.io.products.provenance import digest_file
from quakeline.models.cards import Filter

#: <name>.json and <name>.pt as SeisBench writes them, both with the version where there is one.
_FILE = re.compile(r"^(?P<name>.+)\.(?P<kind>json|pt)(?P<version>\.v[^/]+)?$")
_NO_BLINDING = (0, 0)


class Picker(nn.Module):
    """A SeisBench network from raw windows to probabilities, all steps of a window being its own.

    Input: (batch, components, samples) float32. Output: (batch, classes, samples), or
    (batch, classes) for networks that look at one sample of a window. Blinding is left out.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, waveforms: Tensor, argdict: Mapping[str, Any] | None = None) -> Tensor:
        """Probabilities of the classes of windows; `argdict` is what a call says to the model."""
        own = self.model.default_args
        arguments = {**own, **(argdict or {}), "blinding": _NO_BLINDING}
        prepared = self.model.annotate_batch_pre(waveforms, argdict=arguments)
        beside = None
        if isinstance(prepared, tuple):
            prepared, beside = prepared
        output = self.model(prepared)
        if self.training and isinstance(output, Tensor):
            output = output.clone()  # some networks write into it, which gradients do not allow
        found = self.model.annotate_batch_post(output, piggyback=beside, argdict=arguments)
        if self.model.output_type == "point":
            return torch.as_tensor(found)
        return torch.as_tensor(found[..., None] if found.ndim == 2 else found).transpose(1, 2)


@dataclass(frozen=True)
class ReadNetwork:
    """A SeisBench network with its weights, and the SHA-256 of the files they come from."""

    picker: Picker
    model: str
    arguments: dict[str, Any]
    default_args: dict[str, Any]
    description: str
    sources: dict[str, str]

    def options(self) -> dict[str, str]:
        """How to build the network again, for `build`."""
        return {
            "model": self.model,
            "arguments": json.dumps(self.arguments, sort_keys=True),
            "default_args": json.dumps(self.default_args, sort_keys=True),
        }

    def thresholds(self, phases: tuple[str, ...]) -> dict[str, float]:
        """Smallest probability of a pick by phase: of the weights, else SeisBench's own."""
        documented = self.picker.model._annotate_args
        result = {}
        for phase in phases:
            key = f"{phase}_threshold"
            default = documented.get(key, documented.get("*_threshold", ("", 0.3)))[1]
            result[phase] = float(self.default_args.get(key, default))
        return result

    def blinding(self) -> tuple[int, int]:
        """Samples at the begin and the end of a window whose output SeisBench does not use."""
        documented = self.picker.model._annotate_args.get("blinding", ("", _NO_BLINDING))[1]
        first, last = self.default_args.get("blinding", documented)
        return int(first), int(last)

    def blind_samples(self) -> int:
        """The larger of both."""
        return max(self.blinding())

    def filter(self) -> Filter | None:
        """The filter that SeisBench applies to a record. Raises WeightsError for rare ones."""
        model = self.picker.model
        if not model.filter_args and not model.filter_kwargs:
            return None
        kind, given = (model.filter_args or ("?",))[0], model.filter_kwargs or {}
        corners = {
            "bandpass": (given.get("freqmin"), given.get("freqmax")),
            "highpass": (given.get("freq"), None),
            "lowpass": (None, given.get("freq")),
        }
        if kind not in corners or isinstance(kind, list | tuple):
            raise WeightsError(
                f"{self.model}: the weights ask for the filter {kind!r}; quakeline has"
                f" {', '.join(corners)}"
            )
        low, high = corners[kind]
        zero_phase = bool(given.get("zerophase", False))
        return Filter(low, high, int(given.get("corners", 4)), zero_phase)


def build(model: str, arguments: str, default_args: str = "{}") -> Picker:
    """Build a network by SeisBench's name of it and its arguments, both dictionaries as JSON.

    Raises WeightsError where SeisBench is missing or the network is not one that picks phases on
    windows of single stations.
    """
    made = _class(model)(**json.loads(arguments))
    made.default_args.update(json.loads(default_args))
    return _wrapped(model, made)


def read(model: str, path: Path, arguments: Mapping[str, Any]) -> ReadNetwork:
    """Read weights that SeisBench wrote.

    Parameters
    ----------
    model
        SeisBench's name of the network.
    path
        <name>.json or <name>.pt, with or without a version (.v2), <name> alone, or a folder that
        holds such a pair; a .pt file without its .json file needs the arguments.
    arguments
        Arguments of the network that count more than those in the .json file.

    Raises
    ------
    WeightsError
        There are no such files, they are damaged or of another network.
    """
    tensors, described = files_of(path)
    facts: dict[str, Any] = {}
    try:
        if described is not None:
            facts = json.loads(described.read_text(encoding="utf-8"))
        state = torch.load(tensors, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"cannot read {error.filename}: {error.strerror}") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{tensors} is not what SeisBench writes: {reason}") from error
    complete = {**facts.get("model_args", {}), **arguments}
    default_args = dict(facts.get("default_args") or {})
    picker = build(model, json.dumps(complete), json.dumps(default_args))
    try:
        picker.model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{tensors} does not hold weights of {model}: {reason}") from error
    files = [file for file in (described, tensors) if file is not None]
    sources = {file.name: digest_file(file) for file in files}
    description = str(facts.get("docstring", ""))
    return ReadNetwork(picker.eval(), model, complete, default_args, description, sources)


def fetch(model: str, name: str, arguments: Mapping[str, Any]) -> ReadNetwork:
    """Get weights by name through SeisBench, from its cache or its server.

    Raises WeightsError where SeisBench cannot give them.
    """
    kind = _class(model)
    try:
        loaded = kind.from_pretrained(name)
        path = kind._pretrained_path(name, loaded.weights_version)[0]
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise WeightsError(
            f"SeisBench cannot give the weights {name!r} of {model} ({reason}): either let this"
            " machine reach SeisBench's server, or give weights: PATH, the .json or .pt file that"
            " SeisBench keeps of them"
        ) from error
    return read(model, Path(path), arguments)


def classes_of(model: Any) -> tuple[str, ...]:
    """Names of a network's outputs in their order; numbers where it has no names."""
    return tuple(map(str, model.labels or range(model.classes)))


def is_shipped(model: Any) -> bool:
    """Whether a network of this process can be built again by SeisBench's name of its class."""
    import seisbench.models

    return getattr(seisbench.models, type(model).__name__, None) is type(model)


def found_of(model: Any) -> ReadNetwork:
    """What `read` gives, of a SeisBench network of this process.

    Raises WeightsError where quakeline cannot use the network to pick.
    """
    kind = type(model).__name__
    given = inspect.signature(type(model).__init__).parameters
    arguments = {key: value for key, value in model.get_model_args().items() if key in given}
    arguments["component_order"] = model.component_order
    return ReadNetwork(
        _wrapped(kind, model.eval()), kind, arguments, dict(model.default_args), "", {}
    )


def _class(model: str) -> Any:
    require("seisbench", "weights of kind seisbench")
    import seisbench.models

    found = getattr(seisbench.models, model, None)
    if not isinstance(found, type) or not issubclass(found, seisbench.models.WaveformModel):
        raise WeightsError(f"SeisBench {seisbench.__version__} has no network {model!r}")
    return found


def _wrapped(model: str, made: Any) -> Picker:
    """Refuse what quakeline cannot apply window by window as SeisBench does."""
    from seisbench.models import WaveformModel

    problems = {
        "prepares records in a way of its own": (
            type(made).annotate_stream_pre is not WaveformModel.annotate_stream_pre
        ),
        "works on several stations or single channels": made._grouping.grouping != "instrument",
        "gives neither curves nor single values": made.output_type not in ("array", "point"),
        "names its outputs by a function": callable(made.labels),
    }
    for problem, found in problems.items():
        if found:
            raise WeightsError(f"SeisBench's {model} {problem}; quakeline cannot use it to pick")
    return Picker(made)


def files_of(path: Path) -> tuple[Path, Path | None]:
    """The .pt file and, where there is one, the .json file that a path stands for."""
    if path.is_dir():
        candidates = sorted(path.iterdir())
    elif _FILE.match(path.name):
        candidates = [path]
    else:
        candidates = sorted(path.parent.glob(f"{path.name}.*")) if path.parent.is_dir() else []
    names = {
        (match["name"], match["version"] or "")
        for match in (_FILE.match(file.name) for file in candidates)
        if match
    }
    folder = path if path.is_dir() else path.parent
    if len(names) > 1:
        listed = ", ".join(f"{name}.pt{version}" for name, version in sorted(names))
        raise WeightsError(f"weights.weights: {path} may be {listed}; give one of them")
    for name, version in names:
        tensors, described = folder / f"{name}.pt{version}", folder / f"{name}.json{version}"
        if tensors.is_file():
            return tensors, described if described.is_file() else None
    raise WeightsError(
        f"weights.weights: {str(path)!r} given; allowed are the .json or .pt file that SeisBench"
        " writes, a folder with both, a .safetensors file of quakeline, or the name of weights"
    )
