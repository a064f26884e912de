"""Fetches files of a public source repository over HTTPS, and keeps them.

Each file must have the SHA-256 that the card names. Proxies and certificates are those of the
environment (https_proxy, SSL_CERT_FILE). The files are kept in a cache folder, so each is fetched
once per user.
"""

from __future__ import annotations

import logging
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from quakeline import __version__
from quakeline.core.errors import WeightsError
from quakeline.models import cache
from quakeline.models.cards import Repository, SourceFile

logger = logging.getLogger(__name__)

#: Without an answer for this long, a server counts as out of reach.
TIMEOUT_S = 30.0
_MOST_BYTES = 256 << 20


def fetch(source: Repository) -> list[Path]:
    """Get the files of a repository, from the cache or else from its URL.

    Parameters
    ----------
    source
        URL of the repository at one commit; paths and SHA-256 of the files.

    Returns
    -------
    list of Path
        The files in the order of `source.files`.

    Raises
    ------
    WeightsError
        A file cannot be fetched, or it is not the expected one.
    OutputError
        The cache folder cannot be written.
    """
    return cache.kept(
        source.key,
        source.files,
        lambda: {file.name: _download(source, file) for file in source.files},
    )


def _download(source: Repository, file: SourceFile) -> bytes:
    url = f"{source.url.rstrip('/')}/{quote(file.path)}"
    logger.info("fetching %s", url)
    request = Request(url, headers={"User-Agent": f"quakeline/{__version__}"})
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(_MOST_BYTES)
            if answer.length:
                raise IncompleteRead(content, answer.length)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"cannot fetch {url} ({_reason(error)}): either let this machine reach it, or give"
            f" weights.path: a .safetensors file, a folder with the original files, or {file.name}"
        ) from error
    cache.check(content, file, url)
    return content


def _reason(error: Exception) -> str:
    """Say in a part of a line what went wrong."""
    cause: object = error
    if isinstance(error, URLError) and not isinstance(error, HTTPError):
        cause = error.reason
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return " ".join(text.split()) or type(error).__name__
