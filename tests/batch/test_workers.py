import contextlib
import multiprocessing
import os
import time
from functools import partial
from itertools import count

import pytest

from dhvt_vectorize.batch import workers
from dhvt_vectorize.batch.workers import Died, available_cores


def run_workers(make_handler, jobs, processes, notice=pytest.fail):
    return workers.run_workers(make_handler, jobs, processes, notice)


def make_square(notify, log=None):
    if log is not None:
        with open(log, "a") as file:
            file.write("made\n")
    return _square


def _square(number):
    if number < 0:
        os._exit(-number)
    return number * number


def make_sleeper(notify):
    return time.sleep


def make_counter(notify):
    def count_down(number):
        for left in range(number, 0, -1):
            notify(f"{number}: {left} to go")
        if number == 3:
            os._exit(3)
        return number

    return count_down


def make_none(notify):
    raise ValueError("no handler")


def test_every_job_has_its_result_and_every_worker_one_handler(tmp_path):
    log = tmp_path / "log"
    results = list(run_workers(partial(make_square, log=log), range(50), 3))
    assert sorted(results) == [(number, number * number) for number in range(50)]
    assert log.read_text() == "made\n" * 3


def test_fewer_jobs_than_workers_start_fewer_workers(tmp_path):
    log = tmp_path / "log"
    assert list(run_workers(partial(make_square, log=log), [5], 4)) == [(5, 25)]
    assert log.read_text() == "made\n"


def test_no_jobs_give_no_results():
    assert list(run_workers(make_square, [], 2)) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_worker_that_dies_costs_its_own_job_alone(processes):
    jobs = [1, -7, 2, -8, -9, 3]
    results = dict(run_workers(make_square, jobs, processes))
    assert results.keys() == set(jobs)
    assert {job: result for job, result in results.items() if job > 0} == {1: 1, 2: 4, 3: 9}
    for job in (-7, -8, -9):
        assert results[job] == Died(f"its worker process ended with exit code {-job}")


def test_a_handler_that_cannot_be_made_fails_every_job():
    results = list(run_workers(make_none, [1, 2], 1))
    assert [job for job, _ in results] == [1, 2]
    assert all(isinstance(result, Died) for _, result in results)


def test_notices_arrive_in_order_and_before_the_result_of_their_job():
    arrived = []
    for job, result in run_workers(make_counter, [0, 1, 2, 3, 4], 2, arrived.append):
        assert result == (Died("its worker process ended with exit code 3") if job == 3 else job)
        due = [f"{job}: {left} to go" for left in range(job, 0, -1)]
        assert [text for text in arrived if text.startswith(f"{job}:")] == due
    assert len(arrived) == 10


def test_jobs_are_drawn_only_as_they_are_needed():
    drawn = count()
    results = run_workers(make_square, (next(drawn) for _ in iter(int, 1)), 2)
    with contextlib.closing(results):
        for finished in range(1, 21):
            next(results)
            assert next(drawn) <= finished * 2 + 2  # this look counts as one more
    assert multiprocessing.active_children() == []


def test_closing_ends_workers_in_the_middle_of_their_jobs():
    results = run_workers(make_sleeper, [0.0, 3600.0, 3600.0], 2)
    assert next(results) == (0.0, None)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 5
    assert multiprocessing.active_children() == []


def test_an_error_in_the_jobs_ends_the_workers():
    def jobs():
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(run_workers(make_square, jobs(), 2))
    assert multiprocessing.active_children() == []


def test_there_is_a_core():
    assert 1 <= available_cores() <= os.cpu_count()
