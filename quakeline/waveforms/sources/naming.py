"""Codes for traces whose headers have none, or wrong ones."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field, field_validator

from quakeline.core.section import Section

_PARTS = 4


class Naming(Section):
    """Codes that traces get instead of those in their headers."""

    files: str = Field(
        "*", description="glob pattern of file names, or of whole paths where it has a /"
    )
    header: str = Field(
        "*",
        description="glob pattern of the codes in the header, NET.STA.LOC.CHA as `quakeline"
        " inspect` lists them (`...` where it has none)",
    )
    code: str = Field(
        description="NET.STA.LOC.CHA; * for a part that stays as it is in the header, {trace} for"
        " the number of the trace in the file, from 1 ({trace:03d}: 001)"
    )

    @field_validator("code")
    @classmethod
    def _four_parts(cls, value: str) -> str:
        try:
            made = value.format(trace=1)
        except (ValueError, KeyError, IndexError) as error:
            raise ValueError(f"{value!r} given; the only word in braces is {{trace}}") from error
        parts = made.split(".")
        if len(parts) != _PARTS or not parts[1] or not parts[3] or any(map(str.isspace, made)):
            raise ValueError(
                f"{value!r} given; allowed: NET.STA.LOC.CHA, of which network and location may be"
                " empty"
            )
        return value

    def of(self, path: Path, codes: str, number: int) -> tuple[str, bool] | None:
        """The codes of a trace, and whether they come from its number; None: not concerned.

        `codes` are those of the header, `number` counts the traces of the file from 1.
        """
        name = str(path) if "/" in self.files else path.name
        if not fnmatchcase(name, self.files) or not fnmatchcase(codes, self.header):
            return None
        given = self.code.format(trace=number).split(".")
        own = [*codes.split("."), *[""] * _PARTS][:_PARTS]
        named = ".".join(o if g == "*" else g for g, o in zip(given, own, strict=True))
        return named, "{" in self.code
