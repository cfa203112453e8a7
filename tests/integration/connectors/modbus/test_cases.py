"""The cases beside the connector: what is read of such a device, and in which requests, over both framings."""

import struct
from typing import Any

import pytest

from connectors.modbus import KIND
from tests.integration.connectors.modbus.conftest import SystemClock
from tests.integration.connectors.modbus.plc import AREA_OF_READ, Plc, Unit
from tests.unit.connectors.cases import Case, cases, lines, name


@pytest.mark.parametrize("case", cases("modbus", "expected.jsonl"), ids=name)
async def test_case(plc: Plc, case: Case):
    plc.units[1] = _unit(case.device)
    config, points, problems = case.models(KIND, url=plc.url)
    assert not problems
    connector = KIND.create(config, points, SystemClock())
    await connector.open()
    try:
        found: list[dict[str, Any]] = []
        for poll in range(1, case.device.get("polls", 1) + 1):
            plc.requests.clear()
            result = await connector.read(range(len(points)))
            found += [{"poll": poll, "requests": [_words(pdu) for _, pdu in plc.requests]}]
            found += [{"poll": poll, **line} for line in lines(result)]
    finally:
        await connector.close()
    assert found == case.expected


def _unit(device: dict[str, Any]) -> Unit:
    unit = Unit(refused=[(r["area"], r["first"], r["last"], r["exception"]) for r in device.get("refuse", [])])
    for block in device.get("word", []):
        unit.put(block["area"], block["first"], bytes.fromhex(block["hex"]))
    for block in device.get("bit", []):
        unit.put_bits(block["area"], block["first"], [bit == "1" for bit in block["bits"]])
    return unit


def _words(pdu: bytes) -> str:
    code, first, count = struct.unpack(">BHH", pdu)
    return f"{AREA_OF_READ[code]} {first}..{first + count - 1}"
