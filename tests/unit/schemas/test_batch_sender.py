"""A sender that offers what the protocol has no form for is told the field, the value and what is allowed."""

import dataclasses
import random
from typing import Any

import pytest

from schemas.batch import Batch, BatchInvalid, BatchTooLarge, Column, Gap, encode, encode_json
from schemas.limits import MAX_COLUMNS, MAX_DEVICES, MAX_GAPS, MAX_SAMPLES, MAX_TAGS, MAX_TEXT_BYTES
from schemas.sample import Kind

EPOCH = bytes(range(16))
COLUMN = Column(Kind.F64, [0, 1], [10, 20], None, [1.5, 2.5])
BATCH = Batch("agent-1", EPOCH, 7, 5, tags=("a/b", "a/c"), columns=(COLUMN,))


def changed(**changes: Any) -> Batch:
    return dataclasses.replace(BATCH, **changes)


def with_column(**changes: Any) -> Batch:
    return dataclasses.replace(BATCH, columns=(dataclasses.replace(COLUMN, **changes),))


def noise(seed: int) -> str:
    """Return a text that no compressor makes much smaller."""
    return "".join(chr(letter) for letter in random.Random(seed).choices(range(0x4E00, 0x9000), k=20_000))


@pytest.mark.parametrize(
    ("batch", "field", "value"),
    [
        (changed(agent="no/slash"), "agent", "no/slash"),
        (changed(epoch=b"short"), "epoch", b"short".hex()),
        (changed(seq=0), "seq", (0, 0)),
        (changed(base_us=2**63), "base", 2**63),
        (changed(dictionary=bytes(8)), "dict", bytes(8).hex()),
        (changed(tags=None), "tags", None),
        (changed(until={"": 1}), "until", ""),
        (changed(until={"d": 2**63}), "until d", 2**63),
        (changed(gaps=(Gap(2, 1, "outbox_full"),)), "gaps[0].to", 1),
        (changed(gaps=(Gap(1, 2, "Full!"),)), "gaps[0].reason", "Full!"),
        (with_column(tags=[0, 2]), "column f64.i", 2),
        (with_column(tags=[-1, 0]), "column f64.i", -1),
        (with_column(tags=[0, "1"]), "column f64.i", "1"),
        (with_column(times_us=[1]), "column f64.t", 1),
        (with_column(times_us=[1, 2.5]), "column f64.t", 2.5),
        (with_column(times_us=[0, 2**64]), "column f64.t", (0, 2**64)),
        (with_column(statuses=[0, -1]), "column f64.s", -1),
        (with_column(statuses=[0, 2**32]), "column f64.s", 2**32),
        (with_column(values=[1.0]), "column f64.x", 1),
        (with_column(values=None), "column f64.x", None),
        (with_column(values=[1.0, None]), "column f64.x[1]", None),
        (with_column(values=[1.0, "2"]), "column f64.x[1]", "2"),
        (with_column(kind=Kind.F32, values=[1.0, 1e39]), "column f32.x[1]", 1e39),
        (with_column(kind=Kind.I64, values=[1, 2.0]), "column i64.x[1]", 2.0),
        (with_column(kind=Kind.I64, values=[1, 2**63]), "column i64.x[1]", 2**63),
        (with_column(kind=Kind.U64, values=[1, -1]), "column u64.x[1]", -1),
        (with_column(kind=Kind.BOOL, values=[True, 2]), "column bool.x[1]", 2),
        (with_column(kind=Kind.BOOL, values=[True, 1.0]), "column bool.x[1]", 1.0),
        (with_column(kind=Kind.STR, values=["a", 1]), "column str.x[1]", 1),
        (with_column(kind=Kind.STR, values=["a", "\ud800"]), "column str.x[1]", "\ud800"),
        (with_column(kind=Kind.NONE), "column none.x", [1.5, 2.5]),
    ],
)
@pytest.mark.parametrize("form", [encode, encode_json])
def test_names_what_is_wrong(form: Any, batch: Batch, field: str, value: object) -> None:
    with pytest.raises(BatchInvalid) as caught:
        form(batch)
    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.allowed in str(caught.value)


@pytest.mark.parametrize(
    ("batch", "what"),
    [
        (changed(tags=("t",) * (MAX_TAGS + 1)), "tags"),
        (changed(columns=(COLUMN,) * (MAX_COLUMNS + 1)), "cols"),
        (changed(until={f"d{at}": 1 for at in range(MAX_DEVICES + 1)}), "until"),
        (changed(gaps=(Gap(1, 2, "outbox_full"),) * (MAX_GAPS + 1)), "gaps"),
        (changed(columns=(Column(Kind.NONE, [0] * 20_001, [0] * 20_001, None, None),)), "samples"),
        (with_column(kind=Kind.STR, values=["", "é" * (MAX_TEXT_BYTES // 2 + 1)]), "column str.x[1]"),
        (with_column(kind=Kind.STR, tags=[0] * 20, times_us=[0] * 20, values=[noise(at) for at in range(20)]), "wire"),
    ],
)
@pytest.mark.parametrize("form", [encode, encode_json])
def test_says_what_is_too_large(form: Any, batch: Batch, what: str) -> None:
    with pytest.raises(BatchTooLarge) as caught:
        form(batch)
    assert caught.value.what == what
    assert caught.value.size > caught.value.limit


def test_a_body_above_four_mebibytes_is_refused_although_it_compresses() -> None:
    count = 80
    batch = with_column(kind=Kind.STR, tags=[0] * count, times_us=[0] * count, values=["a" * MAX_TEXT_BYTES] * count)
    with pytest.raises(BatchTooLarge, match="body"):
        encode(batch)


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(BatchInvalid) as caught:
        encode(with_column(values=[1.0, "x" * 10_000]))
    assert len(str(caught.value)) < 200


def test_most_samples_is_a_whole_batch() -> None:
    tags = [0] * MAX_SAMPLES
    assert encode(with_column(kind=Kind.BOOL, tags=tags, times_us=tags, values=[True] * MAX_SAMPLES))
