"""The codec: every type, order, half, bit and string layout, alone and in blocks, there and back again."""

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.decode import (
    LAYOUTS,
    ORDERS,
    TEXT_ORDERS,
    Encoding,
    WordField,
    WordType,
    bit_decoder,
    byte_positions,
    register_decoder,
)
from connectors.modbus.encode import WHOLE, encode, mask
from schemas.sample import Kind, Value

INT_BITS = {WordType.INT16: 16, WordType.INT32: 32, WordType.INT64: 64, WordType.INT8_HIGH: 8, WordType.INT8_LOW: 8}
UINT_BITS = {
    WordType.UINT16: 16,
    WordType.UINT32: 32,
    WordType.UINT64: 64,
    WordType.UINT8_HIGH: 8,
    WordType.UINT8_LOW: 8,
}
FLOAT_BITS = {WordType.FLOAT16: 16, WordType.FLOAT32: 32, WordType.FLOAT64: 64}
BCD_DIGITS = {WordType.BCD16: 4, WordType.BCD32: 8, WordType.BCD64: 16}


def values_of(type_: WordType) -> st.SearchStrategy[Value]:
    if type_ in INT_BITS:
        half = 1 << (INT_BITS[type_] - 1)
        return st.integers(-half, half - 1)
    if type_ in UINT_BITS:
        return st.integers(0, (1 << UINT_BITS[type_]) - 1)
    if type_ in FLOAT_BITS:
        return st.floats(width=FLOAT_BITS[type_])  # pyright: ignore[reportArgumentType]
    if type_ in BCD_DIGITS:
        return st.integers(0, 10 ** BCD_DIGITS[type_] - 1)
    return st.booleans()


@st.composite
def fields_with_values(draw: st.DrawFn) -> tuple[WordField, Value]:
    type_ = draw(st.sampled_from(WordType))
    if type_ is WordType.STRING:
        return draw(_texts())
    order = draw(st.sampled_from(sorted(ORDERS[LAYOUTS[type_].registers])))
    bit = draw(st.integers(0, 15)) if type_ is WordType.BOOL else 0
    return WordField(type_, order, bit=bit), draw(values_of(type_))


