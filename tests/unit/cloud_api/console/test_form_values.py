"""What people write into fields, as the members of a document, and back."""

from typing import Any

import pytest

from cloud_api.console.api import Refused
from cloud_api.console.parts.form import pairs_of, parsed, shown
from cloud_api.console.parts.members import flat
from cloud_api.console.refusals import problems_of
from cloud_api.console.words import Language, words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("80", 80),
        ("1.5", 1.5),
        ("$hot", "$hot"),
        ("2%", "2%"),
        ("", None),
        (None, None),
        ("true", "true"),
        ("NaN", "NaN"),
    ],
)
def test_a_number_is_one_and_everything_else_stays_for_the_api_to_judge(text: str | None, value: Any):
    assert parsed(text) == value


@pytest.mark.parametrize(
    "table", [{"hot": 60}, {"priority": "critical", "variables": {"hot": 70.5}}, {"a": "./current"}]
)
def test_pairs_come_back_as_they_were(table: dict[str, Any]):
    assert pairs_of("\n".join(f"{name} = {shown(value)}" for name, value in flat(table))) == table


def test_a_refusal_of_one_field_and_of_several_are_read_alike():
    one = Refused(422, {"field": "name", "detail": "is taken", "allowed": "a name that is free"})
    several = Refused(422, {"errors": [{"field": "a.b", "detail": "is wrong"}, {"field": "body.c", "detail": "too"}]})
    assert problems_of(words(Language.EN), one) == [("name", "is taken (a name that is free)")]
    assert problems_of(words(Language.EN), several) == [("a.b", "is wrong"), ("c", "too")]
