"""Node ids: what is read, what is refused and how it says so."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.node_id import STANDARD_NAMESPACE, IdentifierForm, NodeAddress, parse

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
addresses = st.one_of(
    st.builds(NodeAddress, texts, st.just(IdentifierForm.NUMBER), st.integers(0, 2**32 - 1)),
    st.builds(NodeAddress, texts, st.just(IdentifierForm.STRING), texts),
    st.builds(NodeAddress, texts, st.just(IdentifierForm.GUID), st.uuids()),
    st.builds(NodeAddress, texts, st.just(IdentifierForm.OPAQUE), st.binary(min_size=1)),
)


@given(addresses)
def test_what_is_written_is_read_again(address: NodeAddress) -> None:
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i=2258", NodeAddress(STANDARD_NAMESPACE, IdentifierForm.NUMBER, 2258)),
        ("ns=0;i=2258", NodeAddress(STANDARD_NAMESPACE, IdentifierForm.NUMBER, 2258)),
        ("nsu=urn:a;s=Spindle.Speed", NodeAddress("urn:a", IdentifierForm.STRING, "Spindle.Speed")),
        ("nsu=urn:a;s=a;s=b=c;i=1", NodeAddress("urn:a", IdentifierForm.STRING, "a;s=b=c;i=1")),
        ("nsu=urn:a%3Bb%25;s=x", NodeAddress("urn:a;b%", IdentifierForm.STRING, "x")),
        ('nsu=http://s7/;s="DB"."温度"', NodeAddress("http://s7/", IdentifierForm.STRING, '"DB"."温度"')),
        ("nsu=urn:a;b=Af4=", NodeAddress("urn:a", IdentifierForm.OPAQUE, b"\x01\xfe")),
        (
            "nsu=urn:a;g=09087e75-8e5e-499b-954f-f2a9603db28a",
            NodeAddress("urn:a", IdentifierForm.GUID, uuid.UUID("09087e75-8e5e-499b-954f-f2a9603db28a")),
        ),
    ],
)
def test_reads_the_forms_of_the_standard(text: str, expected: NodeAddress) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ns=2;s=Motor", r"write nsu=<namespace URI>;s=Motor with the URI that stands at position 2"),
        ("ns=3;i=1001", r"nsu=<namespace URI>;i=1001"),
        ("nsu=;s=x", "empty namespace URI"),
        ("Motor.Speed", "is not a node id; allowed: nsu="),
        ("s=", "is not a node id"),
        ("nsu=urn:a;i=4294967296", "a number from 0 to 4294967295 is expected after i="),
        ("nsu=urn:a;i=-1", "a number from 0"),
        ("nsu=urn:a;i=٣", "a number from 0"),
        ("nsu=urn:a;g=1234", "a GUID such as"),
        ("nsu=urn:a;b=%%", "base64 is expected"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)
