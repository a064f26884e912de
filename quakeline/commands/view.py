"""`quakeline view`: a finished run in the browser, with everything of its stores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.places import files_of, run_folder_of

Run = Annotated[str, typer.Argument(help="Name of a run, or its folder.")]
Picks = Annotated[
    Path | None,
    typer.Option(
        "--picks",
        help="CSV table for revised picks: a new file, or one of an earlier look, which goes on.",
    ),
]
Author = Annotated[
    str | None, typer.Option(help="Who revises, for the table; default: the name of the user.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: one that is free.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")]


def _user() -> str:
    """The name of the user; a number where the system has no name for it, as in containers."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def view(
    run: Run,
    picks: Picks = None,
    author: Author = None,
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Show a finished run in the browser: any event, station and time; picks can be revised.

    The server answers to this machine alone, to whoever has the address that is shown, and ends
    with Ctrl-C. It writes nothing but the table
    that --picks names, which goes back into the run by `import_picks` with `replaces: true`.
    """
    import webbrowser
    from threading import Thread

    from quakeline.core.errors import ConfigError
    from quakeline.io.products import targets
    from quakeline.report.view.content import opened
    from quakeline.report.view.server import Server

    root = run_folder_of(run)
    if picks is not None:
        targets.require_file("--picks", picks, files_of(run))
        if not picks.parent.is_dir():
            raise ConfigError(f"--picks {picks} given; allowed: a file in a folder that exists")
    content = opened(root, picks, (author or _user()) if picks else "")
    try:
        server = Server(content, root.name, port)
    except OSError as error:
        raise ConfigError(f"--port {port} given; it cannot be used: {error.strerror}") from None
    typer.echo(f"serving  {server.address} (Ctrl-C ends it)")
    if browser:
        # a browser of the terminal comes back when it is closed, and is served until then
        Thread(target=webbrowser.open, args=(server.link(),), daemon=True).start()
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended")
