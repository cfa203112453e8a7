"""Statuses: names and quality classes as in OPC UA Part 4."""

import pytest
from asyncua import ua

from schemas import status
from schemas.status import Quality, is_bad, name, quality, worst

OURS = {key: code for key, code in vars(status).items() if key.split("_")[0] in {"GOOD", "UNCERTAIN", "BAD"}}


@pytest.mark.parametrize("constant", OURS)
def test_codes_are_those_of_the_standard(constant: str) -> None:
    official = "".join(word.capitalize() for word in constant.split("_"))
    assert OURS[constant] == getattr(ua.StatusCodes, official)
    assert name(OURS[constant]) == official


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, Quality.GOOD),
        (status.GOOD_CLAMPED, Quality.GOOD),
        (0x3FFFFFFF, Quality.GOOD),
        (0x40000000, Quality.UNCERTAIN),
        (0x7FFFFFFF, Quality.UNCERTAIN),
        (0x80000000, Quality.BAD),
        (0xC0000000, Quality.BAD),
        (0xFFFFFFFF, Quality.BAD),
    ],
)
def test_quality_is_the_two_highest_bits(code: int, expected: Quality) -> None:
    assert quality(code) is expected
    assert is_bad(code) == (expected is Quality.BAD)


def test_name_ignores_info_bits() -> None:
    assert name(status.GOOD | status.INFO_OVERFLOW) == "Good"


def test_code_without_a_name_shows_its_class_and_number() -> None:
    assert name(0x80FF0001) == "Bad(0x80FF0000)"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (status.GOOD, status.UNCERTAIN, status.UNCERTAIN),
        (status.BAD_TIMEOUT, status.UNCERTAIN, status.BAD_TIMEOUT),
        (status.BAD_TIMEOUT, status.BAD_NO_COMMUNICATION, status.BAD_TIMEOUT),
        (status.GOOD_CLAMPED, status.GOOD, status.GOOD_CLAMPED),
        (0xC0000000, status.BAD_TIMEOUT, 0xC0000000),
        (status.BAD_TIMEOUT, 0xC0000000, status.BAD_TIMEOUT),
    ],
)
def test_worst_keeps_the_first_of_one_class(first: int, second: int, expected: int) -> None:
    assert worst(first, second) == expected
