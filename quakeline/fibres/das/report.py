"""What `annotate` says of an array: what was left out, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

#: gap, overlap: between sections. short: a section below one patch. uneven: a section whose samples
#: have no common step. missing: NaN or infinite values, as of absent members of a virtual dataset.
#: dead: channels that do not change over a whole section.
#: absent: a file of a virtual array that does not exist or cannot be read.
ProblemKind = Literal["gap", "overlap", "short", "uneven", "missing", "absent", "dead"]


@dataclass(frozen=True)
class Problem:
    """Something in the data that was left out or bridged over, from `start` to `end` (UTC)."""

    kind: ProblemKind
    start: np.datetime64
    end: np.datetime64
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.kind}, {self.start} to {self.end}: {self.detail}"


@dataclass
class AnnotateReport:
    """What was annotated, and what was not.

    Attributes
    ----------
    sections
        Gapless sections that were annotated.
    samples
        Samples in them, of each channel.
    missing_samples
        Values (samples times channels) that were NaN or infinite there.
    problems
        What was left out, in the order of time.
    """

    sections: int = 0
    samples: int = 0
    missing_samples: int = 0
    problems: list[Problem] = field(default_factory=list)

    def summary(self) -> str:
        """One line: how many problems of each kind, and the first one; empty without any."""
        if not self.problems:
            return ""
        counts = Counter(problem.kind for problem in self.problems)
        listed = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        return f"left out of the fibre data: {listed}; first: {self.problems[0]}"

    def of(self, kind: ProblemKind) -> list[Problem]:
        """Give the problems of one kind."""
        return [problem for problem in self.problems if problem.kind == kind]
