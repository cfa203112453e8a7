"""Kinds widen when no digit is lost, and contradict otherwise."""

import pytest

from cloud_api.ingest.kinds import joined_kind
from schemas.sample import Kind

NUMBERS = (Kind.BOOL, Kind.I64, Kind.U64, Kind.F32, Kind.F64)


@pytest.mark.parametrize("kind", Kind)
def test_none_never_contradicts(kind: Kind) -> None:
    assert joined_kind(kind, Kind.NONE) is kind
    assert joined_kind(Kind.NONE, kind) is kind
    assert joined_kind(kind, kind) is kind


@pytest.mark.parametrize("text", [Kind.STR, Kind.JSON])
@pytest.mark.parametrize("number", NUMBERS)
def test_text_and_numbers_contradict(text: Kind, number: Kind) -> None:
    assert joined_kind(text, number) is None
    assert joined_kind(number, text) is None


def test_text_is_not_json() -> None:
    assert joined_kind(Kind.STR, Kind.JSON) is None
    assert joined_kind(Kind.JSON, Kind.STR) is None


@pytest.mark.parametrize(
    ("series", "column", "joined"),
    [
        (Kind.BOOL, Kind.I64, Kind.I64),
        (Kind.BOOL, Kind.F32, Kind.F32),
        (Kind.I64, Kind.BOOL, Kind.I64),
        (Kind.I64, Kind.U64, Kind.I64),
        (Kind.U64, Kind.I64, Kind.U64),
        (Kind.I64, Kind.F32, Kind.F64),
        (Kind.F32, Kind.I64, Kind.F64),
        (Kind.F32, Kind.F64, Kind.F64),
        (Kind.F64, Kind.F32, Kind.F64),
        (Kind.F64, Kind.U64, Kind.F64),
    ],
)
def test_numbers_widen(series: Kind, column: Kind, joined: Kind) -> None:
    assert joined_kind(series, column) is joined
