import gc

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
