"""How many requests of one caller run at once; streams count apart."""

import threading

import pytest

from cloud_api.auth.pace import Pace
from cloud_api.problems import Problem


def test_requests_of_one_caller_run_up_to_a_number():
    pace = Pace(per_minute=1000, running_max=2, streams_max=1)
    with pace.running("key:1", "/api/v1/query"):
        with pace.running("key:1", "/api/v1/query"):
            with pytest.raises(Problem, match="2 requests of one caller"), pace.running("key:1", "/api/v1/latest"):
                pass
            with pace.running("key:2", "/api/v1/query"):
                pass
        with pace.running("key:1", "/api/v1/query"):
            pass


def test_streams_count_apart():
    pace = Pace(per_minute=1000, running_max=1, streams_max=1)
    with pace.running("key:1", "/api/v1/stream"):
        with pace.running("key:1", "/api/v1/query"):
            pass
        with pytest.raises(Problem, match="1 streams"), pace.running("key:1", "/api/v1/alarms/stream"):
            pass


def test_a_request_that_fails_runs_no_longer():
    pace = Pace(per_minute=1000, running_max=1, streams_max=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), pace.running("key:1", "/"):
            raise ValueError("broken")


def test_counting_starts_no_thread_for_each_request():
    pace = Pace(per_minute=1000, running_max=1, streams_max=1)
    pace.step("key:1")
    before = set(threading.enumerate())
    for _ in range(50):
        pace.step("key:1")
    assert set(threading.enumerate()) <= before
