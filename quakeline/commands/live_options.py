"""Options that all commands of `quakeline live` take."""

from __future__ import annotations

from typing import Annotated

import typer

Serve = Annotated[
    str | None,
    typer.Option(
        metavar="[HOST:]PORT",
        help="Show the session as a page of a browser, and metrics at /metrics; on this machine"
        " alone unless a host is given. Port 0: any.",
    ),
]
