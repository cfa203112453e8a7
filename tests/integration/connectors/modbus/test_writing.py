"""Writes: read back and compared, bits set without touching their neighbours, refusals told by point."""

from typing import Any

import pytest

from connectors.errors import PointRejected
from schemas import status
from schemas.sample import Value
from tests.integration.connectors.modbus.conftest import Connect
from tests.integration.connectors.modbus.plc import Plc, Unit


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ({"address": "coil:3"}, True),
        ({"address": "coil:3"}, False),
        ({"address": "holding:7"}, 65535),
        ({"address": "holding:7", "type": "int16", "order": "BA"}, -2),
        ({"address": "holding:7", "type": "float32", "order": "CDAB"}, 1.5),
        ({"address": "holding:7", "type": "uint64"}, 2**64 - 1),
        ({"address": "holding:7", "type": "bcd32"}, 12345678),
        ({"address": "holding:7", "type": "string", "length": 4}, "料A"),
    ],
)
async def test_a_written_value_is_what_is_read(plc: Plc, connect: Connect, point: dict[str, Any], value: Value):
    connector = await connect(plc.url, [point])
    await connector.write(0, value)
    assert list((await connector.read([0])).values) == [value]


@pytest.mark.parametrize(
    ("point", "value", "after"),
    [
        ({"address": "holding:7.4"}, True, 0xA55A),
        ({"address": "holding:7.4"}, False, 0xA54A),
        ({"address": "holding:7", "type": "uint8_high"}, 0x12, 0x125A),
        ({"address": "holding:7", "type": "int8_low"}, -1, 0xA5FF),
    ],
)
async def test_the_rest_of_a_register_is_left_alone(
    plc: Plc, connect: Connect, point: dict[str, Any], value: Value, after: int
):
    plc.units[1].put("holding", 7, b"\xa5\x5a")
    connector = await connect(plc.url, [point])
    await connector.write(0, value)
    assert plc.units[1].words["holding"][7] == after
    assert [pdu[0] for _, pdu in plc.requests] == [22, 3]


@pytest.mark.parametrize(
    ("point", "value", "code"),
    [
        ({"address": "input:3"}, 1, status.BAD_NOT_WRITABLE),
        ({"address": "discrete:3"}, True, status.BAD_NOT_WRITABLE),
        ({"address": "coil:3"}, 1, status.BAD_TYPE_MISMATCH),
        ({"address": "holding:3"}, 70000, status.BAD_OUT_OF_RANGE),
        ({"address": "holding:3"}, "five", status.BAD_OUT_OF_RANGE),
    ],
)
async def test_what_cannot_be_written_is_refused_before_the_device_is_asked(
    plc: Plc, connect: Connect, point: dict[str, Any], value: Value, code: int
):
    connector = await connect(plc.url, [point])
    with pytest.raises(PointRejected) as caught:
        await connector.write(0, value)
    assert (caught.value.point, caught.value.status) == (0, code)
    assert plc.requests == []


async def test_a_refusal_of_the_device_is_told(plc: Plc, connect: Connect):
    plc.units[1] = Unit(refused=[("holding", 3, 3, 2)])
    connector = await connect(plc.url, [{"address": "holding:3"}])
    with pytest.raises(PointRejected, match=r"exception 02 \(illegal address\)") as caught:
        await connector.write(0, 1)
    assert caught.value.status == status.BAD_NODE_ID_UNKNOWN


async def test_a_write_that_the_device_only_pretends_to_take_is_found_out(plc: Plc, connect: Connect):
    plc.units[1].sticks = True
    connector = await connect(plc.url, [{"address": "holding:3"}])
    with pytest.raises(PointRejected, match=r"took the write of 5 but holds 0000, not 0005"):
        await connector.write(0, 5)
