"""Durations and sizes as people write them."""

import pytest

from edge_agent.quantities import duration_text, parse_duration_us, parse_size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100ms", 100_000), ("1s", 10**6), ("1.5 s", 1_500_000), ("5m", 3 * 10**8), ("5min", 3 * 10**8)],
)
def test_durations(text: str, expected: int) -> None:
    assert parse_duration_us(text) == expected
    assert parse_duration_us(duration_text(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("256KiB", 262_144), ("2GiB", 2 << 30), ("10MB", 10**7), ("1.5MiB", 1_572_864)]
)
def test_sizes(text: str, expected: int) -> None:
    assert parse_size_bytes(text) == expected


@pytest.mark.parametrize("text", [5, 5.0, "5", "", "s", "-1s", "1 fortnight", "1e3s", None, True, "1s2s"])
def test_what_has_no_unit_or_another_one_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="should be a duration"):
        parse_duration_us(text)
    with pytest.raises(ValueError, match="should be a size"):
        parse_size_bytes(text)
