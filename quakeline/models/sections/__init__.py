"""What picks: one plug-in per kind of weights.

A plug-in is the section `weights` of the configuration. `card()` says what the network expects and
gives, as far as the configuration tells, without loading any library of networks; `obtain()` gets
the weights, and the card that is stored with them is complete.
"""

from quakeline.models.sections.base import Kind, choice
from quakeline.models.sections.builtin import Builtin
from quakeline.models.sections.custom import Custom
from quakeline.models.sections.ensemble import SINGLE, Ensemble
from quakeline.models.sections.seisbench import SeisBench
from quakeline.models.sections.untrained import Untrained

KINDS = (*SINGLE, Ensemble, Untrained)
AnyKind = choice(KINDS)

__all__ = ["KINDS", "AnyKind", "Builtin", "Custom", "Ensemble", "Kind", "SeisBench", "Untrained"]
