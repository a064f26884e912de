"""What picks: one plug-in per kind of weights.

A plug-in is the section `weights` of the configuration. `card()` says what the network expects and
gives, as far as the configuration tells, without loading any library of networks; `obtain()` gets
the weights, and the card that is stored with them is complete.
"""

from quakeline.models.kinds.base import Kind, choice
from quakeline.models.kinds.builtin import Builtin
from quakeline.models.kinds.custom import Custom
from quakeline.models.kinds.ensemble import SINGLE, Ensemble
from quakeline.models.kinds.seisbench import SeisBench

KINDS = (*SINGLE, Ensemble)
AnyKind = choice(KINDS)

__all__ = ["KINDS", "AnyKind", "Builtin", "Custom", "Ensemble", "Kind", "SeisBench"]
