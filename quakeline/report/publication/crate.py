"""A catalog as a Workflow Run RO-Crate: what made it, from what, with which programs.

Follows RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and the profiles Process Run and Workflow Run
Crate 0.5 (Leo et al. 2024, doi:10.1371/journal.pone.0309210). The root of the crate is the folder
of the catalog. Raw files are too many for entities of their own: `inputs.csv` lists them with sizes
and digests, and the crate has the digest of that list.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import quakeline
from quakeline.core.installed import HOME, SNAKEFILE
from quakeline.core.schemas import MANIFEST
from quakeline.io.export_files import FOCAL_FILES
from quakeline.io.products import provenance, tables
from quakeline.io.products.atomic import replacing, write_text
from quakeline.models.names import described
from quakeline.models.weights import card_of
from quakeline.report.publication.provenance_table import software

if TYPE_CHECKING:
    import pandas as pd

METADATA = "ro-crate-metadata.json"
CONFIG, INPUTS, WORKFLOW = "config.yaml", "inputs.csv", "Snakefile"
#: Files of a catalog that a repeated run must make again.
CATALOG = ("events.parquet", "arrivals.parquet", "picks.parquet", "catalog.qml", "catalog.csv")
_PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
_MEANING = {
    "events.parquet": "events (EVENTS)",
    "arrivals.parquet": "picks of events (ARRIVALS)",
    "picks.parquet": "all picks (PICKS)",
    "mechanisms.parquet": "focal mechanisms (MECHANISMS)",
    "polarities.parquet": "polarities of first motions (POLARITIES)",
    "catalog.qml": "the events as QuakeML 1.2",
    "catalog.csv": "the events as CSV",
}
_FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".qml": "application/xml",
    ".csv": "text/csv",
    ".yaml": "application/yaml",
    ".safetensors": "application/octet-stream",
}


@dataclass(frozen=True)
class Description:
    """What a crate says beyond its files: name, licence and author, start and end (ISO 8601)."""

    run: str
    title: str
    license: str | None
    author: str | None
    begun: str
    ended: str


def write(
    folder: Path,
    about: Description,
    settings: str,
    given: list[Path],
    manifests: list[Path],
    weights: list[Path],
) -> None:
    """Complete a catalog's folder to a crate: settings, list of inputs, workflow, metadata.

    Parameters
    ----------
    folder
        The catalog, `results/<run>/catalog`.
    settings
        The whole configuration as YAML.
    given, manifests
        Files that the configuration names, and the manifests (MANIFEST) of raw files.
    weights
        The weights that were used; none where the picks are a table's.

    Raises OutputError where the folder cannot be written.
    """
    write_text(folder / CONFIG, settings)
    inputs = _inputs(given, manifests)
    with replacing(folder / INPUTS) as temporary:
        inputs.to_csv(temporary, index=False)
    with replacing(folder / WORKFLOW) as temporary:
        shutil.copyfile(SNAKEFILE, temporary)
    text = json.dumps(_described(folder, about, given, weights), indent=1, ensure_ascii=False)
    write_text(folder / METADATA, text + "\n")


def _inputs(given: list[Path], manifests: list[Path]) -> pd.DataFrame:
    """Path, size, SHA-256 and role (settings name it, or raw data) of every file that was read."""
    import pandas as pd

    rows = [[str(path), path.stat().st_size, provenance.digest_file(path)] for path in given]
    columns = ["path", "bytes", "sha256"]
    raw = tables.read_many(manifests, MANIFEST)[columns].dropna()
    named = pd.DataFrame(rows, columns=columns).assign(role="named")
    both = pd.concat([named, raw.assign(role="raw")], ignore_index=True)
    both["bytes"] = both["bytes"].astype("int64")
    return both.drop_duplicates().sort_values(["path", "sha256"], ignore_index=True)


def _described(
    folder: Path, about: Description, given: list[Path], weights: list[Path]
) -> dict[str, Any]:
    """The crate's JSON-LD; all but its times follow from the files."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    root = crate.root_dataset
    for key, value in (("name", about.title), ("description", f"Catalog of run {about.run}")):
        root[key] = value
    root["datePublished"] = about.ended
    root["license"] = _licence(crate, about.license)
    root["conformsTo"] = [
        crate.add(ContextEntity(crate, url, properties={"@type": "CreativeWork"}))
        for url in _PROFILES
    ]
    workflow = _workflow(crate, folder)
    named = [
        crate.add(ContextEntity(crate, f"#input-{number}", properties=_facts(path, str(path))))
        for number, path in enumerate(given, 1)
    ]
    networks = [
        crate.add(
            ContextEntity(
                crate,
                "#weights" if number == 1 else f"#weights-{number}",
                properties=_facts(path, path.name) | _network(path),
            )
        )
        for number, path in enumerate(weights, 1)
    ]
    settings, inputs = _file(crate, folder / CONFIG), _file(crate, folder / INPUTS)
    further = [name for name in FOCAL_FILES if (folder / name).is_file()]
    results = [_file(crate, folder / name) for name in (*CATALOG, *further)]
    agent = _agent(crate, about.author)
    root["author"] = agent
    action = crate.add_action(
        workflow,
        identifier=f"#run-{about.run}",
        object=[settings, inputs, *networks, *named],
        result=results,
        properties={
            "name": f"Run {about.run} of quakeline",
            "description": "Raw data to catalog with the settings of config.yaml",
            "startTime": about.begun,
            "endTime": about.ended,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    action["agent"] = agent
    root["mentions"] = [action]
    return dict(crate.metadata.generate())


def _workflow(crate: Any, folder: Path) -> Any:
    """The workflow as the crate's main entity, with the version and commit of its code."""
    from rocrate.model.computerlanguage import ComputerLanguage
    from rocrate.model.contextentity import ContextEntity

    versions = dict(software())
    language = crate.add(
        ComputerLanguage(
            crate,
            "#snakemake",
            properties={
                "name": "Snakemake",
                "identifier": {"@id": "https://doi.org/10.12688/f1000research.29032.1"},
                "url": {"@id": "https://snakemake.github.io"},
                "version": versions.get("snakemake", "unknown"),
            },
        )
    )
    workflow = crate.add_workflow(folder / WORKFLOW, WORKFLOW, main=True, lang=language)
    workflow["name"] = "quakeline"
    workflow["encodingFormat"] = "text/plain"
    workflow["version"] = quakeline.__version__
    workflow["sha256"] = provenance.digest_file(folder / WORKFLOW)
    commit = code_commit()
    if commit:
        workflow["identifier"] = commit
    workflow["softwareRequirements"] = [
        crate.add(
            ContextEntity(
                crate,
                f"#software-{name}",
                properties={
                    "@type": "SoftwareApplication",
                    "name": name,
                    "softwareVersion": version,
                },
            )
        )
        for name, version in versions.items()
    ]
    return workflow


def _licence(crate: Any, given: str | None) -> Any:
    """RO-Crate requires one; where none was given the crate says so."""
    from rocrate.model.contextentity import ContextEntity

    said = {
        "@type": "CreativeWork",
        "name": given or "not stated",
        "description": "Licence of the catalog, as its maker named it (crate.license)",
    }
    address = given if given and given.startswith(("http://", "https://")) else "#license"
    return crate.add(ContextEntity(crate, address, properties=said))


def _agent(crate: Any, author: str | None) -> Any:
    from rocrate.model.contextentity import ContextEntity

    properties = {"@type": "Person" if author else "Organization", "name": author or "not stated"}
    return crate.add(ContextEntity(crate, "#author", properties=properties))


def _file(crate: Any, path: Path) -> Any:
    facts = _facts(path, _MEANING.get(path.name, path.name))
    return crate.add_file(path, path.name, properties=facts)


def _facts(path: Path, name: str) -> dict[str, Any]:
    form = _FORMATS.get(path.suffix)
    return {
        "@type": "File",
        "name": name,
        "contentSize": str(path.stat().st_size),
        "sha256": provenance.digest_file(path),
        **({"encodingFormat": form} if form else {}),
    }


def _network(path: Path) -> dict[str, Any]:
    """What a crate says of a weights file: its id, and from which others it was trained."""
    card, weights_id = card_of(path)
    origin = described(card)
    return {"identifier": weights_id} | ({"description": origin} if origin else {})


def code_commit() -> str:
    """Git commit of the code, with "+" where files were changed; empty outside of a clone."""
    if not (HOME / ".git").exists():
        return ""
    with suppress(OSError, subprocess.CalledProcessError):
        commit = _git(HOME, "rev-parse", "HEAD")
        return commit + ("+" if _git(HOME, "status", "--porcelain", "-uno") else "")
    return ""


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", os.fspath(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
