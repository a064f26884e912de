"""One process at a time in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quakeline.core.errors import OutputError, QuakelineError
from quakeline.io.products.locking import claimed


def test_a_second_holder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from quakeline.io.products.locking import claimed\n"
        "with claimed(Path(sys.argv[1]), '.lock'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    folder = tmp_path / "deep/out"
    words = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        expected = f"out is being worked on by process {holder.pid} on "
        with pytest.raises(QuakelineError, match=expected), claimed(folder, ".lock"):
            pass
        named = pytest.raises(QuakelineError, match="worked on by somebody")
        with named, claimed(folder, ".lock", lambda: "somebody"):
            pass
        holder.kill()
    with claimed(folder, ".lock") as descriptor:
        assert os.pread(descriptor, 99, 0).startswith(f"process {os.getpid()} on ".encode())


def test_a_place_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"), claimed(tmp_path / "file", ".lock"):
        pass
