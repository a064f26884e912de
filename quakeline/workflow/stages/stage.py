"""What the table of stages says of one: when a run has it, on what it works, what it writes.

`quakeline.workflow.stages.table` is the table itself. Rules, benchmarks, planning, grouping on
clusters and checks before a run follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, Protocol, get_args

from quakeline.events.classification.settings import EventWeights
from quakeline.fibres.section import Fibre
from quakeline.workflow.stages.associate import Config as Associate
from quakeline.workflow.stages.dataset import Config as Dataset
from quakeline.workflow.stages.evaluate import Config as Evaluate
from quakeline.workflow.stages.fetch import Config as Fetch
from quakeline.workflow.stages.import_picks import Config as ImportPicks
from quakeline.workflow.stages.locate import Config as Locate
from quakeline.workflow.stages.magnitude import Config as Magnitude
from quakeline.workflow.stages.mechanism import Config as Mechanism
from quakeline.workflow.stages.report import Config as Report
from quakeline.workflow.stages.stations import Config as Stations
from quakeline.workflow.stages.train import Config as Train

#: On what one job works: a chunk of the seismometers, a fibre and a chunk, or the whole run.
Scope = Literal["chunk", "fibre", "run"]
#: To which part of a run a stage belongs, for those who watch it; in the order of the work.
Phase = Literal["data", "train", "picks", "catalog"]
PHASES: tuple[Phase, ...] = get_args(Phase)
#: Names of the benchmark files of jobs, and of their logs, below a folder of the stage's name.
_BENCHMARK = {"chunk": "{chunk}.tsv", "fibre": "{fibre}-{chunk}.tsv", "run": "all.tsv"}
_LOG = {"chunk": "{chunk}.log", "fibre": "{fibre}/{chunk}.log", "run": "all.log"}


class Settings(Protocol):
    """What the table asks of the settings of a run, `quakeline.workflow.config.Run`."""

    @property
    def stations(self) -> Stations:
        """The seismometers."""

    @property
    def fetch(self) -> Fetch | None:
        """Their data; None for a run without waveforms of seismometers."""

    @property
    def fibres(self) -> Sequence[Fibre]:
        """The fibres."""

    @property
    def das_weights(self) -> Any | None:
        """What picks on fibres; None where it is what picks on seismometers."""

    @property
    def dataset(self) -> Dataset:
        """Records of an earlier run."""

    @property
    def train(self) -> Train | None:
        """How its picker is trained; None where it is not."""

    @property
    def import_picks(self) -> ImportPicks:
        """A table of picks."""

    @property
    def associate(self) -> Associate:
        """An earlier catalog."""

    @property
    def locate(self) -> Locate:
        """Station terms."""

    @property
    def magnitude(self) -> Magnitude:
        """Corrections of stations."""

    @property
    def mechanism(self) -> Mechanism:
        """Polarities."""

    @property
    def annotates_apart(self) -> bool:
        """Whether `annotate` has jobs of its own, not those of `pick`."""

    @property
    def classify_windows(self) -> EventWeights | None:
        """The network of `classify` that looks at waveforms; None where there is none."""

    @property
    def evaluate(self) -> Evaluate:
        """A reference catalog."""

    @property
    def report(self) -> Report:
        """What lies below the maps."""

    @property
    def chunk_ids(self) -> list[str]:
        """Names of the chunks."""


def always(run: Settings) -> bool:
    """True for every run."""
    return True


def never(run: Settings) -> bool:
    """False for every run."""
    return False


def _no_files(run: Settings) -> dict[str, list[str]]:
    return {}


def _no_check(run: Settings) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage: a module with `VERSION`, `Config` and `run()`, a section and a rule of its name.

    Parameters
    ----------
    module
        The module of the stage.
    scope
        On what one job works.
    products
        Patterns of the files and stores that the rule makes, below `results/<run>/`, by keyword of
        `run()`. Formats that the settings of a run add stand in the rule.
    phase
        To which part of a run its jobs count where progress is shown.
    has
        Whether a run has the stage.
    local
        Whether its jobs run where the run was started: those that ask servers.
    gpu
        Whether it runs networks.
    group
        Which of its jobs a cluster may join with jobs of other stages; None for none.
    divides
        Whether it is in no group, and jobs in groups stand before and behind it.
    temporary
        Products that are removed after use unless `keep:` names them.
    files
        Files that the settings name for the stage, by the dotted path of the setting. Raises
        ConfigError where a pattern matches none.
    check
        Raises ConfigError where the stage of a run could not begin.
    """

    module: ModuleType
    scope: Scope
    products: Mapping[str, str]
    phase: Phase = "catalog"
    has: Callable[[Settings], bool] = always
    local: Callable[[Settings], bool] = never
    gpu: bool = False
    group: str | None = None
    divides: Callable[[Settings], bool] = never
    temporary: frozenset[str] = field(default_factory=frozenset)
    files: Callable[[Settings], Mapping[str, list[str]]] = _no_files
    check: Callable[[Settings], None] = _no_check

    @property
    def name(self) -> str:
        """The name of the module, the rule and the section."""
        return self.module.__name__.rpartition(".")[2]

    @property
    def log(self) -> str:
        """Pattern of the logs of its jobs, below `results/<run>/`."""
        return f"logs/{self.name}/{_LOG[self.scope]}"

    @property
    def benchmark(self) -> str:
        """Pattern of what Snakemake measures of its jobs, below `results/<run>/`."""
        return f"benchmarks/{self.name}/{_BENCHMARK[self.scope]}"

    def jobs(self, run: Settings) -> list[dict[str, str]]:
        """The wildcards of each job of a run; none in a run that does not have the stage."""
        if not self.has(run):
            return []
        chunks = [{"chunk": chunk} for chunk in run.chunk_ids]
        if self.scope == "chunk":
            return chunks
        if self.scope == "fibre":
            return [{"fibre": fibre.name, **chunk} for fibre in run.fibres for chunk in chunks]
        return [{}]

    def benchmarks(self, run: Settings) -> list[str]:
        """The benchmark files of a run, below `results/<run>/`."""
        return [self.benchmark.format(**job) for job in self.jobs(run)]
