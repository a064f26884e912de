"""Words of the command line that several commands take."""

from __future__ import annotations

import re
from collections.abc import Iterable

from quakeline.errors import ConfigError

_THRESHOLD = re.compile(r"\s*(\w+)\s*=\s*([^=\s]+)\s*")


def thresholds(words: Iterable[str]) -> dict[str, float]:
    """Read smallest probabilities by phase, as in `P=0.3,S=0.2`; each word may hold several.

    Raises ConfigError for anything else, a phase that is named twice, or a value that is not above
    0 and at most 1.
    """
    found: dict[str, float] = {}
    for word in words:
        for part in word.split(","):
            match = _THRESHOLD.fullmatch(part)
            value = _number(match[2]) if match else None
            if match is None or value is None or not 0 < value <= 1:
                raise ConfigError(
                    f"--threshold: {part.strip()!r} given; allowed: PHASE=PROBABILITY, above 0 and"
                    " at most 1, several with commas: P=0.3,S=0.2"
                )
            if match[1] in found:
                raise ConfigError(f"--threshold: {match[1]} is given twice")
            found[match[1]] = value
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
