"""Cursors: they hold a position, belong to one question, and show damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Problem

QUESTION = ("series", "a/**", None)


@given(st.text(max_size=1000))
def test_a_position_comes_back(position: str):
    assert read_cursor(write_cursor(position, QUESTION), QUESTION, str) == position


@given(st.integers(-(2**63), 2**63 - 1), st.data())
def test_one_changed_character_is_seen(position: int, data: st.DataObject):
    cursor = write_cursor(position, QUESTION)
    index = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda char: char != cursor[index]))
    damaged = cursor[:index] + other + cursor[index + 1 :]
    if index == len(cursor) - 1:
        return  # the last character may hold bits that no byte has
    with pytest.raises(Problem) as caught:
        read_cursor(damaged, QUESTION, int)
    assert caught.value.kind.name == "cursor-invalid"


@pytest.mark.parametrize("other", [("series", "b/**", None), ("latest", "a/**", None), ("series", "a/**", "None")])
def test_a_cursor_of_another_question_is_refused(other: tuple[object, ...]):
    with pytest.raises(Problem) as caught:
        read_cursor(write_cursor("a/x", QUESTION), other, str)
    assert caught.value.kind.status == 400


@pytest.mark.parametrize("text", ["", "x", "%%%", "A" * 5000, "äöü", "AAAAAAAAAAAA"])
def test_rubbish_is_refused(text: str):
    with pytest.raises(Problem):
        read_cursor(text, QUESTION, str)


def test_a_position_of_another_type_is_refused():
    with pytest.raises(Problem):
        read_cursor(write_cursor("text", QUESTION), QUESTION, int)
