"""A catalog beside a reference: which events are in both, how they differ, how complete it is."""

from quakeline.comparison.evaluation import Evaluation, Rules, evaluate
from quakeline.comparison.frequency import Recurrence, recurrence
from quakeline.comparison.reference import fetch, read

__all__ = ["Evaluation", "Recurrence", "Rules", "evaluate", "fetch", "read", "recurrence"]
