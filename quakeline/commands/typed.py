"""Messages on keys of a configuration, said of the options by which their values were given."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

#: Keys as messages name them, and the options of commands that set them.
_OPTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:annotate\.|^)hop_samples\b", ("--hop-samples", "--shift")),
    (r"(?:annotate\.|^)batch\b(?=:)", ("--batch", "--batch-size")),
    (r"(?:annotate\.|^)device\b", ("--device",)),
    (r"^threads\b(?=:)", ("--threads",)),
    (r"annotate\.filtered: false", ("--no-filter",)),
    (r"annotate\.normalisation: \S+", ("--trace-normalization",)),
    (r"(?:pick\.|^)thresholds\b|^threshold(?= of )", ("--threshold",)),
    (r"(?<!classify\.)\bweights\.path\b", ("--weights",)),
    (r"\bvelocity\.(?:\w+\.)?vp_vs\b", ("--vp-vs",)),
    (r"\bvelocity\.(?:\w+\.)?interpolation\b", ("--interpolation",)),
    (r"(?<![\w./-])velocity\.(?:table|file)\b", ("--velocity",)),
    (r"\b(?:associate|locate)\.depth_km\b", ("--depth",)),
)
#: Commands that read no configuration: all that they are given are options.
_WITHOUT_RUN = ("pick", "scan", "catalog", "live", "evaluate picks")


def as_typed(message: str, words: Sequence[str], options: Collection[str]) -> str:
    """A message that names options of a command instead of keys of a configuration.

    Parameters
    ----------
    message
        What is said, which may name keys such as `annotate.hop_samples`.
    words, options
        The words of the command line, and all options of its command. Of a command that takes a
        run, whose configuration may have set the key, an option is named only where it is typed.
    """
    if message.startswith("--set: "):
        return message  # what follows was typed as keys
    typed = {word.partition("=")[0] for word in words}
    is_free = " ".join(words).startswith(_WITHOUT_RUN)
    for pattern, names in _OPTIONS:
        known = [name for name in names if name in options and (is_free or name in typed)]
        if known and not any(name in message for name in names):
            message = re.sub(pattern, known[0], message)
    return message


def options_of(command: Any, words: Sequence[str]) -> set[str]:
    """The options of the command of a program (of click) that words of a command line name."""
    rest = list(words)
    while getattr(command, "commands", None) and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    return {name for parameter in command.params for name in parameter.opts}
