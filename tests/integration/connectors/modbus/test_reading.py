"""All types, orders and areas, read from servers of two other makes over both framings."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.modbus.decode import LAYOUTS, ORDERS, TEXT_ORDERS, WordType
from connectors.modbus.encode import encode
from connectors.modbus.point import ModbusPoint
from schemas import status
from schemas.sample import Value
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock
from tests.integration.connectors.modbus.servers import SERVERS, Image

VALUES: dict[WordType, Value] = {
    WordType.BOOL: True,
    WordType.INT8_HIGH: -5,
    WordType.INT8_LOW: -6,
    WordType.UINT8_HIGH: 200,
    WordType.UINT8_LOW: 201,
    WordType.INT16: -30000,
    WordType.UINT16: 60000,
    WordType.INT32: -2_000_000_001,
    WordType.UINT32: 4_000_000_001,
    WordType.INT64: -(2**63) + 1,
    WordType.UINT64: 2**64 - 2,
    WordType.FLOAT16: 0.5,
    WordType.FLOAT32: -1.5,
    WordType.FLOAT64: 3.141592653589793,
    WordType.BCD16: 9876,
    WordType.BCD32: 98765432,
    WordType.BCD64: 9876543210123456,
}


def layout() -> tuple[list[dict[str, Any]], list[Value], bytes]:
    """Every type in every order, one after the other with a gap of one register, and the bytes that hold them."""
    points: list[dict[str, Any]] = []
    values: list[Value] = []
    data = bytearray()
    for keys, value in _all_types():
        point = ModbusPoint.model_validate({"address": f"holding:{len(data) // 2}{keys.pop('bit', '')}", **keys})
        points.append(point.model_dump(mode="json", exclude_defaults=True))
        values.append(value)
        data += encode(point.field("ABCD"), value) + b"\xde\xad"
    return points, values, bytes(data)


def _all_types() -> list[tuple[dict[str, Any], Value]]:
    numbers = [
        ({"type": type_.value, "order": order, **({"bit": ".11"} if type_ is WordType.BOOL else {})}, value)
        for type_, value in VALUES.items()
        for order in ORDERS[LAYOUTS[type_].registers]
        if LAYOUTS[type_].registers > 1 or len(order) == 2
    ]
    texts = [({"type": "string", "order": order, "length": 12}, "Rezept 7") for order in TEXT_ORDERS]
    return [*numbers, *texts]


@pytest.fixture(params=SERVERS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Image]]:
    framing = request.param.rpartition("-")[2]
    data, random_bytes = layout()[2], random.Random(7).randbytes
    assert len(data) < 1000
    image = Image(data.ljust(4000, b"\0"), data.ljust(4000, b"\0"), random_bytes(250), random_bytes(250))
    async with SERVERS[request.param](image, framing) as place:
        yield f"{'rtu+' if framing == 'rtu' else ''}tcp://{place}", image


@pytest.mark.parametrize("area", ["holding", "input"])
async def test_every_type_in_every_order(server: tuple[str, Image], connect: Connect, area: str):
    points, values, _ = layout()
    points = [{**point, "address": point["address"].replace("holding", area)} for point in points]
    connector = await connect(server[0], points)
    result = await connector.read(range(len(points)))
    found = dict(zip(result.points, result.values, strict=True))
    wrong = {index: (points[index], found[index]) for index, value in enumerate(values) if found[index] != value}
    assert wrong == {}
    assert set(result.statuses) == {status.GOOD}
    assert connector.counters["requests"] <= 5


@pytest.mark.parametrize("area", ["coil", "discrete"])
async def test_bits_of_both_areas(server: tuple[str, Image], connect: Connect, area: str):
    image = server[1].coils if area == "coil" else server[1].discrete
    addresses = [0, 1, 7, 8, 15, 16, 17, 500, 999, 1500, 1990, 1999]
    connector = await connect(server[0], [{"address": f"{area}:{address}"} for address in addresses])
    result = await connector.read(range(len(addresses)))
    expected = [bool(image[address // 8] >> address % 8 & 1) for address in addresses]
    assert [dict(zip(result.points, result.values, strict=True))[at] for at in range(len(addresses))] == expected


async def test_the_time_of_a_sample_is_that_of_its_answer(
    server: tuple[str, Image], connect: Connect, clock: SteppedClock
):
    connector = await connect(server[0], [{"address": f"holding:{address}"} for address in (0, 1, 500, 501)])
    before_us = clock.now_us()
    result = await connector.read(range(4))
    times = dict(zip(result.points, result.times_us, strict=True))
    assert times[0] == times[1] <= times[2] == times[3] == result.until_us
    assert before_us <= times[0]
    assert times[3] <= clock.now_us()


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ({"address": "coil:3"}, True),
        ({"address": "holding:1500"}, 1234),
        ({"address": "holding:1500", "type": "float64", "order": "CDABGHEF"}, 2.75),
    ],
)
async def test_writes_arrive(server: tuple[str, Image], connect: Connect, point: dict[str, Any], value: Value):
    connector = await connect(server[0], [point])
    await connector.write(0, value)
    assert list((await connector.read([0])).values) == [value]
