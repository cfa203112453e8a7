"""Progress is for a terminal; columns, values and times read the same everywhere."""

import io
import math

import pytest

from edge_agent.commissioning.screen import Progress, columns, json_value, time_text, value_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "is_shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_progress_is_shown_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, is_shown: bool):
    monkeypatch.setattr("sys.stderr", stream)
    with Progress() as progress:
        progress.say("3 of 7")
    assert ("3 of 7" in stream.getvalue()) is is_shown
    assert stream.getvalue().endswith("\x1b[2K") is is_shown


def test_columns_are_aligned_and_have_no_trailing_blanks():
    assert columns([("a", "bb", ""), ("ccc", "d", "e")]) == ["a    bb", "ccc  d   e"]


def test_values_are_short_and_stay_on_their_line():
    assert value_text(21.987654321) == "21.98765"
    assert value_text(True) == "true"
    assert value_text(None) == "-"
    assert "\n" not in value_text("a\nb")
    assert len(value_text("x" * 500)) == 60


def test_numbers_that_json_lacks_are_words():
    assert [json_value(value) for value in (math.nan, math.inf, -math.inf, 1.5)] == [
        "NaN",
        "Infinity",
        "-Infinity",
        1.5,
    ]


def test_time_is_rfc_3339_in_utc():
    assert time_text(1_767_225_600_000_000) == "2026-01-01T00:00:00.000Z"
    assert time_text(1_767_225_600_000_001) == "2026-01-01T00:00:00.000001Z"
