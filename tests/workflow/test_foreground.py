"""Snakemake in the foreground."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys

import pytest

from quakeline.workflow import foreground


def test_a_user_without_a_name_is_called_by_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with `--user`: Snakemake asks for a name, and ended without one."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    code = "import getpass; print(getpass.getuser())"
    known = foreground.environment()["LOGNAME"]
    assert known == getpass.getuser()

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    environment = foreground.environment()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(os.getuid())
