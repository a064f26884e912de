"""Errors that are meant for the person who runs quakeline.

A `QuakelineError` carries one clear line: what was given and what is allowed. The command line and
the workflow's jobs print that line without a traceback and end with exit code 2. Every other
exception is a defect of the program and keeps its traceback.
"""

EXIT_CODE = 2


class QuakelineError(Exception):
    """One line for the user: what was given, and what is allowed."""


class ConfigError(QuakelineError):
    """The configuration is wrong; the message lists every mistake with its dotted path."""


class DataError(QuakelineError):
    """Input data cannot be used, or no usable data were found at all."""


class WeightsError(QuakelineError):
    """The weights of a network are missing, damaged or of another network."""


class OutputError(QuakelineError):
    """Results cannot be written (disk full, read-only, no permission)."""
