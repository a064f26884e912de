"""The section `velocity`: a model of layers, or a grid in three dimensions, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from quakeline.core.errors import ConfigError, DataError, why_unread
from quakeline.core.mistakes import mistakes
from quakeline.core.registry import one_of
from quakeline.core.section import Section
from quakeline.earth.shipped import DEFAULT_MODEL, VELOCITY_MODELS, velocity_file

if TYPE_CHECKING:
    from quakeline.earth.velocity import Model, VelocityModel

_YAML = (".yaml", ".yml")
_Degrees = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=360)]]


class Layers(Section):
    """Velocities that change with depth alone."""

    kind: Literal["table"] = Field("table", description="layers, or gradients between depths")
    table: str = Field(
        DEFAULT_MODEL,
        description="CSV file with columns depth_km, vp, vs (or vp_vs): depths in km below sea"
        " level and velocities in km/s; one row is a homogeneous half space. Also tables of"
        " QuakeMigrate and PyOcto, LAYER lines of NonLinLoc, a control file of hypoDD (.inp), a"
        " model of VELEST (.mod), of GaMMA (.json), of TauP (.nd, .tvel) or of HASH (depth and vp,"
        " with vp_vs below). iasp91 is no file but a model of the program, for want of one of your"
        " region: a continental crust (Kennett & Engdahl 1991)",
    )
    interpolation: Literal["auto", "layers", "linear"] = Field(
        "auto",
        description="what lies between the depths of the table: constant layers below each"
        " (layers), or straight lines (linear; a depth given twice is an interface); auto: as the"
        " program that the form comes from takes it, and of a table depth_km,vp,vs straight lines"
        " where it looks like a sampled curve; the log and the summary say what was chosen",
    )
    vp_vs: float | None = Field(
        None, gt=1, le=4, description="vp/vs that makes vs, whatever the file says; null: its own"
    )

    @property
    def file(self) -> str:
        """Path of the table, also of a model of the program."""
        return str(velocity_file(self.table))

    def files(self) -> list[str]:
        """All files that are read, that of the digest first."""
        return [self.file]

    def named_files(self) -> list[str]:
        """The table, unless it comes with the program."""
        return [] if self.table in VELOCITY_MODELS else [self.table]

    def missing(self) -> list[str]:
        """What is wrong with the file before it is read, a line each."""
        if Path(self.file).is_file():
            return []
        known = ", ".join(VELOCITY_MODELS)
        return [f"velocity.table: file {self.table!r} does not exist, and it is not {known}"]

    def at(self, place: Path) -> Layers:
        """The same with a path that counts from a folder."""
        named = self.table in VELOCITY_MODELS
        return self if named else self.model_copy(update={"table": str(place / self.table)})

    def model(self, path: Path | None = None) -> Model:
        """Read it; `path` is where the file lies, if not where the section says."""
        from quakeline.earth.velocity import load
        from quakeline.earth.velocity.grid_files import is_grid

        where = path or Path(self.file)
        if where.is_file() and is_grid(where):
            raise DataError(
                f"velocity table {where}: it is a grid in three dimensions; give it as velocity:"
                f" {{kind: grid, file: {where}}}"
            )
        return load(where, self.vp_vs or 0.0, self.interpolation)


class Grid(Section):
    """Velocities that change in all directions, at the nodes of a grid; see docs/catalog.md."""

    EXTRA = "grid"

    kind: Literal["grid"] = Field("grid", description="a grid in three dimensions")
    file: str = Field(
        description="the model: a header of NonLinLoc (.hdr, its buffer beside it), a NetCDF file"
        " or Zarr store with vp and vs (or vp_vs) over x, y, z or latitude, longitude, depth, or"
        " text that lists the nodes of each axis (simulps, tomoDD, H3DD); km and km/s",
    )
    file_s: str | None = Field(
        None,
        description="that of S where P and S have files of their own; null: beside that of P, with"
        " S in its name where that has P",
    )
    vp_vs: float | None = Field(
        None, gt=1, le=4, description="vp/vs that makes vs, whatever the files say; null: their own"
    )
    origin: _Degrees | None = Field(
        None,
        description="latitude and longitude of x = y = 0, where the file does not say so",
    )
    rotation_deg: float = Field(
        0.0,
        ge=-360,
        le=360,
        description="with origin or crs: north is so many degrees clockwise from the y axis (RotCW"
        " of NonLinLoc, rota of simulps)",
    )
    crs: str | None = Field(
        None, description="map projection of x and y, such as EPSG:32633; null: as the file says"
    )
    values: Literal["auto", "nodes", "cells"] = Field(
        "auto",
        description="whether a buffer of NonLinLoc gives velocities at nodes or in the middles of"
        " cells; auto: cells, as Vel2Grid writes them",
    )
    node_km: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        "auto",
        description="distance of the nodes at which travel times are computed, in km, in depth an"
        " eighth of it; auto: as the model's own, 0.1 to 1, or what fits into 800,000 nodes for"
        " each station and 1 GB for all",
    )

    def files(self) -> list[str]:
        """All files that are read, that of the digest first."""
        from quakeline.earth.velocity.grid_files import files_of

        found = files_of(Path(self.file), Path(self.file_s) if self.file_s else None)
        return [str(path) for path in found]

    def named_files(self) -> list[str]:
        """The same."""
        return self.files()

    def missing(self) -> list[str]:
        """What is wrong with the files before they are read, a line each."""
        given = {"file": self.file, **({"file_s": self.file_s} if self.file_s else {})}
        lost = [
            f"velocity.{key}: file {path!r} does not exist"
            for key, path in given.items()
            if not Path(path).exists()
        ]
        return lost or [
            f"velocity.file: {path!r}, which belongs to {self.file!r}, does not exist"
            for path in self.files()
            if not Path(path).is_file()
        ]

    def at(self, place: Path) -> Grid:
        """The same with paths that count from a folder."""
        both = {"file": self.file, "file_s": self.file_s}
        return self.model_copy(update={key: str(place / p) for key, p in both.items() if p})

    def model(self, path: Path | None = None) -> Model:
        """Read it."""
        from quakeline.earth.velocity.grid_files import load_grid
        from quakeline.earth.velocity.raw_grid import GridFacts

        given = GridFacts(
            self.vp_vs or 0.0,
            self.origin,
            self.rotation_deg,
            self.crs,
            self.values,
            None if self.node_km == "auto" else self.node_km,
        )
        return load_grid(Path(self.file), Path(self.file_s) if self.file_s else None, given)


KINDS = (Layers, Grid)
if TYPE_CHECKING:
    Velocity = Layers | Grid
else:
    Velocity = one_of(KINDS)


def section_of(given: Mapping[str, Any]) -> Layers | Grid:
    """A section from a mapping; one without `kind`, as older files have it, is a table.

    Raises ConfigError, one line.
    """
    try:
        found: Layers | Grid = TypeAdapter(Velocity).validate_python({"kind": "table", **given})
    except ValidationError as error:
        raise ConfigError(mistakes(error, Velocity, "velocity")[0]) from None
    return found


def named(
    name: Path | str | None, vp_vs: float | None = None, interpolation: str = "auto"
) -> Layers | Grid:
    """The section of a model's file, of a model of the program, or of a YAML file that holds one.

    None is the program's default. `vp_vs` above 0 and an `interpolation` other than auto replace
    those of the file. Raises ConfigError.
    """
    words: dict[str, Any] = {"table": str(name or DEFAULT_MODEL)}
    if name is not None and Path(name).suffix.lower() in _YAML:
        words = _of_yaml(Path(name))
    elif name is not None and str(name) not in VELOCITY_MODELS:
        from quakeline.earth.velocity.grid_files import is_grid

        if is_grid(Path(name)):
            words = {"kind": "grid", "file": str(name)}
    if vp_vs:
        words["vp_vs"] = vp_vs
    if interpolation != "auto":
        if words.get("kind") == "grid":
            raise ConfigError(
                f"interpolation: {interpolation} given, but {words.get('file')} is a grid, which is"
                " linear between its nodes"
            )
        words["interpolation"] = interpolation
    return section_of(words)


def _of_yaml(path: Path) -> dict[str, Any]:
    """A mapping `velocity` of a YAML file, or the whole file; paths count from its folder."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {why_unread(error, path)}") from None
    found = raw.get("velocity", raw) if isinstance(raw, Mapping) else None
    if not isinstance(found, Mapping):
        raise ConfigError(f"{path}: a section `velocity` is needed, as in config/README.md")
    return section_of({str(key): value for key, value in found.items()}).at(path.parent).plain()


def model_of(velocity: Path, section: str) -> Model:
    """The model of a section as JSON, whose first file lies at `velocity`. For stages."""
    found: Layers | Grid = TypeAdapter(Velocity).validate_json(section)
    return found.model(velocity)


def require_layers(model: Model, who: str) -> VelocityModel:
    """Refuse a grid where only layers will do. Raises ConfigError, one line."""
    from quakeline.earth.velocity import VelocityModel

    if isinstance(model, VelocityModel):
        return model
    raise ConfigError(
        f"{who} works with layers, but {model.reading.partition(':')[0]} is a grid in three"
        " dimensions: give --velocity a table"
    )
