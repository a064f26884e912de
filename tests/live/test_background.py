"""Work beside a session ends with the session, and when it is not wanted."""

from __future__ import annotations

import subprocess
import sys
import time

from quakeline.live.background import Background

#: Starts work that says so on standard output, which it has from this process.
STARTS = """
import time
from quakeline.live.background import Background
work = Background(exec, "import time; print('at work', flush=True); time.sleep(60)")
time.sleep(60)
"""


def test_work_ends_when_it_is_not_wanted():
    work = Background(time.sleep, 600)
    assert not work.done
    work.stop()


def test_work_ends_with_a_session_that_is_killed():
    session = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "at work\n"
    session.kill()
    left, _ = session.communicate(timeout=20)  # ends when nobody holds its output any more
    assert left == ""
