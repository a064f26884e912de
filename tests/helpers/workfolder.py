"""A folder in which tests run the real commands, as a user would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from quakeline.workflow import config

REPOSITORY = Path(__file__).resolve().parents[2]
QUAKELINE = str(Path(sys.executable).with_name("quakeline"))


def on_demo(overlay: Mapping[str, Any]) -> dict[str, Any]:
    """An overlay that differs from the embedded demo in some keys."""
    demo = config.read_yaml(REPOSITORY / config.DEFAULT.parent / config.DEMO)
    return config.merged(demo, overlay)


def demo_like(overlay: Mapping[str, Any]) -> config.Run:
    """A run that differs from the embedded demo in some keys."""
    return config.read(on_demo(overlay), REPOSITORY / config.DEFAULT)


@dataclass(frozen=True)
class WorkFolder:
    """A folder with a configuration, the Snakefile used there, further environment variables."""

    folder: Path
    snakefile: Path = REPOSITORY / "Snakefile"
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def furnished(cls, folder: Path) -> WorkFolder:
        """A folder that holds the configuration of the repository and nothing else."""
        shutil.copytree(REPOSITORY / "config", folder / "config", dirs_exist_ok=True)
        return cls(folder)

    def copied(self, folder: Path) -> WorkFolder:
        """The same work in another folder, with all times of change kept."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return WorkFolder(folder, self.snakefile, self.environment)

    def overlay(self, text: str, name: str = "overlay.yaml") -> str:
        """Write an overlay and return its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def demo_overlay(self, text: str, name: str = "overlay.yaml") -> str:
        """Write an overlay that differs from the embedded demo in some keys; return its path."""
        return self.overlay(yaml.safe_dump(on_demo(yaml.safe_load(text) or {})), name)

    def quakeline(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `quakeline` with its own arguments."""
        return self.command(QUAKELINE, *words)

    def snakemake(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the workflow with further arguments."""
        place = ("--snakefile", str(self.snakefile), "--cores", "2")
        return self.command(sys.executable, "-m", "snakemake", *place, *words)

    def planned(self, *words: str) -> dict[str, int]:
        """Jobs per rule that Snakemake would run; empty when nothing is to be done."""
        done = self.snakemake("--dry-run", "--quiet", "host", "rules", "reason", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [line.split() for line in (done.stdout + done.stderr).splitlines()]
        jobs = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}
        return {rule: n for rule, n in jobs.items() if rule not in ("all", "total")}

    def command(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder, without input, and keep what it prints."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
