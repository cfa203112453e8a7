"""Requests are built as the specification prints them, and only the fitting answer is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus import pdu
from connectors.modbus.read_plan import Area
from schemas import status


@pytest.mark.parametrize(  # examples of the Modbus Application Protocol specification 1.1b3, chapter 6
    ("request_", "wire", "answer"),
    [
        (pdu.read_request(Area.COIL, 0x13, 0x13), "0100130013", "0103cd6b05"),
        (pdu.read_request(Area.DISCRETE, 0xC4, 0x16), "0200c40016", "0203acdb35"),
        (pdu.read_request(Area.HOLDING, 0x6B, 3), "03006b0003", "0306022b00000064"),
        (pdu.read_request(Area.INPUT, 8, 1), "0400080001", "0402000a"),
        (pdu.write_coil_request(0xAC, is_on=True), "0500acff00", "0500acff00"),
        (pdu.write_registers_request(1, b"\x00\x03"), "0600010003", "0600010003"),
        (pdu.write_registers_request(1, b"\x00\x0a\x01\x02"), "100001000204000a0102", "1000010002"),
    ],
)
def test_the_examples_of_the_specification(request_: pdu.Request, wire: str, answer: str):
    assert request_.pdu.hex() == wire
    fitting = bytes.fromhex(answer)
    assert request_.is_answered_by(fitting)
    assert request_.exception_of(fitting) is None
    assert not request_.is_answered_by(fitting + b"\0")
    assert not request_.is_answered_by(fitting[:-1])


def test_a_mask_write_keeps_the_bits_outside_the_mask():
    request = pdu.mask_write_request(4, 0x00F0, b"\xaa\xaa")
    assert request.pdu.hex() == "160004ff0f00a0"


@given(st.binary(max_size=12))
def test_only_the_right_function_and_length_is_an_answer(answer: bytes):
    request = pdu.read_request(Area.HOLDING, 0, 2)
    is_value = len(answer) == 6 and answer[:2] == b"\x03\x04"
    is_refusal = len(answer) == 2 and answer[0] == 0x83
    assert request.is_answered_by(answer) == (is_value or is_refusal)


@given(st.integers(0, 255))
def test_every_exception_code_has_a_bad_status_and_a_text(code: int):
    assert status.is_bad(pdu.status_of(code))
    assert f"{code:02d}" in pdu.exception_text(code)
