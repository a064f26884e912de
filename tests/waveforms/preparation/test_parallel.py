import threading
import time

import pytest

from quakeline.waveforms.preparation.parallel import in_threads


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_order_and_no_more_run_than_threads(threads):
    lock, running, most = threading.Lock(), 0, 0

    def work(number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002 * (7 - number))
        with lock:
            running -= 1
        return number

    calls = [lambda number=number: work(number) for number in range(7)]
    assert list(in_threads(calls, threads)) == list(range(7))
    assert most <= threads


def test_an_error_of_the_work_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(in_threads([lambda: 1, lambda: 1 // 0], 2))
