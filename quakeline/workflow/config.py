"""The configuration of a run: `config/config.yaml` (defaults) plus an overlay, checked as a whole.

`load` reports every mistake together, each with its dotted path, what was given and what is
allowed. Nothing here imports torch, obspy or any other heavy library: the Snakefile loads the
configuration whenever the workflow is parsed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.extras import lacking
from quakeline.core.section import Section
from quakeline.core.timeline import Span, to_datetime, to_ns
from quakeline.earth.sections import Layers, Velocity
from quakeline.earth.shipped import GENERAL, VELOCITY_MODELS
from quakeline.events.classification.settings import AnyClassifier, EventWeights, Network, Rules
from quakeline.fibres.das.weights_section import AnyKind as AnyFibreKind
from quakeline.fibres.section import Fibre
from quakeline.live.section import Live
from quakeline.models.cards import Card
from quakeline.models.names import described
from quakeline.models.polarity_cards import RATE_HZ
from quakeline.models.sections import AnyKind, Builtin, Kind
from quakeline.workflow import explaining, joint_jobs
from quakeline.workflow.stages import table as stages
from quakeline.workflow.stages.fetch import edition_note
from quakeline.workflow.time_section import Time
from quakeline.workflow.yaml_files import merged as merged
from quakeline.workflow.yaml_files import read_yaml as read_yaml

DEFAULT = Path("config/config.yaml")
#: The run where none is named: the embedded demo.
DEMO = Path("runs/unterhaching.yaml")
#: Makes the sections that a run must have.
EXAMPLE: dict[str, Any] = {"run": "x", "time": {"start": "2000-01-01", "end": "2000-01-02"}}
#: Stands for what a live session does not ask of a run: the span of an archive and its data.
OF_ARCHIVES: dict[str, Any] = {
    "time": EXAMPLE["time"],
    "fetch": {"source": {"kind": "files", "paths": ["-"]}},
}
_WITHOUT_DEFAULT = "what belongs to a data set has no default"
#: Kinds of weights that a run can train further: a network of its own tensors.
_TRAINABLE = ("builtin", "seisbench", "untrained")


class Run(Section):
    """Everything that `config.yaml` can say."""

    run: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="name of the run; results are written to results/<run>/",
    )
    time: Time
    stations: stages.stations.Config = Field(
        stages.stations.Config(), description="the seismometers; null: none, a run of fibres alone"
    )
    fetch: stages.fetch.Config | None = Field(
        None, description="their data; null: none, a run of fibres or of a table of picks"
    )
    prepare: stages.prepare.Config = stages.prepare.Config()
    weights: AnyKind = Builtin()
    dataset: stages.dataset.Config = Field(
        stages.dataset.Config(), description="records of an earlier run, for section `train`"
    )
    train: stages.train.Config | None = Field(
        None, description="the picker trained before it picks; null: `weights` picks as it is"
    )
    annotate: stages.annotate.Config = stages.annotate.Config()
    pick: stages.pick.Config = stages.pick.Config()
    fibres: list[Fibre] = Field(
        default_factory=list, description="fibres of the run; empty: seismometers alone"
    )
    das_weights: AnyFibreKind | None = Field(
        None, description="what picks on fibres; null: the network of `weights`, channel by channel"
    )
    das_index: stages.das_index.Config = stages.das_index.Config()
    das_annotate: stages.das_annotate.Config = stages.das_annotate.Config()
    das_pick: stages.das_pick.Config = stages.das_pick.Config()
    measure: stages.measure.Config = stages.measure.Config()
    import_picks: stages.import_picks.Config = stages.import_picks.Config()
    velocity: Velocity = Field(
        Layers(), description="The velocity model of association, location and moments"
    )
    associate: stages.associate.Config = stages.associate.Config()
    locate: stages.locate.Config = stages.locate.Config()
    magnitude: stages.magnitude.Config = stages.magnitude.Config()
    classify: AnyClassifier = Rules()
    mechanism: stages.mechanism.Config = stages.mechanism.Config()
    merge: stages.merge.Config = stages.merge.Config()
    evaluate: stages.evaluate.Config = stages.evaluate.Config()
    report: stages.report.Config = stages.report.Config()
    crate: stages.crate.Config = stages.crate.Config()
    live: Live | None = Field(
        None, description="data as they arrive, for `quakeline live`; null: none"
    )
    keep: list[Literal["waveforms", "probabilities"]] = Field(
        default_factory=list,
        description="intermediate stores that stay on disk; the report draws record sections only"
        " when both are kept. Without probabilities `annotate` and `pick` are one job (unless"
        " networks run on a GPU, or the run began with two), and a changed setting of `pick` lets"
        " the network work again",
    )

    #: Whether the folder of the run asks for jobs of `annotate`, see `joint_jobs.apart_in`.
    _annotates_apart: bool = PrivateAttr(False)

    @field_validator("stations", mode="before")
    @classmethod
    def _no_stations(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("velocity", mode="before")
    @classmethod
    def _of_layers(cls, value: Any) -> Any:
        return {"kind": "table", **value} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _check_fibres(self) -> Run:
        """Fibres need names of their own and a network that suits them."""
        names = [fibre.name for fibre in self.fibres]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"fibres: the name {name!r} is given twice")
        card = self._fibre_card()
        if self.fibres and (card.members or card.output == "window"):
            kind = "an ensemble" if card.members else "a network with one value per window"
            section_ = "das_weights" if self.das_weights else "weights"
            raise ValueError(
                f"{section_}: {card.name} is {kind}; fibres need a network that gives one"
                " probability per sample"
            )
        return self

    @model_validator(mode="after")
    def _check_mechanism(self) -> Run:
        """Networks of polarities look at waveforms of seismometers, which must still be there."""
        if self.mechanism.networks and self.fetch is None:
            raise ValueError(
                "mechanism.networks: given in a run without waveforms of seismometers (fetch);"
                " allowed there: mechanism.polarities"
            )
        if self.evaluate.mechanisms and not (self.mechanism.asked and self.evaluate.reference):
            raise ValueError(
                "evaluate.mechanisms: given; needed are evaluate.reference, and"
                " mechanism.networks or mechanism.polarities"
            )
        without = sorted({"hash", "skhash"} & set(self.merge.exports))
        if without and not self.mechanism.asked:
            raise ValueError(
                f"merge.exports: {', '.join(without)} given, which hold polarities; needed is"
                " mechanism.networks or mechanism.polarities"
            )
        if self.mechanism.networks and "waveforms" not in self.keep:
            raise ValueError(
                "mechanism.networks: given, and waveforms are not kept; needed is keep: [waveforms]"
            )
        if self.mechanism.networks and self.sampling_rate_hz != RATE_HZ:
            raise ValueError(
                f"mechanism.networks: given; they take {RATE_HZ:g} Hz; waveforms are prepared at"
                f" {self.sampling_rate_hz:g} Hz for {self.weights.card().name}; allowed there:"
                " mechanism.polarities"
            )
        return self

    @model_validator(mode="after")
    def _check_training(self) -> Run:
        """A picker is trained on one data set, by a run that uses it."""
        earlier, train = self.dataset.from_run, self.train
        blank = self.weights.kind == "untrained"
        if train is None:
            if earlier:
                raise ValueError("dataset.from_run: without section train nothing uses its records")
            if blank:
                raise ValueError("weights.kind: 'untrained' given; it needs section train")
            return self
        if blank and train.settings.norms != "train":
            raise ValueError(
                f"train.settings.norms: {train.settings.norms!r} given; allowed for weights of kind"
                " untrained, which have no means to keep: train"
            )
        if bool(train.dataset) == bool(earlier):
            given = "both are" if earlier else "none is"
            raise ValueError(
                f"train: {given} given of train.dataset and dataset.from_run; one is needed"
            )
        if earlier == self.run:
            raise ValueError(
                f"dataset.from_run: {earlier!r} is this run itself; give this one another name"
            )
        if not self.fetch and (not self.fibres or self.das_weights):
            raise ValueError("train: no network of `weights` picks in this run")
        if self.weights.kind not in _TRAINABLE:
            raise ValueError(
                f"train: weights of kind {self.weights.kind} given; allowed:"
                f" {', '.join(_TRAINABLE)}"
            )
        return self

    @model_validator(mode="after")
    def _check(self) -> Run:
        cards = {"pick": self._card(), "das_annotate": self._fibre_card()}
        self._check_classifier()
        for who, needed in self._margins().items():
            if self.margin_s < needed:
                raise ValueError(
                    f"time.margin_s: {self.margin_s:g} given; {who} needs at least {needed:g}; auto"
                    " is enough"
                )
        self._check_band()
        for stage, card in cards.items():
            unknown = sorted(set(getattr(self, stage).thresholds) - set(card.phases))
            if unknown:
                raise ValueError(
                    f"{stage}.thresholds: {', '.join(unknown)} given; {card.name} has the phases "
                    f"{', '.join(card.phases)}"
                )
        return self

    def _margins(self) -> dict[str, float]:
        """Seconds that each reader of a chunk needs on both sides of it, by its name."""
        cards = (self._card(), self._fibre_card())
        return {
            **{card.name: card.margin_s for card in cards},
            "measure (before_s, after_s)": self.measure.margin_s,
            **self._event_margin(),
        }

    def _event_margin(self) -> dict[str, float]:
        """What the network of events needs; nothing where there is none, or its file is absent."""
        weights = self.classify_windows
        if weights is None or not Path(weights.path).is_file():
            return {}
        return {f"classify.weights ({weights.card.name})": weights.margin_s}

    @property
    def classify_windows(self) -> EventWeights | None:
        """The network that looks at waveforms around P picks; None where rules classify."""
        return self.classify.weights if isinstance(self.classify, Network) else None

    @property
    def margin_s(self) -> float:
        """Seconds read on both sides of a chunk: as given, else what all of its readers need."""
        given = self.time.margin_s
        return float(math.ceil(max(self._margins().values()))) if given is None else given

    @property
    def chosen(self) -> dict[str, Any]:
        """What became of settings that were left to the program, as far as it is known by now."""
        made: dict[str, Any] = {}
        if self.time.margin_s is None:
            made["time.margin_s"] = self.margin_s
        if isinstance(self.velocity, Layers) and self.velocity.table in VELOCITY_MODELS:
            made["velocity.table"] = f"{self.velocity.table}, {GENERAL}"
        return made

    def _check_classifier(self) -> None:
        """A network of events needs waveforms of stations, at its rate at least."""
        weights = self.classify_windows
        if weights is None:
            return
        if self.fetch is None:
            raise ValueError(
                "classify.kind: network given; it looks at waveforms of seismometers, which need"
                " fetch: a run without them has rules"
            )
        if not Path(weights.path).is_file():
            return  # told with all other files that do not exist
        try:
            card = weights.card
        except WeightsError as error:
            raise ValueError(f"classify.weights.path: {error}") from error
        if self.sampling_rate_hz < card.sampling_rate_hz:
            raise ValueError(
                f"classify.weights.path: {card.name} takes {card.sampling_rate_hz:g} Hz; waveforms"
                f" are prepared at {self.sampling_rate_hz:g} Hz for {self.weights.card().name}"
            )

    def _check_band(self) -> None:
        """Refuse spectra of what the responses' filter takes away."""
        kept, moment = self.prepare.response.pre_filter_hz, self.magnitude.moment
        if kept and moment and not kept[1] <= moment.band_hz[0] < moment.band_hz[1] <= kept[2]:
            raise ValueError(
                f"magnitude.moment.band_hz: {list(moment.band_hz)} given;"
                f" prepare.response.pre_filter_hz keeps {kept[1]:g} to {kept[2]:g}"
            )

    def _card(self) -> Card:
        """The network's card with what `annotate` changes."""
        try:
            return self.annotate.windowing.on(self.weights.card())
        except ConfigError as error:
            raise ValueError(str(error)) from error

    def _fibre_card(self) -> Card:
        """The card of the network for fibres."""
        found: Card = (self.das_weights or self.weights).card()
        return found

    @property
    def fibre_rate_hz(self) -> float:
        """Rate of the prepared data of fibres: that of their network."""
        return float(self._fibre_card().sampling_rate_hz)

    @property
    def annotates_apart(self) -> bool:
        """Whether `annotate` has jobs of its own; else those of `pick` do its work."""
        return self._annotates_apart or joint_jobs.asked(self.keep, self.annotate.device)

    @property
    def weights_stages(self) -> list[str]:
        """Stages that get weights, as far as the run needs them."""
        return [stage.name for stage in stages.of(self) if "weights" in stage.products]

    @property
    def sampling_rate_hz(self) -> float:
        """Rate of the prepared waveforms: the network's own."""
        return float(self.weights.card().sampling_rate_hz)

    @property
    def station_chunks(self) -> list[str]:
        """Chunks of the seismometers: none in a run of fibres alone."""
        return self.chunk_ids if self.fetch else []

    @property
    def remote(self) -> bool:
        """Whether the data of the seismometers come from web services or object stores."""
        return self.fetch is not None and self.fetch.source.remote

    @property
    def fibre_names(self) -> list[str]:
        """Names of the fibres."""
        return [fibre.name for fibre in self.fibres]

    def fibre(self, name: str) -> Fibre:
        """The fibre of a name."""
        return next(fibre for fibre in self.fibres if fibre.name == name)

    @property
    def chunk_ids(self) -> list[str]:
        """Names of the chunks in order of time."""
        return [chunk.id for chunk in self.time.chunks()]

    def require_files(self, coming: Collection[str] = ()) -> None:
        """Raise ConfigError that lists every file the run names and every library it lacks.

        The catalogs of runs that are `coming` before this one need not be there.
        """
        needed = [(one.EXTRA, path) for path, one in self.within() if one.EXTRA]
        missing = [line for line in (lacking(*pair) for pair in needed) if line]
        missing += self.velocity.missing()
        for stage in stages.of(self):
            if stage.name == "dataset" and self.dataset.from_run in coming:
                continue
            try:
                named = stage.files(self)
            except ConfigError as error:
                missing.append(str(error))
                continue
            missing += [
                f"{key}: file {path!r} does not exist"
                for key, paths in named.items()
                for path in paths
                if not Path(path).is_file()
            ]
        for name in self.weights_stages:
            section_ = getattr(self, name)
            lines = section_.missing() if isinstance(section_, Kind) else []
            missing += [f"{name}.{line.partition('.')[2]}" for line in lines]
        if missing:
            raise ConfigError("\n".join(missing))

    def named_files(self) -> list[str]:
        """Files that the configuration names, but for raw data and weights, each once."""
        named = [
            path
            for stage in stages.of(self)
            for paths in stage.files(self).values()
            for path in paths
        ]
        return sorted({*self.velocity.named_files(), *named})

    @property
    def trained_stages(self) -> list[str]:
        """Those of `weights_stages` whose weights were trained from others."""
        kinds = {name: getattr(self, name) for name in self.weights_stages}
        return [name for name, kind in kinds.items() if name == "train" or described(kind.card())]

    @property
    def asked_span(self) -> str:
        """The years that web services are asked for stations of; empty where none are asked.

        Whole years: a run that is extended day by day asks the same and keeps its stations.
        """
        if not self.stations.fdsn:
            return ""
        first, last = (to_datetime(t).year for t in (self.span.start_ns, self.span.end_ns - 1))
        return Span(*(to_ns(datetime(year, 1, 1, tzinfo=UTC)) for year in (first, last + 1))).id

    @property
    def span(self) -> Span:
        """The span of the run."""
        return Span(to_ns(self.time.start), to_ns(self.time.end))

    def read_for(self, chunk: Span) -> Span:
        """What is read of the raw data for a chunk: its margins and what filters need beyond."""
        return chunk.widen(self.margin_s + self.prepare.response.read_ahead_s)

    def archive_of(self, chunk: str) -> str:
        """What Snakemake compares to decide whether the raw data of a chunk have changed.

        The source's digest, and what `quakeline fetch` noted when it brought other data than the
        manifest of the chunk tells of.
        """
        if self.fetch is None:
            return "none"
        span = self.read_for(Span.parse(chunk))
        note = edition_note(Path("results") / self.run / "raw" / f"{chunk}.parquet")
        edition = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
        return " ".join(filter(None, [self.fetch.source.fingerprint_of(span), edition]))

    def as_yaml(self) -> str:
        """The whole configuration, defaults included, as YAML."""
        return str(yaml.safe_dump(self.plain(), sort_keys=False, allow_unicode=True))

    def params(self, stage: str) -> dict[str, Any]:
        """What Snakemake compares to decide whether a stage's jobs must run again.

        Plain builtins: Snakemake silently does not track any other object.
        """
        section = getattr(self, stage)
        plain = section.plain() if section is not None else {}
        facts = {"version": stages.STAGES[stage].module.VERSION, "config": plain}
        digest = section.digest_of_file if isinstance(section, Kind) else ""
        return facts | ({"weights": digest} if digest else {})


