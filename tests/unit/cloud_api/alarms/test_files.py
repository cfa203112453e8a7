"""Definitions in files come back as they were, and a broken file says where."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.alarms.definitions.checking import read_definitions
from cloud_api.alarms.definitions.files import FileUnreadable, read_csv, read_toml, write_csv, write_toml
from cloud_api.alarms.definitions.models import Definition
from tests.unit.cloud_api.alarms.test_definitions import FULL

OTHERS: list[dict[str, Any]] = [
    FULL,
    {"name": "1.50", "target": {"path": "a"}, "condition": {"kind": "stale"}, "message": {"en": "true"}},
    {
        "name": 'commas, "quotes" and more',
        "target": {"path": "a/**"},
        "condition": {"kind": "discrete", "states": [1, True, "x,y"], "labels": {"1.5": {"en": "a"}}},
        "suppression": {"when": '"a/b" > 3', "group": {"name": "g", "is_cause": True}},
    },
]
DOCUMENTS = [Definition.model_validate(each).document() for each in OTHERS]


def read_again(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    definitions, problems = read_definitions(documents)
    assert problems == []
    return [each.document() for each in definitions]


def test_what_is_written_is_read_as_it_was() -> None:
    assert read_again(read_toml(write_toml(DOCUMENTS))) == DOCUMENTS
    assert read_again(read_csv(write_csv(DOCUMENTS))) == DOCUMENTS
    assert read_toml(write_toml([])) == read_csv("") == []


PRINTED = st.characters(codec="utf-8", exclude_categories=("C", "Z"))


@given(st.text(PRINTED, min_size=1, max_size=30))
def test_every_text_survives_both_forms(words: str) -> None:
    document = Definition.model_validate(FULL | {"name": words, "action": {"en": words}}).document()
    assert read_again(read_csv(write_csv([document]))) == [document]
    assert read_again(read_toml(write_toml([document]))) == [document]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[[definition]\n", "line 1"),
        ("definition = 3\n", "array of tables"),
        ("[[definitions]]\nname = 'a'\n", "definitions"),
    ],
)
def test_a_broken_toml_file_says_where(text: str, where: str) -> None:
    with pytest.raises(FileUnreadable, match=where):
        read_toml(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name,name\na,b\n", "name a column twice|column twice"),
        ("name,priority\na\n", "line 2 has 1 cells"),
        ("target,target.path\na,b\n", "line 2: target.path"),
    ],
)
def test_a_broken_csv_file_says_where(text: str, where: str) -> None:
    with pytest.raises(FileUnreadable, match=where):
        read_csv(text)


def test_problems_name_the_definition_that_has_them() -> None:
    _, problems = read_definitions([FULL, FULL, FULL | {"name": "b", "priority": "urgent"}, {"target": {}}])
    named = {each.field for each in problems}
    assert f"{FULL['name']}: name" in named
    assert "b: priority" in named
    assert "definition 4: name" in named
