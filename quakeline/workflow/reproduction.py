"""Repeats the run of a crate in a new folder and compares the catalogs.

A crate (`report/publication/crate.py`) holds the settings and names every input with its digest.
What differs between then and now is said before the run begins; inputs with other content are
refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import ARRIVALS, EVENT_IDS, EVENTS, MECHANISMS, PICKS, POLARITIES
from quakeline.events.association import with_ledger
from quakeline.io.export_files import FOCAL_FILES
from quakeline.io.products import provenance, tables
from quakeline.io.products.atomic import writing
from quakeline.io.products.targets import run_of
from quakeline.report.publication import crate as crates
from quakeline.report.publication.provenance_table import software
from quakeline.workflow import config

#: First parts of names, in small letters, that the program itself may have in a folder of a run.
_OWN = {"snakefile", "workflow", "profiles", "envs", "quakeline", "results"}
#: What a QuakeML says of how it was made: when the files of the archive were changed is part of it.
_HOW_MADE = re.compile(rb"<eventParameters [^>]*>|quakeline_provenance=[^<]*")
#: Mistakes that are named.
_SHOWN = 5


@dataclass(frozen=True)
class Crate:
    """A crate that was read and found whole: its folder, settings, inputs and programs."""

    folder: Path
    run: config.Run
    inputs: pd.DataFrame
    software: dict[str, str]
    commit: str


def read(path: Path) -> Crate:
    """Read a crate, its folder or metadata file, and check the digests of what it holds.

    Raises DataError for what is no crate of quakeline, or one whose files were changed.
    """
    folder = path.parent if path.name == crates.METADATA else path
    entities = _entities(folder / crates.METADATA)
    further = [name for name in FOCAL_FILES if name in entities]
    wrong = [
        name
        for name in (crates.CONFIG, crates.INPUTS, *crates.CATALOG, *further)
        if not (folder / name).is_file()
        or provenance.digest_file(folder / name) != entities.get(name, {}).get("sha256")
    ]
    if wrong:
        raise DataError(f"crate {folder}: absent or changed since: {', '.join(wrong)}")
    workflow = entities.get(crates.WORKFLOW, {})
    used = [e for e in entities.values() if e.get("@type") == "SoftwareApplication"]
    return Crate(
        folder=folder,
        run=config.load(config.read_yaml(folder / crates.CONFIG)),
        inputs=pd.read_csv(folder / crates.INPUTS, dtype=str, keep_default_na=False),
        software={str(e.get("name")): str(e.get("softwareVersion")) for e in used},
        commit=str(workflow.get("identifier", "")),
    )


def _entities(path: Path) -> dict[str, dict[str, Any]]:
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        return {str(entity["@id"]): dict(entity) for entity in graph}
    except OSError as error:
        raise DataError(f"crate {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"crate {path}: not the metadata of an RO-Crate") from None


def other_versions(crate: Crate) -> Iterator[str]:
    """A line for each program that has another version here than when the run was made."""
    here = dict(software())
    for name, then in sorted(crate.software.items()):
        if here.get(name, "not installed") != then:
            yield f"{name} {then} then, {here.get(name, 'not installed')} here"
    commit = crates.code_commit()
    if crate.commit != commit:
        yield f"code {crate.commit or 'without a commit'} then, {commit or 'none'} here"


def require_harmless(crate: Crate, run_code: bool) -> None:
    """Refuse a crate whose inputs would take the place of the program, or that names code.

    Parameters
    ----------
    run_code
        Whether the person allows the code that the crate names.

    Raises
    ------
    DataError
        An input has a name that is the program's own, or no name of a file on every system.
    ConfigError
        The settings name a module of Python, or an input is one, and `run_code` is False.
    """
    names = [str(name) for name in dict.fromkeys(crate.inputs["path"])]
    for name in names:
        why = _harm(name)
        if why:
            raise DataError(f"crate {crate.folder}: its input {name!r} {why}; nothing was run")
    code = [f"the module {loader}" for loader in _loaders(crate.run.plain())]
    code += [name for name in names if name.endswith(tuple(all_suffixes()))]
    if code and not run_code:
        raise ConfigError(
            f"crate {crate.folder} would run code that it names: {', '.join(code)}; read it, and"
            " give --run-code if it may run"
        )


def _harm(name: str) -> str:
    """Why an input may not lie under its name in the folder of a run; empty where it may."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return ""  # it is found where it is, and nothing is laid into the folder
    parts = [part.casefold().rstrip(" .") for part in path.parts]
    if not parts or re.search(r'[\\:*?"<>|\x00-\x1f]', name):
        return "has no name that every system knows"
    is_setting = parts[0] == "config" and (
        parts[-1].endswith((".yaml", ".yml")) or parts[1:2] == ["runs"]
    )
    if parts[0] in _OWN or path.parts[0].startswith(".") or is_setting:
        return "would take the place of the program's own files"
    return ""


def _loaders(settings: Any) -> list[str]:
    """Modules that settings name under the key `loader`, at any depth."""
    if isinstance(settings, list):
        return [name for item in settings for name in _loaders(item)]
    if not isinstance(settings, dict):
        return []
    own = [str(settings["loader"])] if settings.get("loader") else []
    return own + [name for value in settings.values() for name in _loaders(value)]


