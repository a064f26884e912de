import gc
import subprocess
import sys

from quakeline.core import garbage


def test_new_objects_start_a_search_less_often_and_old_ones_as_before():
    before = gc.get_threshold()
    try:
        garbage.search_rarely()
        assert gc.get_threshold()[0] >= 10_000
        assert gc.get_threshold()[1:] == before[1:]
        assert gc.isenabled()
    finally:
        gc.set_threshold(*before)


def test_a_program_ends_without_a_search():
    code = (
        "import atexit, gc, sys\n"
        "from quakeline.core import garbage\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"  # the first runs last
        "garbage.search_rarely()\n"
        "print(gc.get_freeze_count() > 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
