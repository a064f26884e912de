"""A folder for runs: overlay, editors' schema, Snakemake profile and a page of five lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from quakeline.core.errors import ConfigError
from quakeline.core.installed import EXAMPLES, PROFILES
from quakeline.io.products.atomic import require_space, write_text, writing
from quakeline.workflow import reference

#: Names of the embedded demos, and of their runs; what is downloaded has the name of its run.
DEMOS = {
    "demo": "unterhaching",
    "demo-das": "porotomo",
    **{
        name: name
        for name in (
            "full_array",
            "bremerton_6c",
            "gappy_data",
            "analogue_tohoku",
            "analogue_maule",
            "analogue_ridgecrest",
        )
    },
}
#: Name of the files by which SeismicTorch's networks are trained, see docs/training.md.
SEISMIC_TORCH = "seismic-torch"
#: The two folders of a run folder that hold anything before a run: overlays and profiles.
OVERLAYS, OWN_PROFILES = Path("config/runs"), Path("profiles")
#: Examples beside a profile of what a cluster differs in, which go to config/.
_EXAMPLE = ".example.yaml"


def files_of_demo(name: str) -> dict[Path, str]:
    """The files of an embedded demo, by their places in a run folder."""
    run = DEMOS[name]
    found = {OVERLAYS / f"{run}.yaml": (EXAMPLES / f"{run}.yaml").read_text(encoding="utf-8")}
    for path in sorted((EXAMPLES / run).glob("*.csv")):
        found[Path("config") / run / path.name] = path.read_text(encoding="utf-8")
    return found


def lay_trainings(folder: Path) -> list[Path]:
    """Write the files by which SeismicTorch's networks are trained; gives what was written.

    Raises
    ------
    ConfigError
        One of them is there already.
    OutputError
        The folder cannot be written.
    """
    found = {
        Path("config/training") / path.name: path for path in (EXAMPLES / "training").iterdir()
    }
    there = [str(name) for name in sorted(found) if (folder / name).exists()]
    if there:
        raise ConfigError(f"{', '.join(there)}: is there already, and is not replaced")
    require_space(folder)
    with writing(folder):
        for name, path in found.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_text(folder / name, path.read_text(encoding="utf-8"))
    return sorted(found)


def lay(
    folder: Path, run: str, files: Mapping[Path, str], profile: str | None = None
) -> list[Path]:
    """Write the files of a run and what a run folder has beside them; gives what was written.

    Parameters
    ----------
    files
        Texts by their places in the folder: overlay and tables. None of them may be there.
    profile
        A further Snakemake profile of the program, e.g. slurm; with the
        examples of what its cluster differs in.

    Raises
    ------
    ConfigError
        A file of the run is there already.
    OutputError
        The folder cannot be written.
    """
    there = [str(name) for name in files if (folder / name).exists()]
    if there:
        raise ConfigError(f"{', '.join(there)}: is there already, and is not replaced")
    require_space(folder)
    wanted = {**files, **{p: t for p, t in _beside(run, profile) if not (folder / p).exists()}}
    with writing(folder):
        for name, text in wanted.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_text(folder / name, text)
    return sorted(wanted)


def _beside(run: str, profile: str | None) -> Iterator[tuple[Path, str]]:
    """What a run folder has beside the files of a run; what is there already stays."""
    yield reference.SCHEMA, reference.editor_schema()
    yield Path("README.md"), _PAGE.format(run=run)
    for name in dict.fromkeys(["default", *([profile] if profile else [])]):
        text = (PROFILES / name / "config.yaml").read_text(encoding="utf-8")
        yield OWN_PROFILES / name / "config.yaml", text
        for path in sorted((PROFILES / name).glob(f"*{_EXAMPLE}")):
            own = Path("config") / f"{path.name.removesuffix(_EXAMPLE)}.yaml"
            yield own, path.read_text(encoding="utf-8")


_PAGE = """\
Earthquake catalogs with quakeline; the settings of a run are `config/runs/NAME.yaml`.
- `quakeline config check {run}` shows what a run will do, and all mistakes at once.
- `quakeline run {run}` makes what is missing, and goes on where a run was stopped.
- `quakeline summary {run}` shows what it found; `results/{run}/report.html` is the report.
- `quakeline config reference` writes `config/README.md`: every setting with its meaning.
"""
