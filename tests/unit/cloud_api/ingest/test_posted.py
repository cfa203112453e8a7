"""The body of POST /samples: exact values, every wrong item named, nothing half taken."""

import json
import math

import pytest

from cloud_api.ingest.posted import read_samples
from cloud_api.problems import Problem
from schemas.sample import Kind, Sample

TIME = "1970-01-01T00:00:01Z"
BAD = 0x80000000


def read(*items: object) -> list[Sample]:
    return read_samples(json.dumps(items).encode())


def item(**changes: object) -> dict[str, object]:
    return {"path": "a/b", "time": TIME, "value": 1.5} | changes


def refused(*items: object) -> Problem:
    with pytest.raises(Problem) as caught:
        read(*items)
    assert caught.value.kind.status == 422
    return caught.value


def test_reads_a_sample():
    assert read(item(status=5)) == [Sample("a/b", Kind.F64, 1.5, 5, 1_000_000)]


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("true", Kind.BOOL, True),
        ("1", Kind.I64, 1),
        ("1.0", Kind.F64, 1.0),
        ("9223372036854775807", Kind.I64, 2**63 - 1),
        ("9223372036854775808", Kind.U64, 2**63),
        ("18446744073709551615", Kind.U64, 2**64 - 1),
        ("-9223372036854775808", Kind.I64, -(2**63)),
        ('"温度"', Kind.STR, "温度"),
        ('"NaN"', Kind.STR, "NaN"),
    ],
)
def test_a_value_says_its_kind(raw: str, kind: Kind, value: object):
    (sample,) = read_samples(f'[{{"path":"a","time":"{TIME}","value":{raw}}}]'.encode())
    assert (sample.kind, sample.value) == (kind, value)
    assert type(sample.value) is type(value)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (1, "f64", 1.0),
        ("Infinity", "f64", math.inf),
        ("18446744073709551615", "u64", 2**64 - 1),
        (7, "i64", 7),
        (False, "bool", False),
        ("x", "str", "x"),
        ({"a": [1, None]}, "json", '{"a":[1,null]}'),
    ],
)
def test_a_kind_may_be_named(value: object, kind: str, expected: object):
    (sample,) = read(item(value=value, kind=kind))
    assert (sample.kind, sample.value) == (Kind(kind), expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**53 + 1, "f64"),
        (True, "f64"),
        (1.5, "i64"),
        (True, "i64"),
        (-1, "u64"),
        (2**63, "i64"),
        ("1e3", "i64"),
        (1, "bool"),
        (1, "str"),
        (1, "f32"),
        (1, "none"),
        (1, "int"),
    ],
)
def test_nothing_is_bent_into_a_kind(value: object, kind: str):
    assert refused(item(value=value, kind=kind)).fields[0].field in {"0.value", "0.kind"}


def test_a_missing_value_needs_a_bad_status():
    (sample,) = read(item(value=None, status=BAD))
    assert (sample.kind, sample.value, sample.status) == (Kind.NONE, None, BAD)
    assert refused(item(value=None)).fields[0].field == "0.value"


@pytest.mark.parametrize(
    "change",
    [
        {"path": ""},
        {"path": "a//b"},
        {"path": "a/*"},
        {"path": "cafe\u0301"},
        {"time": "1970-01-01T00:00:00"},
        {"time": 5},
        {"status": -1},
        {"status": 2**32},
        {"status": "good"},
        {"value": [1]},
        {"value": {"a": 1}},
        {"value": 2**64},
        {"value": "x\0y"},
        {"value": "x" * 65_537},
        {"vlaue": 1},
    ],
)
def test_refuses(change: dict[str, object]):
    assert refused(item(**change)).fields[0].field.startswith("0.")


def test_every_wrong_item_is_named():
    problem = refused(item(), item(path="a//b"), item(time="x"))
    assert [field.field for field in problem.fields] == ["1.path", "2.time"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"[1", b"\xff", b"[" * 5000, b"[[[]]]"])
def test_refuses_what_is_no_list_of_samples(body: bytes):
    with pytest.raises(Problem):
        read_samples(body)
