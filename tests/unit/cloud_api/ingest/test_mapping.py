"""Mappings change path, kind and scale of samples exactly, or say which value cannot be changed."""

import pytest

from cloud_api.ingest.mapping import Mapping, MappingInvalid
from cloud_api.ingest.rejects import KeptSamples
from schemas.sample import Kind, Value


def mapped(kind: Kind, values: list[Value], mapping: Mapping) -> tuple[Kind, list[Value]]:
    found = mapping.applied(KeptSamples(kind, list(range(len(values))), [0] * len(values), values))
    return found.kind, list(found.values)


def test_an_empty_mapping_changes_nothing():
    kept = KeptSamples(Kind.I64, [1], [0], [2**62 + 1])
    assert Mapping().applied(kept) is kept
    assert Mapping().is_empty


def test_text_becomes_numbers_and_numbers_text():
    assert mapped(Kind.STR, ["1.5", " 2 "], Mapping(kind=Kind.F64)) == (Kind.F64, [1.5, 2.0])
    assert mapped(Kind.STR, ["9223372036854775807"], Mapping(kind=Kind.I64)) == (Kind.I64, [2**63 - 1])
    assert mapped(Kind.F64, [1.5], Mapping(kind=Kind.STR)) == (Kind.STR, ["1.5"])
    assert mapped(Kind.F64, [3.0], Mapping(kind=Kind.I64)) == (Kind.I64, [3])
    assert mapped(Kind.STR, ["on", "FALSE", "1"], Mapping(kind=Kind.BOOL)) == (Kind.BOOL, [True, False, True])
    assert mapped(Kind.F64, [1.0, 0.0], Mapping(kind=Kind.BOOL)) == (Kind.BOOL, [True, False])


def test_scaled_values_are_floats_unless_told_otherwise():
    assert mapped(Kind.I64, [10, 20], Mapping(scale=0.1, offset=1.0)) == (Kind.F64, [2.0, 3.0])
    assert mapped(Kind.STR, ["21.5"], Mapping(kind=Kind.F64, scale=2.0)) == (Kind.F64, [43.0])
    assert mapped(Kind.I64, [5], Mapping(kind=Kind.I64, scale=2.0)) == (Kind.I64, [10])


@pytest.mark.parametrize(
    ("kind", "value", "mapping"),
    [
        (Kind.STR, "warm", Mapping(kind=Kind.F64)),
        (Kind.F64, 1.5, Mapping(kind=Kind.I64)),
        (Kind.F64, float("nan"), Mapping(kind=Kind.I64)),
        (Kind.I64, -1, Mapping(kind=Kind.U64)),
        (Kind.F64, 1e30, Mapping(kind=Kind.I64)),
        (Kind.I64, 2, Mapping(kind=Kind.BOOL)),
        (Kind.STR, "1", Mapping(scale=2.0)),
        (Kind.F64, 1.0, Mapping(kind=Kind.JSON)),
    ],
)
def test_what_would_lose_something_is_refused(kind: Kind, value: Value, mapping: Mapping):
    with pytest.raises(MappingInvalid):
        mapped(kind, [value], mapping)


def test_samples_without_a_value_stay_without_one():
    kept = KeptSamples(Kind.NONE, [1], [0x80000000], [])
    assert Mapping(kind=Kind.F64, scale=2.0).applied(kept) is kept
