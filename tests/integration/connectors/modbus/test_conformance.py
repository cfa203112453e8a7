"""The suite that every kind must pass, for Modbus over each framing, and with several requests at once."""

import pytest

from connectors.conformance import CHECKS, Check, Rig
from connectors.modbus import KIND
from tests.integration.connectors.modbus.conftest import SystemClock
from tests.integration.connectors.modbus.plc import Plc, Unit, running

POINTS = [
    {"address": "holding:0", "type": "float32"},
    {"address": "holding:200", "type": "string", "length": 4},
    {"address": "holding:201.3"},
    {"address": "input:9", "type": "int64", "order": "GHEFCDAB"},
    {"address": "coil:5"},
    {"address": "discrete:5"},
    {"address": "holding:300"},
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("framing", "outstanding"), [("tcp", 1), ("tcp", 8), ("rtu", 1), ("ascii", 1)])
async def test_conforms(framing: str, outstanding: int, check: Check):
    async with running(Plc(framing)) as plc:
        plc.units[1] = Unit(refused=[("holding", 300, 300, 2)])
        plc.is_backwards = outstanding > 1
        await check(
            Rig(
                kind=KIND,
                config={"url": plc.url, "timeout": "2s", "outstanding": outstanding},
                points=POINTS,
                clock=SystemClock(),
                break_device=plc.stop,
                restore_device=plc.start,
                refused=[6],
                writes={0: 2.5, 1: "pump", 2: True, 4: True},
                patience_s=30,
            )
        )
