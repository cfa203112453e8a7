"""Texts that no database holds are found in bodies, with their place; what can be stored passes."""

import json

import pytest

from cloud_api.unstorable import body_problem


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        (rb'{"unit": "a\u0000b"}', "unit", "a\\u0000b"),
        (rb'{"tags": [{"unit": "A"}, {"unit": "\ud800"}]}', "tags.1.unit", "\\ud800"),
        (rb'{"attributes": {"x\u0000": 1}}', "attributes.x\\u0000", "x\\u0000"),
        (rb'["\udc00\ud83d"]', "0", "\\udc00\\ud83d"),
        (rb'"\u0000"', "body", "\\u0000"),
    ],
)
def test_a_text_that_cannot_be_stored_is_named(body: bytes, field: str, value: str):
    problem = body_problem(body)
    assert problem is not None
    assert (problem.fields[0].field, problem.fields[0].value) == (field, value)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"name": "炉 😀", "note": "line\nend\t\\u0000"}).encode(),
        json.dumps({"name": "炉 😀"}, ensure_ascii=False).encode(),
        rb'{"path": "C:\\ud800"}',
        rb'{"broken": "\u0000',
        b"[" * 100_000 + rb'"\u0000"' + b"]" * 100_000,
        b"\xff\\u0000",
        b"",
    ],
)
def test_everything_else_passes(body: bytes):
    assert body_problem(body) is None
