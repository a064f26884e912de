"""The words of a command line: what is wrong with them in one line, and the help on them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from quakeline.core.mistakes import plain

_ANY = r"(?:Value error, )?"
#: Messages of the parser, and what is said instead.
_WORDS = (
    (_ANY + r".* is not one of (.*?)\.?", r"allowed: \1"),
    (_ANY + r".* is not in the range (.*?)\.?", r"allowed: \1"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"\1 given; nothing more is allowed"),
    (r"Option '(.*)' requires an argument\.?", r"\1 needs a value"),
    (r"Option '(.*)' requires (\d+) arguments\.?", r"\1 needs \2 values"),
    (r"Missing (option|argument|parameter) (.*?)\.?", r"\1 \2 is missing"),
    (r"Missing command\.?", "a command is missing"),
    (r"No such command '(.*)'\. Did you mean (.*)\?", r"no command \1; did you mean \2?"),
    (r"No such command '(.*)'\.?", r"no command \1"),
)


def join_lines(app: Any) -> None:
    """Let the help of all commands break where the terminal does, not where its source does."""
    for group in app.registered_groups:
        join_lines(group.typer_instance)
    for command in app.registered_commands:
        paragraphs = inspect.cleandoc(command.help or command.callback.__doc__ or "").split("\n\n")
        command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)


def is_mistake(error: BaseException) -> bool:
    """Whether the parser of the command line says by an error that words are wrong."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def line_of(error: Any, words: Sequence[str]) -> str:
    """One line on a mistake among words; empty where the help was shown instead.

    `quakeline pick: --threads: '0' given; allowed: 1 or more (quakeline pick -h)`.
    """
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "quakeline"
    said = _said(error, words, context)
    return f"{command}: {said} ({command} -h)" if said else ""


def _said(error: Any, words: Sequence[str], context: Any) -> str:
    option = getattr(error, "option_name", None)
    if hasattr(error, "possibilities"):
        near = " or ".join(error.possibilities or ())
        return f"no option {option}" + (f"; did you mean {near}?" if near else "")
    message = " ".join(str(error.format_message()).split())
    found = re.fullmatch(r"Invalid value(?: for (.*?))?: (.*)", message)
    if not found:
        return _in_words(message) + _commands(message, context)
    names = re.findall(r"'([^']*)'", found[1] or "")
    given = _given(names, words)
    head = " / ".join(names) or "a value"
    return f"{head}: {given}{_in_words(found[2])}"


def _in_words(message: str) -> str:
    for pattern, said in _WORDS:
        found = re.fullmatch(pattern, message)
        if found:
            return found.expand(said).replace("'", "")
    return plain(message).removesuffix(".")


def _commands(message: str, context: Any) -> str:
    """The commands that there are, where the one that was given is like none of them."""
    known = sorted(getattr(getattr(context, "command", None), "commands", {}))
    if not known or not message.startswith(("No such command", "Missing command")):
        return ""
    return "" if "Did you mean" in message else f"; allowed: {', '.join(known)}"


def _given(names: Sequence[str], words: Sequence[str]) -> str:
    """The value that an option has among the words, as a message begins with it."""
    for here, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            value = value if equals else next(iter(words[here + 1 :]), "")
            return f"{value!r} given; "
    return ""
