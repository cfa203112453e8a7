"""Every type, every digit and every bit of the status, from two servers that share no code."""

import json

import pytest

from connectors.contract import ReadResult
from connectors.errors import PointRejected
from schemas import status
from schemas.sample import Kind
from tests.integration.connectors.opcua.conftest import Connect, Subscribe, point
from tests.integration.connectors.opcua.servers import NAMESPACE, TestServer

EXPECTED: dict[str, tuple[Kind, object]] = {
    "Boolean": (Kind.BOOL, True),
    "SByte": (Kind.I64, -128),
    "Byte": (Kind.U64, 255),
    "Int16": (Kind.I64, -32768),
    "UInt16": (Kind.U64, 65535),
    "Int32": (Kind.I64, -(2**31)),
    "UInt32": (Kind.U64, 2**32 - 1),
    "Int64": (Kind.I64, -(2**63)),
    "UInt64": (Kind.U64, 2**64 - 1),
    "Float": (Kind.F32, 0.5),
    "Double": (Kind.F64, 0.1),
    "String": (Kind.STR, "料筒温度 ℃"),
    "Guid": (Kind.STR, "09087e75-8e5e-499b-954f-f2a9603db28a"),
    "ByteString": (Kind.STR, "AP8B"),
    "LocalizedText": (Kind.STR, "合模压力"),
    "Array": (Kind.JSON, "[1,2,9223372036854775807]"),
    "Structure": (Kind.JSON, '{"Low":-1.5,"High":250.0}'),
}
OVERFLOW_OF_A_SUBSTATUS = 0x408F0000 | status.INFO_OVERFLOW


def by_name(names: list[str], result: ReadResult) -> dict[str, tuple[Kind, object]]:
    return {
        names[at]: (kind, value) for at, kind, value in zip(result.points, result.kinds, result.values, strict=True)
    }


async def test_reads_every_type_exactly(shared_server: TestServer, connect: Connect) -> None:
    server = shared_server
    names = list(EXPECTED)
    connector = connect(server.url, [point(name) for name in names])
    await connector.open()
    result = await connector.read(range(len(names)))
    assert by_name(names, result) == EXPECTED
    assert set(result.statuses) == {status.GOOD}


async def test_delivers_every_type_exactly(shared_server: TestServer, connect: Connect, subscribe: Subscribe) -> None:
    server = shared_server
    names = list(EXPECTED)
    running = await subscribe(connect(server.url, [point(name) for name in names]))
    await running.delivered.wait_for(
        lambda: sum(len(each.points) for each in running.delivered.results) >= len(names), "all have come"
    )
    seen: dict[str, tuple[Kind, object]] = {}
    for result in running.delivered.results:
        seen |= by_name(names, result)
    assert seen == EXPECTED


async def test_finds_nodes_by_number_guid_and_bytes(shared_server: TestServer, connect: Connect) -> None:
    server = shared_server
    nodes = [f"nsu={NAMESPACE};{each}" for each in ("i=70000", "g=09087E75-8E5E-499B-954F-F2A9603DB28A", "b=Af4=")]
    connector = connect(server.url, [*nodes, "i=2258", "ns=0;i=2258"])
    await connector.open()
    result = await connector.read(range(5))
    assert result.values[:3] == [7.0, 7.0, 7.0]
    assert result.kinds[3:] == [Kind.STR, Kind.STR]


