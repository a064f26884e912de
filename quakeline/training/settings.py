"""How a network is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from quakeline.core.section import Section

#: Forms of a label around an onset, see `quakeline.training.labels`.
Form = Literal["gaussian", "triangle", "box"]


class Augmentation(Section):
    """What is done to training records at random; each is a share of the records."""

    noise: float = Field(
        0.3, ge=0, le=1, description="records that get Gaussian noise of up to `noise_level`"
    )
    noise_level: float = Field(
        0.15, ge=0, description="largest deviation of that noise over the record's largest value"
    )
    drop: float = Field(
        0.1, ge=0, le=1, description="records of several components that lose all but one or two"
    )
    amplitude: float = Field(
        0.3, ge=0, le=1, description="records of which each component is multiplied by 1/3 to 3"
    )
    flip: float = Field(0.5, ge=0, le=1, description="records whose sign is turned")


class Settings(Section):
    """How a network is trained."""

    epochs: int = Field(50, ge=1, description="times that all training records are seen, at most")
    patience: int = Field(
        5, ge=1, description="epochs without a smaller validation loss after which it ends"
    )
    batch: int = Field(32, ge=1, description="windows in one step")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="that of Adam, at the beginning")
    step_epochs: int = Field(
        7, ge=1, description="epochs after which the learning rate is multiplied by `step_factor`"
    )
    step_factor: float = Field(1.0, gt=0, le=1, description="1: the rate stays")
    clip: float = Field(
        1.0, gt=0, description="largest norm of the gradient, longer ones are made that long"
    )
    norms: Literal["keep", "train"] = Field(
        "keep",
        description="keep: mean and variance of batch normalisation stay those of the parent, as a"
        " few records would spoil them; train: they follow the records",
    )
    seed: int = Field(0, ge=0, description="makes order, windows and augmentation")
    label: Form | None = Field(
        None,
        description="form of labels for each sample; null: as published, triangle for"
        " EQTransformer, gaussian for others",
    )
    label_s: float | None = Field(
        None,
        gt=0,
        description="deviation of a Gaussian, half width of a triangle or box, in s; null: 0.1 for"
        " a Gaussian, 0.2 for others",
    )
    jitter_s: float | None = Field(
        None,
        ge=0,
        description="networks of one class: largest distance of an onset from its window's middle,"
        " in s; null: half the step between windows",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="bfloat16: GPUs compute in 16 bits where PyTorch's autocast allows it; weights,"
        " loss and steps stay float32",
    )
    augmentation: Augmentation = Field(default_factory=Augmentation, description="see there")


def _from_scratch() -> Settings:
    return Settings(learning_rate=1e-3, norms="train")


class Training(Section):
    """A network that is trained from scratch."""

    network: str | dict[str, JsonValue] = Field(
        description="architecture: earthquake-cnn, phasenet, ...; or a mapping of kind seisbench"
        " (model, arguments) or custom (keys of `weights` of a run: loader, window_samples, ...)"
    )
    dataset: str = Field(description="data set, see `quakeline dataset`")
    output: str = Field(description="the .safetensors file to write")
    name: str | None = Field(None, description="name of the weights; null: the file's")
    resample: bool = Field(
        False, description="whether records of another rate are brought to that of the network"
    )
    settings: Settings = Field(
        default_factory=_from_scratch,
        description="how it is trained; without them a learning rate of 0.001, and norms: train",
    )
