"""What the program finds around it when it begins: the terminal, and variables of libraries.

Work comes first: standard output that is closed, full, or that cannot hold a character, never ends
what a command does. It is said in one line at the end, with an exit code of its own; of a pipe
whose reader has seen enough nothing is said.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EPIPE
from tempfile import TemporaryFile
from threading import RLock
from typing import Any, TextIO

from quakeline.core.errors import ConfigError

logger = logging.getLogger("quakeline")

#: Exit code of a command that did its work and whose standard output could not be written.
UNWRITTEN = 3
#: Variables that libraries read as numbers of threads when they are imported.
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS"),
)


#: Standard error belongs to the process: one thread at a time turns it away.
_ERRORS = RLock()


class Output:
    """Standard output that keeps an error of writing to itself.

    It has no `buffer`: nobody writes past it. Characters that the terminal's encoding lacks are
    written as their number.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]

    def write(self, text: str) -> int:
        """Write a text, or note that it cannot be written."""
        if not isinstance(text, str):  # so others see that bytes are not taken
            raise TypeError(f"a text is needed, not {type(text).__name__}")
        if text and self.failure is None:
            try:
                if self._stream is None:
                    raise OSError("it is closed")
                self._stream.write(text)
            except (OSError, ValueError) as error:  # ValueError: a closed file
                self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self._stream is not None and self.failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._failed(error)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """Whether somebody is watching."""
        return self._stream is not None and self.failure is None and self._stream.isatty()

    def writable(self) -> bool:
        """Whether texts are taken: always."""
        return True

    @property
    def encoding(self) -> str:
        """The encoding of the terminal."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def closed(self) -> bool:
        """Whether texts are refused: never."""
        return False

    def fileno(self) -> int:
        """The number of the file, for programs that are started."""
        if self._stream is None:
            raise OSError("it is closed")
        return self._stream.fileno()

    def _failed(self, error: OSError | ValueError) -> None:
        self.failure = error if isinstance(error, OSError) else OSError(str(error))
        with suppress(OSError):  # Python tries once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def require_variables() -> None:
    """Raise ConfigError for a number of threads in the environment that is none.

    Of a list (OpenMP's levels) the first counts for libraries that know no lists; an empty
    variable is taken for one that is not set.
    """
    for name in _THREADS:
        value = os.environ.get(name)
        if value is None:
            continue
        first = value.split(",")[0].strip()
        if not value.strip():
            del os.environ[name]
        elif not first.isdecimal() or int(first) < 1:
            raise ConfigError(
                f"the environment variable {name} is {value!r}; allowed: a number above 0"
            )
        elif first != value:
            os.environ[name] = first


def mute_deprecations() -> None:
    """Keep from the terminal what libraries say to each other of their future, whatever -W says."""
    for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=kind, module=r"(?!quakeline\b)")


@contextmanager
def libraries_muted() -> Iterator[None]:
    """Keep what libraries, those in C too, print on standard error; the log has it (debug).

    Readers that try a file of another format print lines, as HDF5 does of each of its calls, in
    front of the one line that says what is wrong.
    """
    with _ERRORS, TemporaryFile() as said:
        try:
            before = os.dup(2)
        except OSError:  # it is closed: nobody is told anything
            yield
            return
        _flush_errors()
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            _flush_errors()
            os.dup2(before, 2)
            os.close(before)
            said.seek(0)
            for line in said.read().decode("utf-8", "backslashreplace").splitlines():
                logger.debug("a library says: %s", line)


def _flush_errors() -> None:
    with suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()


def take_output() -> Output:
    """Put an `Output` in the place of standard output, and open what is closed of 0, 1 and 2.

    Otherwise the first file that is opened would get the number of standard output, and whatever is
    printed would be written into it.
    """
    closed = []
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            closed.append(number)
            os.open(os.devnull, os.O_RDWR)  # takes the smallest number that is free
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace", closefd=False)
    output = Output(None if 1 in closed else sys.stdout)
    replacement: Any = output
    sys.stdout = replacement
    return output


def ended(output: Output, code: int) -> int:
    """The exit code of the program, after a line on output that could not be written, if any.

    A reader that has seen enough, as `head`, closes its pipe: nothing is said of that.
    """
    output.flush()
    if output.failure is None:
        return code
    if output.failure.errno == EPIPE:
        return code or UNWRITTEN
    why = output.failure.strerror or str(output.failure)
    with suppress(OSError):
        sys.stderr.write(
            f"quakeline: standard output cannot be written: {why}; the work itself ended with"
            f" exit code {code}\n"
        )
    return code or UNWRITTEN
