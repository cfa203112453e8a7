"""SQL files are read strictly."""

import pytest

from cloud_api.storage.statements import StatementsInvalid, parse, statement, statements


def test_every_statement_has_its_name_and_text() -> None:
    assert statement("copy_samples").startswith("copy sample")
    assert all(text and not text.endswith(";") for text in statements().values())


def test_comments_may_stand_before_the_first_name() -> None:
    assert parse("-- About.\n\n-- name: one\nselect 1;\n-- name: two\n-- why\nselect 2\n", "x.sql") == [
        ("one", "select 1"),
        ("two", "-- why\nselect 2"),
    ]


@pytest.mark.parametrize("text", ["select 1", "select 0\n-- name: one\nselect 1"])
def test_text_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(StatementsInvalid, match=r"x\.sql"):
        parse(text, "x.sql")