def require_free(crate: Crate, folder: Path) -> None:
    """Raise ConfigError for a folder that does not serve: see `furnish`."""
    try:
        run = run_of(folder)
        is_other = os.path.lexists(folder) and not folder.is_dir()
        occupied = folder.is_dir() and any(folder.iterdir())
        nearest = next(place for place in folder.parents if place.exists())
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; give a new folder") from None
    if run or crate.folder.resolve().is_relative_to((folder / "results").resolve()):
        raise ConfigError(
            f"{folder} is a place of the run {run or crate.folder}; give a new folder"
        )
    if is_other or not nearest.is_dir():
        raise ConfigError(f"{folder} is no folder, or below a file; give a new folder")
    settings = folder / config.DEFAULT
    if occupied and not (
        settings.is_file() and settings.read_bytes() == (crate.folder / crates.CONFIG).read_bytes()
    ):
        raise ConfigError(f"{folder} holds something else; give a new folder")


def furnish(crate: Crate, folder: Path, source: Path) -> None:
    """Make a folder in which the run can be repeated: its settings, and links to its inputs.

    Parameters
    ----------
    folder
        New, empty, or left by an interrupted repetition of the same run.
    source
        Folder that the relative paths of the settings start from.

    Raises
    ------
    ConfigError
        The folder holds something else, or belongs to a run.
    DataError
        Inputs that lie in `source` have another content, or are absent though the run names them.
    """
    settings = (crate.folder / crates.CONFIG).read_bytes()
    target = folder / config.DEFAULT
    require_free(crate, folder)
    _require_inputs(crate, source)
    with writing(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(settings)
        for name in dict.fromkeys(crate.inputs["path"]):
            _link(Path(name), folder, source)
        _lay_ledger(crate, folder)


def _lay_ledger(crate: Crate, folder: Path) -> None:
    """Ids depend on which events a run knew before: those of the catalog are known."""
    events, arrivals = (
        tables.read(crate.folder / f"{name}.parquet", table)
        for name, table in (("events", EVENTS), ("arrivals", ARRIVALS))
    )
    ledger = with_ledger(tables.empty(EVENT_IDS), events, arrivals)
    tables.write(ledger, EVENT_IDS, folder / f"results/{crate.run.run}/ids.parquet")


def _require_inputs(crate: Crate, source: Path) -> None:
    """Compare inputs with their digests; downloaded and packaged ones may come later."""
    archive = crate.run.fetch.source if crate.run.fetch else None
    comes_later = archive is not None and (
        archive.remote or archive.plain().get("kind") == "package"
    )
    wrong = []
    rows = crate.inputs[["path", "sha256", "role"]]
    for name, sha256, role in rows.itertuples(index=False, name=None):
        path = source / name
        if not path.is_file():
            if not (comes_later and role == "raw"):
                wrong.append(f"{path} is missing")
        elif provenance.digest_file(path) != sha256:
            wrong.append(f"{path} has another content")
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise DataError(f"inputs of the run: {'; '.join(wrong[:_SHOWN])}{more}")


def _link(name: Path, folder: Path, source: Path) -> None:
    """Link a relative input into the folder; absolute ones are found where they are."""
    if name.is_absolute() or ".." in name.parts or not (source / name).is_file():
        return
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(place):
        place.symlink_to((source / name).resolve())


def differences(crate: Crate, made: Path) -> list[str]:
    """What differs between the crate's catalog and one that was made again; empty for none.

    Tables are compared value by value, the QuakeML and CSV byte by byte, without what they say of
    how they were made.
    """
    said = []
    compared = {"events": EVENTS, "arrivals": ARRIVALS, "picks": PICKS}
    further = {"mechanisms": MECHANISMS, "polarities": POLARITIES}
    has = crate.run.mechanism.asked
    for name, table in (compared | further if has else compared).items():
        then, now = (
            tables.read(folder / f"{name}.parquet", table) for folder in (crate.folder, made)
        )
        if not then.equals(now):
            said.append(f"{name}: {_difference(then, now)}")
    for name in ("catalog.qml", "catalog.csv"):
        then_bytes, now_bytes = (
            _HOW_MADE.sub(b"", (folder / name).read_bytes()) for folder in (crate.folder, made)
        )
        if then_bytes != now_bytes:
            said.append(f"{name}: other bytes")
    then_inputs, now_inputs = (
        set(pd.read_csv(folder / crates.INPUTS, dtype=str)["sha256"])
        for folder in (crate.folder, made)
    )
    if then_inputs != now_inputs:
        n = len(then_inputs ^ now_inputs)
        said.append(f"inputs: {n} digests are in one run only")
    return said


def _difference(then: pd.DataFrame, now: pd.DataFrame) -> str:
    if len(then) != len(now):
        return f"{len(then)} then, {len(now)} now"
    columns = [str(name) for name in then if not then[name].equals(now[name])]
    rows = int((then[columns].ne(now[columns]) & then[columns].notna()).any(axis=1).sum())
    return f"{rows} of {len(then)} rows differ in {', '.join(columns)}"
