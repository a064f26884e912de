"""How a network is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue, model_validator

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
    gap: float = Field(
        0.0, ge=0, le=1, description="records with a gap of up to a quarter of their window"
    )
    clip: float = Field(
        0.0, ge=0, le=1, description="records cut off at 0.2 to 0.8 of their largest value"
    )
    resample: float = Field(
        0.0,
        ge=0,
        le=1,
        description="records as if recorded at a rate down to 0.4 of that of the network: without"
        " what is above half of it",
    )
    superpose: float = Field(
        0.0,
        ge=0,
        le=1,
        description="records of events to which another one is added, with its labels, 0.1 to 1"
        " times as large; only networks with a probability for each sample",
    )


class Settings(Section):
    """How a network is trained."""

    epochs: int = Field(
        50,
        ge=0,
        description="times that all training records are seen, at most; 0: thresholds, or the"
        " temperature of a network of events, are chosen alone",
    )
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
        " in s, but never nearer to another onset; null: half the step between windows",
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
    """A network that is trained from scratch, or weights that are trained further."""

    network: str | dict[str, JsonValue] | None = Field(
        None,
        description="architecture: earthquake-cnn, phasenet, spectrogram-cnn, ...; or a mapping of"
        " kind spectrogram-cnn or quakexnet (window_s, classes), seisbench (model, arguments),"
        " custom (keys of `weights` of a run: loader, window_samples, ...) or das (model,"
        " arguments, weights)",
    )
    parent: str | None = Field(
        None, description="instead of `network`: the .safetensors file that is trained further"
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

    @model_validator(mode="after")
    def _begins(self) -> Training:
        if (self.network is None) == (self.parent is None):
            raise ValueError("one of network and parent is needed")
        return self
