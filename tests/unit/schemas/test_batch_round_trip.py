"""What goes into a batch comes out of it, bit for bit, in both forms."""

import dataclasses
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import Batch, Column, decode, dictionary_hash, encode, encode_json, read_header, unpack
from schemas.columns import shuffle, unshuffle
from schemas.limits import MAX_SAMPLES
from schemas.sample import Kind
from tests.unit.schemas.strategies import batches

EPOCH = bytes(range(16))
BASE_US = 1_700_000_000_000_000


def bits(batch: Batch) -> object:
    """Return the batch in a form that compares NaN with NaN and keeps -0.0 apart from 0."""
    columns = [
        (
            column.kind,
            list(column.tags),
            list(column.times_us),
            column.statuses and list(column.statuses),
            None if column.values is None else [repr(value) for value in column.values],
        )
        for column in batch.columns
    ]
    return dataclasses.replace(batch, columns=(), until=dict(batch.until)), columns


def one_column(kind: Kind, values: list[object] | None, count: int | None = None) -> Batch:
    count = len(values or ()) if count is None else count
    column = Column(kind, list(range(count)), [BASE_US + at for at in range(count)], None, values)
    return Batch("agent-1", EPOCH, 7, BASE_US, tags=tuple(f"t/{at}" for at in range(count)), columns=(column,))


@given(batches())
def test_binary_form_round_trips(batch: Batch) -> None:
    assert bits(decode(encode(batch))) == bits(batch)


@given(batches())
def test_json_form_says_the_same_as_the_binary_one(batch: Batch) -> None:
    from_json, from_binary = decode(encode_json(batch)), decode(encode(batch))
    assert bits(from_json) == bits(from_binary)


@given(batches())
def test_both_forms_unpack_to_the_same_packed_columns(batch: Batch) -> None:
    assert unpack(encode_json(batch)).columns == unpack(encode(batch)).columns


@given(batches())
def test_header_is_readable_in_both_forms(batch: Batch) -> None:
    for payload in (encode(batch), encode_json(batch)):
        header = read_header(payload)
        assert (header.epoch, header.seq) == (batch.epoch, batch.seq)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.F64, [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308]),
        (Kind.F32, [math.nan, math.inf, -math.inf, -0.0, 1.401298464324817e-45, 3.4028234663852886e38]),
        (Kind.I64, [-(2**63), 2**63 - 1, 0, -1]),
        (Kind.U64, [0, 2**64 - 1, 2**63]),
        (Kind.BOOL, [True, False]),
        (Kind.STR, ["", "温度", "a\nb", "\x00", "é" * 100]),
        (Kind.JSON, ["{}", '{"a":[1,2.5,null]}']),
    ],
)
def test_edge_values_survive_both_forms(kind: Kind, values: list[object]) -> None:
    batch = one_column(kind, values)
    assert bits(decode(encode(batch))) == bits(batch)
    assert bits(decode(encode_json(batch))) == bits(batch)


def test_values_keep_their_type() -> None:
    for kind, values in ((Kind.BOOL, [True]), (Kind.I64, [1]), (Kind.F64, [1.0])):
        column = decode(encode(one_column(kind, list(values)))).columns[0]
        assert column.values is not None
        assert [type(value) for value in column.values] == [type(value) for value in values]


def test_floats_take_whole_numbers() -> None:
    assert decode(encode(one_column(Kind.F64, [3]))).columns[0].values == [3.0]


def test_empty_batch_says_only_how_far_its_devices_were_measured() -> None:
    batch = Batch("agent-1", EPOCH, 1, BASE_US, until={"press-03": BASE_US})
    assert decode(encode(batch)) == batch
    assert decode(encode(batch)).sample_count == 0


def test_two_samples_of_one_tag_may_sit_in_one_batch() -> None:
    column = Column(Kind.I64, [0, 0, 0], [BASE_US + 2, BASE_US, BASE_US + 1], None, [3, 1, 2])
    batch = Batch("agent-1", EPOCH, 1, BASE_US, tags=("a",), columns=(column,))
    assert bits(decode(encode(batch))) == bits(batch)


def test_all_good_statuses_are_left_out() -> None:
    batch = one_column(Kind.F64, [1.0, 2.0])
    with_zeros = dataclasses.replace(batch, columns=(dataclasses.replace(batch.columns[0], statuses=[0, 0]),))
    assert encode(with_zeros) == encode(batch)
    assert encode_json(with_zeros) == encode_json(batch)
    assert unpack(encode(batch)).columns[0].status_bytes is None


def test_a_full_batch_of_the_most_samples_fits() -> None:
    batch = one_column(Kind.NONE, None, MAX_SAMPLES)
    decoded = decode(encode(batch))
    assert decoded.sample_count == MAX_SAMPLES
    assert decoded.columns[0].times_us == batch.columns[0].times_us


def test_frames_are_used_only_where_they_are_smaller() -> None:
    small = Batch("a", EPOCH, 1, 0)
    assert not read_header(encode(small)).is_zstd
    assert read_header(encode(one_column(Kind.F64, [1.5] * 500))).is_zstd


def test_packed_columns_are_what_the_protocol_says() -> None:
    column = Column(Kind.F64, [2, 0], [BASE_US + 5, BASE_US + 4], [0, 0x80310000], [1.0, 2.0])
    packed = unpack(encode(Batch("a", EPOCH, 1, BASE_US, tags=("x", "y", "z"), columns=(column,)))).columns[0]
    assert unshuffle(packed.tag_bytes, 4) == struct.pack("<2i", 2, -2)
    assert unshuffle(packed.time_bytes, 8) == struct.pack("<2q", 5, -1)
    assert packed.status_bytes is not None
    assert unshuffle(packed.status_bytes, 4) == struct.pack("<2I", 0, 0x80310000)
    assert packed.value_bytes is not None
    assert unshuffle(packed.value_bytes, 8) == struct.pack("<2d", 1.0, 2.0)


@given(st.binary(max_size=64), st.sampled_from([1, 4, 8]))
def test_shuffle_is_undone(plain: bytes, width: int) -> None:
    plain = plain[: len(plain) // width * width]
    shuffled = shuffle(plain, width)
    assert unshuffle(shuffled, width) == plain
    assert sorted(shuffled) == sorted(plain)
    if len(plain) >= 2 * width:
        assert shuffled[:2] == bytes([plain[0], plain[width]])


def test_dictionary_hash_depends_on_order_and_borders() -> None:
    hashes = {dictionary_hash(tags) for tags in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], [])}
    assert len(hashes) == 5
    assert all(len(digest) == 8 for digest in hashes)
