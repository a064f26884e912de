"""Push by HTTP: each pick as one line of JSON in a POST."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from quakeline.core.reasons import Reason
from quakeline.live.publishing.protocol import BasePublisher, Publisher


def require_url(text: str) -> str:
    """Return the address of a web server. Raises ValueError for anything else."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{text!r} is no address of a web server; allowed: http:// or https://")
    return text


class Webhook(BasePublisher):
    """HTTP push of each pick.

    A message is delivered when the server answers with a status of 2xx. Anything else delays it,
    and those after it. After a stop in a bad moment it may come twice, with the same header
    `Idempotency-Key`.
    """

    kind: Literal["webhook"] = Field("webhook", description="POST of one JSON line per message")
    url: Annotated[str, AfterValidator(require_url)] = Field(
        description="address that messages are posted to, http:// or https://"
    )
    answer_s: float = Field(
        10.0, gt=0, le=600, description="longest wait for an answer, in seconds"
    )
    retry_s: float = Field(
        1.0,
        gt=0,
        le=60,
        description="wait after a message that was not taken, in seconds; doubles up to a minute",
    )

    def open(self, folder: Path) -> Publisher:
        """Start; messages that wait are kept in a file of the folder that belongs to the url."""
        return _Push(self, folder)


class _Push:
    """A running webhook (`Publisher`)."""

    def __init__(self, settings: Webhook, folder: Path) -> None:
        import requests

        from quakeline.live.publishing.delivery import Delivery

        self._settings = settings
        self._session = requests.Session()
        digest = hashlib.sha256(settings.url.encode()).hexdigest()[:12]
        parts = urlsplit(settings.url)
        where = f"{parts.scheme}://{parts.hostname}{parts.path}"  # without a password
        place = folder / f"webhook-{digest}.jsonl"
        self._delivery = Delivery(where, place, self._post, settings.retry_s)

    def publish(self, kind: str, row: Mapping[str, Any]) -> None:
        """Take a message."""
        from quakeline.live.lines import line_of

        self._delivery.add(line_of({"kind": kind, **row}).encode())

    def sync(self) -> None:
        """Put messages that wait on disk."""
        self._delivery.spool.sync()

    def waiting(self) -> int:
        """Messages that are not delivered yet."""
        return self._delivery.spool.waiting()

    def remarks(self) -> list[Reason]:
        """What happened since the last call."""
        return self._delivery.notes.taken()

    def close(self, wait_s: float = 5.0) -> int:
        """Deliver for so many seconds more; gives the number of messages that wait."""
        left = self._delivery.close(wait_s)
        self._session.close()
        return left

    def _post(self, line: bytes) -> None:
        import requests

        from quakeline.live.publishing.delivery import Undelivered

        headers = {
            "Content-Type": "application/json",
            "User-Agent": "quakeline",
            "Idempotency-Key": hashlib.sha256(line).hexdigest()[:32],
        }
        try:
            answer = self._session.post(
                self._settings.url,
                data=line + b"\n",
                headers=headers,
                timeout=self._settings.answer_s,
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            raise Undelivered(f"{type(error).__name__}: {_innermost(error)}") from error
        if not 200 <= answer.status_code < 300:
            raise Undelivered(f"status {answer.status_code} {answer.reason}")


def _innermost(error: BaseException) -> str:
    """What the operating system said, without the wrappings of libraries."""
    inner: Any = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", inner)
    return str(reason)
