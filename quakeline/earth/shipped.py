"""Velocity models that come with the program, by name."""

from __future__ import annotations

from pathlib import Path

#: IASP91: a continental crust (Kennett & Engdahl 1991, doi:10.1111/j.1365-246X.1991.tb06724.x).
DEFAULT_MODEL = "iasp91"
VELOCITY_MODELS = {DEFAULT_MODEL: Path(__file__).parent / "velocity" / "iasp91.csv"}
#: What is said of these where results are shown.
GENERAL = "a general model, not one of this region"


def velocity_file(table: str) -> Path:
    """The file of a velocity model: that of a model of the program, else the path itself."""
    return VELOCITY_MODELS.get(table, Path(table))
