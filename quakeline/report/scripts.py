"""Scripts and data inside the page, and the security policy that allows them and nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from markupsafe import Markup

#: Where scripts, styles and templates of the page lie.
TEMPLATES = Path(__file__).parent / "templates"


def style_sheet() -> str:
    """The style sheet of the report, whose colours drawings have."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Scripts:
    """Texts of scripts in their order."""

    texts: tuple[Markup, ...]

    @classmethod
    def named(cls, *names: str) -> Scripts:
        """Scripts of the folder of templates."""
        texts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in names]
        return cls(tuple(Markup(text) for text in texts))

    @property
    def allowed(self) -> Markup:
        """What the page's security policy says to allow these scripts and no others."""
        return Markup(" ".join(allowance(text) for text in self.texts))


def embedded(value: Any) -> str:
    """JSON that no name in it can end: it holds no <."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def allowance(script: str) -> str:
    """The source of a security policy that is this script."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
