"""Parts of values by name and number, and browse paths: what is written is what is meant, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua import browse_paths, parts
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from connectors.opcua.connector import expand
from connectors.opcua.node_id import STANDARD_NAMESPACE
from connectors.opcua.structures import Labelled, Single, Unsigned
from schemas.sample import MAX_TEXT_BYTES, Kind
from schemas.status import BAD_NO_DATA, GOOD

VALUE = {"Axis": [{"Speed": 1.5}, {"Speed": 2.5}], "None": None, "Numbers": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("Axis[1].Speed", (2.5, GOOD)),
        ("Numbers[1:2]", ([2, 3], GOOD)),
        ("Numbers[3:9]", ([4], GOOD)),
        ("Numbers[4]", (None, parts.BAD_INDEX_RANGE_NO_DATA)),
        ("Axis.Speed", (None, BAD_NO_DATA)),
        ("Axis[0][0]", (None, parts.BAD_INDEX_RANGE_NO_DATA)),
        ("None", (None, BAD_NO_DATA)),
        ("Nothing", (None, BAD_NO_DATA)),
    ],
)
def test_picks(part: str, found: tuple[object, int]) -> None:
    assert parts.pick(VALUE, parts.parse(part)) == found


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[x]", "[2:2]", "[5:1]", "[1:2].a", "a]b", "a."])
def test_refuses_what_is_no_part(text: str) -> None:
    with pytest.raises(ValueError, match=r"part of a value|second number"):
        parts.parse(text)


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        (True, (Kind.BOOL, True, GOOD)),
        (-1, (Kind.I64, -1, GOOD)),
        (Unsigned(1), (Kind.U64, 1, GOOD)),
        (2**63, (Kind.U64, 2**63, GOOD)),
        (Single(0.5), (Kind.F32, 0.5, GOOD)),
        (0.5, (Kind.F64, 0.5, GOOD)),
        ("x", (Kind.STR, "x", GOOD)),
        (Labelled(1, "on"), (Kind.I64, 1, GOOD)),
        ([Labelled(1, "on"), float("-inf")], (Kind.JSON, '[{"value":1,"label":"on"},"-Infinity"]', GOOD)),
        ("x" * (MAX_TEXT_BYTES + 1), (Kind.NONE, None, parts.BAD_ENCODING_LIMITS_EXCEEDED)),
    ],
)
def test_samples_of_plain_values(value: object, sample: tuple[Kind, object, int]) -> None:
    assert parts.sample_of(value) == sample


def test_one_table_makes_many_tags() -> None:
    table = {"node": "i=2258", "elements": "1-2", "fields": "A; B[0]"}
    assert [(name, point.part) for name, point in expand(OpcuaPoint.model_validate(table))] == [
        *(("1/A", "[1].A"), ("1/B/0", "[1].B[0]"), ("2/A", "[2].A"), ("2/B/0", "[2].B[0]")),
    ]
    assert [name for name, _ in expand(OpcuaPoint(node="i=2258"))] == [""]


@pytest.mark.parametrize("text", ["0", "3-1", "x", "0-100000"])
def test_refuses_elements_that_are_none_or_too_many(text: str) -> None:
    with pytest.raises(ValueError, match="how many elements"):
        parts.element_numbers(text)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: not name.partition(":")[0].isdecimal() and not name.startswith("nsu=")
)
SPACES = st.sampled_from([STANDARD_NAMESPACE, "urn:a", "http://b.example/c%;d/"])


@given(st.lists(st.tuples(SPACES, NAMES), min_size=1, max_size=5))
def test_paths_are_read_as_they_are_written(names: list[tuple[str, str]]) -> None:
    path = browse_paths.BrowsePath(tuple(names))
    assert browse_paths.parse(str(path)) == path


def test_a_name_without_namespace_is_of_the_one_before_it() -> None:
    path = browse_paths.parse("/0:Objects/nsu=http://x/y;Hall/Press &/ Oven")
    assert path.names == ((STANDARD_NAMESPACE, "Objects"), ("http://x/y", "Hall"), ("http://x/y", "Press / Oven"))


@pytest.mark.parametrize("text", ["", "Objects", "/", "/0:Objects//x", "/2:Hall", "/nsu=urn:a", "/nsu=;x"])
def test_refuses_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        browse_paths.parse(text)


def test_events_cannot_be_polled() -> None:
    polled = OpcuaConfig.model_validate({"url": "opc.tcp://127.0.0.1", "mode": "polled"})
    with pytest.raises(ValueError, match="cannot be polled"):
        OpcuaPoint.model_validate({"node": "i=2253", "events": True}, context=polled)