async def test_keeps_source_time_status_bits_and_missing_values(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = shared_server
    running = await subscribe(connect(server.url, [point("Item2")]))
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.values(0) == [0.0], "the first value has come")
    server.tell(set="Item2", type="Double", value=21.5, time_us=1_700_000_000_123_000)
    await delivered.wait_for(lambda: len(delivered.samples(0)) == 2, "the new value has come")
    server.tell(set="Item2", type="Double", value=21.5, status=OVERFLOW_OF_A_SUBSTATUS, time_us=1_700_000_001_000_000)
    await delivered.wait_for(lambda: len(delivered.samples(0)) == 3, "a change of the status alone has come")
    server.tell(set="Item2", status=status.BAD_SENSOR_FAILURE, time_us=1_700_000_002_000_000)
    await delivered.wait_for(lambda: len(delivered.samples(0)) == 4, "the Bad status has come")
    assert delivered.samples(0)[1:] == [
        (21.5, status.GOOD, 1_700_000_000_123_000),
        (21.5, OVERFLOW_OF_A_SUBSTATUS, 1_700_000_001_000_000),
        (None, status.BAD_SENSOR_FAILURE, 1_700_000_002_000_000),
    ]
    assert delivered.results[-1].kinds == [Kind.NONE]
    assert running.connector.counters["overflows"] == 1


async def test_one_unknown_node_does_not_stop_the_rest(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = shared_server
    nodes = [point("Nowhere"), point("Double"), "nsu=urn:nobody:knows;s=Double"]
    connector = connect(server.url, nodes)
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.samples(1) and delivered.samples(2), "all have come")
    assert delivered.values(1) == [0.1]
    for refused in (0, 2):
        assert [(value, why) for value, why, _ in delivered.samples(refused)] == [(None, status.BAD_NODE_ID_UNKNOWN)]
    assert (connector.counters["subscribed"], connector.counters["refused"]) == (1, 2)
    result = await connector.read([0, 1, 2])
    assert dict(zip(result.points, result.statuses, strict=True)) == {
        0: status.BAD_NODE_ID_UNKNOWN,
        1: status.GOOD,
        2: status.BAD_NODE_ID_UNKNOWN,
    }


async def test_writes_in_the_type_of_the_variable(shared_server: TestServer, connect: Connect) -> None:
    wanted: dict[str, float | str] = {
        "Double": 2.5,
        "Float": 3,
        "Int64": 2**63 - 1,
        "UInt64": 2**64 - 2,
        "Boolean": False,
        "String": "配方 7",
    }
    connector = connect(shared_server.url, [point(name) for name in wanted])
    await connector.open()
    before = (await connector.read(range(len(wanted)))).values
    for number, value in enumerate(wanted.values()):
        await connector.write(number, value)
    assert (await connector.read(range(len(wanted)))).values == list(wanted.values())
    for number, value in enumerate(before):
        await connector.write(number, value)


async def test_refuses_to_write_what_does_not_fit(shared_server: TestServer, connect: Connect) -> None:
    server = shared_server
    connector = connect(server.url, [point("Int16"), point("Nowhere"), point("Boolean")])
    await connector.open()
    with pytest.raises(PointRejected) as too_large:
        await connector.write(0, 40_000)
    with pytest.raises(PointRejected) as unknown:
        await connector.write(1, 1)
    with pytest.raises(PointRejected) as mismatch:
        await connector.write(2, "yes")
    assert (too_large.value.status, too_large.value.point) == (status.BAD_OUT_OF_RANGE, 0)
    assert unknown.value.status == status.BAD_NODE_ID_UNKNOWN
    assert mismatch.value.status == status.BAD_TYPE_MISMATCH
    assert (await connector.read([0])).values == [-32768]


async def test_browses_what_can_be_read(shared_server: TestServer, connect: Connect) -> None:
    server = shared_server
    connector = connect(server.url, [])
    await connector.open()
    found = {each.path: each async for each in connector.browse() if each.path[0] == "Hall"}
    assert set(EXPECTED) | {"Item0", "Item1", "Item2"} <= {path[1] for path in found}
    assert found["Hall", "UInt64"].kind is Kind.U64
    analog = found["Hall", "Analog"]
    assert (analog.kind, analog.unit, analog.low, analog.high) == (Kind.F64, "°C", 0.0, 300.0)
    assert not [path for path in found if "EURange" in path]
    assert found["Hall", "UInt64"].point == {"node": point("UInt64")}
    assert json.dumps(found["Hall", "ByByteString"].point) == json.dumps({"node": f"nsu={NAMESPACE};b=Af4="})
