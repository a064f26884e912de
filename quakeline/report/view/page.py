"""The page of the server: map, table of events, and a record section that can be revised."""

from __future__ import annotations

from markupsafe import Markup

from quakeline.report import event_table, moving_map
from quakeline.report.basemap.ground import Sources
from quakeline.report.page import environment, style
from quakeline.report.scripts import Scripts, embedded
from quakeline.report.view.content import Content


def render(content: Content, name: str) -> tuple[str, str]:
    """The page as HTML, and its security policy."""
    catalog = content.catalog
    listed = event_table.table(catalog.events, [], 100)
    moving = moving_map.data(catalog, Sources())
    names = {"map.js": moving is not None, "events.js": bool(listed.rows)}
    scripts = Scripts.named(
        "selection.js",
        *(script for script, needed in names.items() if needed),
        "traces.js",
        "view.js",
    )
    file = content.picks.file
    span = catalog.span
    settings = {
        "start": span.start_ns // 1_000_000,
        "end": span.end_ns // 1_000_000,
        "writes": file is not None,
    }
    page = (
        environment()
        .get_template("view.html.j2")
        .render(
            style=style(),
            name=name,
            catalog=catalog,
            listed=listed,
            files=[],
            moving=moving,
            moving_json=Markup(embedded(moving)),
            scripts=scripts,
            kept=bool(content.waveforms),
            file=str(file) if file else "",
            settings=Markup(embedded(settings)),
        )
    )
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        f" script-src {scripts.allowed}"
    )
    return page, policy