def load(raw: Mapping[str, Any]) -> Run:
    """Check a configuration. Raises ConfigError that lists every mistake, one a line.

    What belongs to a data set has no default: what of it is absent is the first line.
    """
    absent = explaining.absent(raw)
    lines = [f"not given: {', '.join(absent)}; {_WITHOUT_DEFAULT}"] if absent else []
    try:
        run = Run.model_validate(dict(raw))
    except ValidationError as error:
        lines += explaining.mistakes(error, raw, Run)
    else:
        if not absent:
            return run
    raise ConfigError("\n".join(lines))


def read(
    overlay: Mapping[str, Any] | None = None,
    default: Path = DEFAULT,
    beneath: Mapping[str, Any] | None = None,
) -> Run:
    """The run that the default configuration and an overlay describe.

    What neither says is taken from `beneath`, where it is given.
    Without an overlay it is the embedded demo, else the only overlay of the folder; where the
    default configuration names a run itself, as that of a repeated run does, it is that run.
    """
    base = defaults(default)
    if overlay is None:
        path = only_overlay(default)
        overlay = read_yaml(path) if path else {}
    said = merged(base, overlay)
    if beneath:
        said = merged(beneath, {key: value for key, value in said.items() if value is not None})
    run = load(said)
    run._annotates_apart = joint_jobs.apart_in(default.parent.parent, run.run)
    return run


def only_overlay(default: Path = DEFAULT) -> Path | None:
    """The overlay that is meant where none is named: the demo, or the only one of the folder.

    None where the default configuration names a run itself. Raises ConfigError that lists the
    overlays when there are several, or that there is none.
    """
    if default.is_file() and "run" in read_yaml(default):
        return None
    known = sorted((default.parent / "runs").glob("*.yaml"))
    demo = default.parent / DEMO
    if demo in known or len(known) == 1:
        return demo if demo in known else known[0]
    names = ", ".join(path.stem for path in known)
    raise ConfigError(
        f"no run is named; known runs: {names}"
        if known
        else f"no run in {default.parent.parent.absolute()}: `quakeline init NAME` writes one"
    )


def defaults(path: Path = DEFAULT) -> dict[str, Any]:
    """The defaults of a folder: those of its file, where it has one, else those of the sections."""
    if path.is_file():
        return read_yaml(path)
    plain = Run.model_validate(EXAMPLE).plain()
    return {key: value for key, value in plain.items() if key != "run"} | {
        "time": {key: value for key, value in plain["time"].items() if key not in EXAMPLE["time"]}
    }
