"""Which files of the repository are pages of the site, and links between them.

Pages outside docs/ (README.md, the configuration reference, ...) are read where they stand when the
site is built, so no text exists twice. Links are written for readers of the repository; here they
become links between pages of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Files outside docs/, and where they stand in the site.
PAGES = {
    "README.md": "index.md",
    "config/README.md": "reference/configuration.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "license.txt",
}
_ORIGINS = {site: file for file, site in PAGES.items()}
#: A link to a file: what stands before, the path, and what stands behind it.
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def content(file: str) -> str:
    """The text of a file of the repository."""
    return (ROOT / file).read_text(encoding="utf-8")


def site_links(markdown: str, site: str) -> tuple[str, list[str]]:
    """A page of the site with its links turned into the site's, and links that lead nowhere."""
    origin = _ORIGINS.get(site, f"docs/{site}")
    lost = []

    def turned(match: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(posixpath.dirname(origin), match[2]))
        target = PAGES.get(file, file.removeprefix("docs/") if file.startswith("docs/") else None)
        if target is None:
            lost.append(match[2])
            return match[0]
        return match[1] + posixpath.relpath(target, posixpath.dirname(site) or ".") + match[3]

    return LINK.sub(turned, markdown), lost
