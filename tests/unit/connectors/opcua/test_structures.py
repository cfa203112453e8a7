"""Structures come out as asyncua's encoder put them in, whatever their fields are; rubbish is refused."""

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua import ua_binary
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.parts import as_json
from connectors.opcua.structures import Decoder, Undecodable, Unsigned
from connectors.opcua.type_tree import Enumeration, Field, Layout, Structure, TypeTree
from connectors.opcua.values import ValueDecoder

NAMESPACES = ("http://opcfoundation.org/UA/", "urn:server", "urn:plant;1")
ENCODING, TYPE, INNER, INNER_ENCODING, STATE = (2, 1), (2, 2), (2, 3), (2, 4), (2, 5)
NODE: Any = ua.NodeId
EXTENSION: Any = ua.ExtensionObject
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NODES = st.one_of(
    st.integers(0, 2**32 - 1).map(lambda number: NODE(number, 2)),
    st.integers(0, 255).map(lambda number: NODE(number, 0)),
    st.text(min_size=1, max_size=8).map(lambda text: NODE(text, 1)),
    st.uuids().map(lambda guid: NODE(guid, 2)),
    st.binary(min_size=1, max_size=8).map(lambda raw: NODE(raw, 2)),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Boolean": st.booleans(),
    "SByte": st.integers(-(2**7), 2**7 - 1),
    "Byte": st.integers(0, 2**8 - 1),
    "Int16": st.integers(-(2**15), 2**15 - 1),
    "UInt16": st.integers(0, 2**16 - 1),
    "Int32": st.integers(-(2**31), 2**31 - 1),
    "UInt32": st.integers(0, 2**32 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "UInt64": st.integers(0, 2**64 - 1),
    "Float": st.floats(width=32),
    "Double": st.floats(),
    "String": st.none() | TEXTS,
    "DateTime": MOMENTS,
    "Guid": st.uuids(),
    "ByteString": st.none() | st.binary(max_size=20),
    "NodeId": NODES,
    "LocalizedText": st.builds(ua.LocalizedText, TEXTS.filter(bool), st.none() | st.just("zh-CN")),
    "Variant": st.one_of(
        st.floats().map(lambda number: ua.Variant(number, ua.VariantType.Double)),
        st.lists(st.integers(0, 255), max_size=4).map(lambda all_: ua.Variant(all_, ua.VariantType.UInt16)),
    ),
}


@dataclass(frozen=True)
class Made:
    """A field with its bytes, and what it is in JSON."""

    type: tuple[int, object]
    dimensions: int
    content: bytes
    plain: Any


@st.composite
def fields(draw: st.DrawFn) -> Made:
    name = draw(st.sampled_from(sorted(SCALARS)))
    kind = ua.VariantType[name]
    plain = ValueDecoder(NAMESPACES).plain
    if draw(st.booleans()):
        values = draw(st.lists(SCALARS[name], max_size=4))
        content = struct.pack("<i", len(values)) + b"".join(ua_binary.pack_uatype(kind, each) for each in values)
        return Made((0, kind.value), 1, content, plain(values))
    value = draw(SCALARS[name])
    return Made((0, kind.value), -1, ua_binary.pack_uatype(kind, value), plain(value))


def named(made: list[Made], layout: Layout, optional: list[bool] | None = None) -> Structure:
    optional = optional or [False] * len(made)
    return Structure(
        "S",
        layout,
        tuple(Field(f"f{at}", each.type, each.dimensions, optional[at]) for at, each in enumerate(made)),
    )


def decoded(tree: TypeTree, body: bytes) -> Any:
    tree.encodings[ENCODING] = TYPE
    return json.loads(as_json(Decoder(tree, NAMESPACES).structure(ENCODING, body)))


@given(st.lists(fields(), max_size=6))
def test_plain_structures(made: list[Made]) -> None:
    body = b"".join(each.content for each in made)
    tree = TypeTree(structures={TYPE: named(made, Layout.PLAIN)})
    assert decoded(tree, body) == {f"f{at}": each.plain for at, each in enumerate(made)}


@given(st.lists(st.tuples(fields(), st.booleans(), st.booleans()), max_size=6))
def test_fields_that_may_be_left_out(rows: list[tuple[Made, bool, bool]]) -> None:
    made = [each for each, _, _ in rows]
    optional = [is_optional for _, is_optional, _ in rows]
    present = [not is_optional or is_there for _, is_optional, is_there in rows]
    flags = [is_there for is_optional, is_there in zip(optional, present, strict=True) if is_optional]
    mask = sum(1 << bit for bit, is_there in enumerate(flags) if is_there)
    body = struct.pack("<I", mask) + b"".join(
        each.content for each, is_there in zip(made, present, strict=True) if is_there
    )
    tree = TypeTree(structures={TYPE: named(made, Layout.OPTIONAL, optional)})
    expected = {f"f{at}": each.plain for at, each in enumerate(made) if present[at]}
    assert decoded(tree, body) == expected


@given(st.lists(fields(), min_size=1, max_size=5), st.data())
def test_unions_are_one_of_their_fields_or_nothing(made: list[Made], data: st.DataObject) -> None:
    switch = data.draw(st.integers(0, len(made)))
    body = struct.pack("<I", switch) + (made[switch - 1].content if switch else b"")
    tree = TypeTree(structures={TYPE: named(made, Layout.UNION)})
    assert decoded(tree, body) == ({f"f{switch - 1}": made[switch - 1].plain} if switch else {})


@given(st.lists(fields(), max_size=3), st.integers(0, 3))
def test_structures_within_structures(made: list[Made], count: int) -> None:
    inner = b"".join(each.content for each in made)
    wrapped = EXTENSION(TypeId=NODE(INNER_ENCODING[1], INNER_ENCODING[0]), Body=inner)
    outer = Structure(
        "Outer",
        Layout.PLAIN,
        (Field("direct", INNER), Field("all", INNER, 1), Field("any", (0, 22)), Field("s", STATE)),
    )
    tree = TypeTree(
        structures={TYPE: outer, INNER: named(made, Layout.PLAIN)},
        encodings={INNER_ENCODING: INNER},
        enumerations={STATE: Enumeration({1: "Running"})},
    )
    extension = ua_binary.extensionobject_to_binary(wrapped)
    if made:
        body = inner + struct.pack("<i", count) + inner * count + extension + struct.pack("<i", 1)
        plain = {f"f{at}": each.plain for at, each in enumerate(made)}
        state = {"value": 1, "label": "Running"}
        assert decoded(tree, body) == {"direct": plain, "all": [plain] * count, "any": plain, "s": state}


@given(st.lists(fields(), max_size=4), st.binary(max_size=40))
def test_rubbish_is_refused_or_read_but_never_breaks(made: list[Made], body: bytes) -> None:
    tree = TypeTree(structures={TYPE: named(made, Layout.PLAIN)}, encodings={ENCODING: TYPE})
    try:
        as_json(Decoder(tree, NAMESPACES).structure(ENCODING, body))
    except Undecodable:
        return


def test_matrices_are_rows_of_rows() -> None:
    tree = TypeTree(structures={TYPE: Structure("M", Layout.PLAIN, (Field("m", (0, 3), 2),))})
    body = struct.pack("<iii", 2, 2, 3) + bytes(range(6))
    assert decoded(tree, body) == {"m": [[0, 1, 2], [3, 4, 5]]}


def test_unknown_structures_are_named_for_a_later_question() -> None:
    tree = TypeTree()
    decoder = Decoder(tree, NAMESPACES)
    with pytest.raises(Undecodable):
        decoder.structure(ENCODING, b"")
    assert decoder.unknown == {ENCODING}


def test_a_huge_array_is_refused_before_it_is_made() -> None:
    tree = TypeTree(
        structures={TYPE: Structure("A", Layout.PLAIN, (Field("a", (0, 3), 1),))}, encodings={ENCODING: TYPE}
    )
    with pytest.raises(Undecodable):
        Decoder(tree, NAMESPACES).structure(ENCODING, struct.pack("<i", 2**31 - 1))


def test_numbers_keep_their_type() -> None:
    tree = TypeTree(structures={TYPE: Structure("U", Layout.PLAIN, (Field("u", (0, 7)),))}, encodings={ENCODING: TYPE})
    value = Decoder(tree, NAMESPACES).structure(ENCODING, struct.pack("<I", 7))["u"]
    assert isinstance(value, Unsigned)
