"""The sections of the configuration that take part in the chain, together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from quakeline.core.errors import ConfigError
from quakeline.core.mistakes import mistakes
from quakeline.core.section import Section
from quakeline.events.chain.associate import Settings as Associate
from quakeline.events.chain.classify import Settings as Classify
from quakeline.events.chain.locate import Settings as Locate
from quakeline.events.chain.merge import Settings as Merge
from quakeline.events.magnitudes.settings import Settings as Magnitude


class Sections(Section):
    """Sections of the names that they have in the configuration of a run."""

    associate: Associate = Associate()
    locate: Locate = Locate()
    magnitude: Magnitude = Magnitude()
    classify: Classify = Classify()
    merge: Merge = Merge()


def sections_of(given: Mapping[str, Any]) -> Sections:
    """Sections from mappings; what is not given has its default.

    Raises ConfigError, one line, for an unknown section or key, or a value that is not allowed.
    """
    try:
        return Sections.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(mistakes(error, Sections)[0]) from None
