"""What a query would cost, and the status of what it reads."""

import pytest

from cloud_api.query.buckets import Window
from cloud_api.query.resolution import UNCERTAIN_DATA_SUB_NORMAL, bucket_status, expected_samples
from schemas.status import BAD_NO_DATA, GOOD


@pytest.mark.parametrize(
    ("good", "all_of_them", "status"),
    [(5, 5, GOOD), (4, 5, UNCERTAIN_DATA_SUB_NORMAL), (0, 5, BAD_NO_DATA), (0, 0, BAD_NO_DATA)],
)
def test_status_of_a_bucket(good: int, all_of_them: int, status: int):
    assert bucket_status(good, all_of_them) == status


def test_expected_samples_need_every_period():
    window = Window(0, 60_000_000)
    assert expected_samples(window, [1.0, 0.5]) == 122 + 242
    assert expected_samples(window, [1.0, None]) is None
    assert expected_samples(window, [0.0]) is None
