"""Read Device Identification: answers as the specification lays them out, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.identify import parse_answer, request_pdu


def test_answer_of_the_specification_is_read():
    # MODBUS Application Protocol 1.1b3, 6.21: all basic objects in one answer.
    vendor = b"Company identification"
    pdu = bytes.fromhex("2b0e0101000003") + bytes((0, len(vendor))) + vendor + b"\x01\x08Product1" + b"\x02\x05V2.11"
    part = parse_answer(pdu)
    assert part.objects == {0: "Company identification", 1: "Product1", 2: "V2.11"}
    assert part.next_object is None


def test_answer_in_parts_says_where_it_goes_on():
    part = parse_answer(bytes.fromhex("2b0e0101ff0201") + b"\x00\x02AB")
    assert part.objects == {0: "AB"}
    assert part.next_object == 2
    assert request_pdu(2) == bytes.fromhex("2b0e0102")


def test_control_characters_do_not_reach_the_terminal():
    assert "\x1b" not in parse_answer(bytes.fromhex("2b0e0101000001") + b"\x00\x04\x1b[2J").objects[0]


@given(st.binary(max_size=60))
def test_rubbish_is_refused_or_read_but_never_breaks(rubbish: bytes):
    for content in (rubbish, b"\x2b\x0e\x01\x01\x00\x00" + rubbish):
        try:
            part = parse_answer(content)
        except ValueError:
            continue
        assert all(isinstance(text, str) for text in part.objects.values())


@pytest.mark.parametrize("cut", range(7, 20))
def test_cut_object_is_refused(cut: int):
    whole = bytes.fromhex("2b0e0101000001") + b"\x00\x0b0123456789A"
    assert len(whole) == 20
    with pytest.raises(ValueError, match="cut off"):
        parse_answer(whole[:cut])