@st.composite
def _texts(draw: st.DrawFn) -> tuple[WordField, Value]:
    encoding = draw(st.sampled_from(Encoding))
    order = draw(st.sampled_from(TEXT_ORDERS))
    alphabet = st.characters(codec=encoding.value, exclude_characters="\0", exclude_categories=["Cs"])
    text = draw(st.text(alphabet, max_size=12))
    room = len(text.encode(encoding.value))
    length = max(1, room if order in "AB" and len(order) == 1 else -(-room // 2)) + draw(st.integers(0, 2))
    return WordField(WordType.STRING, order, length=length, encoding=encoding), text


def same(left: Value, right: Value) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return left == right and type(left) is type(right)


@given(fields_with_values())
def test_decode_is_the_inverse_of_encode(case: tuple[WordField, Value]):
    field, value = case
    registers = encode(field, value)
    assert len(registers) == 2 * field.registers
    (decoded,) = register_decoder([(0, field)]).values(registers)
    assert same(value, decoded)


@given(st.lists(st.tuples(fields_with_values(), st.integers(0, 3)), min_size=1, max_size=12), st.binary(max_size=6))
def test_a_block_decodes_each_point_as_if_alone(placed: list[tuple[tuple[WordField, Value], int]], filler: bytes):
    data, layout, values = bytearray(), [], []
    for (field, value), gap in placed:
        data += (filler + b"\xa5" * 2 * gap)[: 2 * gap]
        layout.append((len(data) // 2, field))
        values.append(value)
        data += encode(field, value)
    decoder = register_decoder(layout)
    found = decoder.values(bytes(data))
    assert len(found) == len(values)
    assert all(same(value, got) for value, got in zip(values, found, strict=True))
    assert decoder.kinds == tuple(field.kind for _, field in layout)


@given(st.binary(min_size=8, max_size=8))
def test_points_may_overlap(data: bytes):
    fields = [(0, WordField(WordType.UINT64, "ABCD")), (1, WordField(WordType.INT16, "AB")), (2, _flag(3))]
    assert register_decoder(fields).values(data) == [
        int.from_bytes(data, "big"),
        int.from_bytes(data[2:4], "big", signed=True),
        bool(data[5] & 8),
    ]


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
def test_four_orders_of_32_bits(order: str):
    wire = bytes(b"\x12\x34\x56\x78"["ABCD".index(letter)] for letter in order)
    assert register_decoder([(0, WordField(WordType.UINT32, order))]).values(wire)[0] == 0x12345678
    assert encode(WordField(WordType.UINT32, order), 0x12345678) == wire


EIGHT = ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA", "EFGHABCD", "CDABGHEF", "DCBAHGFE", "FEHGBADC"]


@pytest.mark.parametrize("order", EIGHT)
def test_all_orders_of_64_bits_that_keep_registers_together(order: str):
    wire = bytes(bytes.fromhex("0123456789abcdef")["ABCDEFGH".index(letter)] for letter in order)
    assert register_decoder([(0, WordField(WordType.UINT64, order))]).values(wire)[0] == 0x0123456789ABCDEF


@pytest.mark.parametrize(
    ("short", "full", "single"),
    [("ABCD", EIGHT[0], "AB"), ("CDAB", EIGHT[1], "AB"), ("BADC", EIGHT[2], "BA"), ("DCBA", EIGHT[3], "BA")],
)
def test_a_devices_order_holds_for_all_widths(short: str, full: str, single: str):
    assert byte_positions(WordField(WordType.INT64, short)) == byte_positions(WordField(WordType.INT64, full))
    assert byte_positions(WordField(WordType.INT16, short)) == byte_positions(WordField(WordType.INT16, single))


@pytest.mark.parametrize(
    ("type_", "wire", "value"),
    [
        (WordType.INT8_HIGH, "fe01", -2),
        (WordType.INT8_LOW, "01fe", -2),
        (WordType.UINT8_HIGH, "fe01", 254),
        (WordType.UINT8_LOW, "01fe", 254),
        (WordType.INT16, "8000", -32768),
        (WordType.UINT16, "8000", 32768),
        (WordType.INT32, "fffffffe", -2),
        (WordType.UINT32, "fffffffe", 4294967294),
        (WordType.INT64, "8000000000000000", -(2**63)),
        (WordType.UINT64, "ffffffffffffffff", 2**64 - 1),
        (WordType.FLOAT16, "3e00", 1.5),
        (WordType.FLOAT32, "42c80000", 100.0),
        (WordType.FLOAT64, "4009 21fb 5444 2d18", math.pi),
        (WordType.FLOAT32, "7f800000", math.inf),
        (WordType.BCD16, "1234", 1234),
        (WordType.BCD32, "00012345", 12345),
        (WordType.BCD64, "9999999999999999", 9999999999999999),
    ],
)
def test_known_words(type_: WordType, wire: str, value: Value):
    (decoded,) = register_decoder([(0, WordField(type_, "ABCD"))]).values(bytes.fromhex(wire))
    assert same(value, decoded)


@pytest.mark.parametrize("bit", range(16))
def test_bits_count_from_the_least_significant(bit: int):
    word = struct.pack(">H", 1 << bit)
    flags = register_decoder([(0, _flag(at)) for at in range(16)]).values(word)
    assert flags == [at == bit for at in range(16)]


@pytest.mark.parametrize("wire", ["a000", "123f", "0a00"])
def test_digits_above_nine_are_no_value(wire: str):
    assert register_decoder([(0, WordField(WordType.BCD16, "AB"))]).values(bytes.fromhex(wire)) == [None]


@pytest.mark.parametrize(
    ("order", "wire"), [("AB", b"PUMP"), ("BA", b"UPPM"), ("A", b"P.U.M.P."), ("B", b".P.U.M.P")], ids=TEXT_ORDERS
)
def test_string_layouts(order: str, wire: bytes):
    field = WordField(WordType.STRING, order, length=len(wire) // 2)
    assert register_decoder([(0, field)]).values(wire) == ["PUMP"]


def test_strings_end_at_the_first_nul_and_keep_their_blanks():
    field = WordField(WordType.STRING, "AB", length=4)
    assert register_decoder([(0, field)]).values(b"ab \0xy\0\0") == ["ab "]
    assert register_decoder([(0, field)]).values(b"\0" * 8) == [""]


def test_bytes_that_are_no_text_of_the_encoding_are_no_value():
    field = WordField(WordType.STRING, "AB", length=1, encoding=Encoding.UTF_8)
    assert register_decoder([(0, field)]).values(b"\xff\xfe") == [None]
    chinese = WordField(WordType.STRING, "AB", length=2, encoding=Encoding.GB18030)
    assert register_decoder([(0, chinese)]).values("配方".encode("gb18030")) == ["配方"]


@given(st.binary(min_size=1, max_size=250), st.data())
def test_bits_of_coils_come_least_significant_first(data: bytes, drawn: st.DataObject):
    offsets = drawn.draw(st.lists(st.integers(0, 8 * len(data) - 1), min_size=1, max_size=50))
    decoder = bit_decoder(offsets)
    assert list(decoder.values(data)) == [bool(data[offset // 8] >> offset % 8 & 1) for offset in offsets]
    assert set(decoder.kinds) == {Kind.BOOL}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (WordType.INT16, 32768),
        (WordType.UINT16, -1),
        (WordType.UINT16, 1.5),
        (WordType.INT32, "12"),
        (WordType.INT32, True),
        (WordType.FLOAT32, 1e39),
        (WordType.FLOAT16, 70000.0),
        (WordType.FLOAT32, None),
        (WordType.BCD16, 10000),
        (WordType.BCD16, -1),
        (WordType.BOOL, 1),
        (WordType.STRING, "too long"),
        (WordType.STRING, "a\0"),
        (WordType.STRING, 5),
        (WordType.STRING, "é"),
    ],
)
def test_refuses_to_encode_what_does_not_fit(type_: WordType, value: Value):
    field = WordField(type_, "AB" if type_ is WordType.STRING else "ABCD", length=2, encoding=Encoding.ASCII)
    with pytest.raises(ValueError, match=r"allowed|takes|fit|lacks"):
        encode(field, value)


def test_a_mask_covers_the_bits_of_the_field_and_no_other():
    assert mask(WordField(WordType.INT32, "ABCD")) == WHOLE
    assert mask(WordField(WordType.INT8_HIGH, "AB")) == 0xFF00
    assert mask(WordField(WordType.INT8_HIGH, "BA")) == 0x00FF
    assert [mask(_flag(bit)) for bit in (0, 7, 8, 15)] == [1, 0x80, 0x100, 0x8000]
    assert mask(WordField(WordType.BOOL, "BA", bit=0)) == 0x100


@given(st.decimals(min_value=0, max_value=9999, places=0))
def test_bcd_reads_as_its_digits(number: Decimal):
    wire = bytes.fromhex(f"{int(number):04d}")
    assert register_decoder([(0, WordField(WordType.BCD16, "AB"))]).values(wire) == [int(number)]


def _flag(bit: int) -> WordField:
    return WordField(WordType.BOOL, "AB", bit=bit)


def test_some_bits_of_a_register_make_a_number():
    data = bytes.fromhex("0b70")
    for order, value in (("ABCD", 0b111), ("BADC", 0b000)):
        decoder = register_decoder([(0, WordField(WordType.UINT16, order, bit=4, bits=3))])
        assert (decoder.kinds, list(decoder.values(data))) == ((Kind.U64,), [value])


@given(st.integers(0, 15), st.integers(1, 16), st.sampled_from(["AB", "BA"]), st.binary(min_size=2, max_size=2))
def test_some_bits_come_back_as_they_were_written_and_touch_no_other(bit: int, bits: int, order: str, before: bytes):
    bits = min(bits, 16 - bit)
    field = WordField(WordType.UINT16, order, bit=bit, bits=bits)
    value = (0b1010110111001011 >> bit) & ((1 << bits) - 1)
    cover = mask(field)
    word = int.from_bytes(before, "big") & ~cover & WHOLE | int.from_bytes(encode(field, value), "big") & cover
    assert cover.bit_count() == bits
    assert list(register_decoder([(0, field)]).values(word.to_bytes(2, "big"))) == [value]
    with pytest.raises(ValueError, match=f"does not fit {bits} bits"):
        encode(field, 1 << bits)


def test_an_array_is_json_in_the_order_of_its_elements():
    floats = struct.pack(">4f", 1.5, math.nan, -math.inf, 0.0)
    swapped = b"".join(floats[at + 2 : at + 4] + floats[at : at + 2] for at in range(0, 16, 4))
    decoder = register_decoder([(0, WordField(WordType.FLOAT32, "CDAB", count=4))])
    assert decoder.kinds == (Kind.JSON,)
    assert list(decoder.values(swapped)) == ['[1.5, "NaN", "-Infinity", 0.0]']
    texts = register_decoder([(0, WordField(WordType.STRING, "AB", length=2, count=2))])
    assert list(texts.values("泵a温".encode().ljust(8, b"\xff"))) == ['["泵a", null]']
    digits = register_decoder([(1, WordField(WordType.BCD16, "AB", count=2))])
    assert list(digits.values(bytes.fromhex("0000 1234 12ab"))) == ["[1234, null]"]


def test_an_array_of_bits_is_json_beside_plain_bits():
    decoder = bit_decoder([0, 3], [0, 7])
    assert decoder.kinds == (Kind.BOOL, Kind.JSON)
    assert list(decoder.values(bytes([0b01001001, 0b10]))) == [
        True,
        "[true, false, false, true, false, false, true]",
    ]


def test_an_array_is_not_written_as_a_whole():
    with pytest.raises(ValueError, match="allowed: its elements"):
        encode(WordField(WordType.UINT16, "AB", count=2), "[1, 2]")
