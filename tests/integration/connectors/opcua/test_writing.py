"""Writing elements, ranges, fields and words: what was not named stays as it was, on servers of two makes."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector
from connectors.errors import PointRejected
from schemas import status
from schemas.sample import Kind
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.conftest import Delivered, Running, point
from tests.integration.connectors.opcua.servers import StartServer, server_maker
from tests.integration.connectors.opcua.test_shapes import PRESS, connector_of

WHOLE = {"node": point("Doubles")}


async def value(connector: Connector, at: int) -> Any:
    """Of a tag; JSON as what it stands for."""
    result = await connector.read([at])
    found = result.values[0]
    return json.loads(str(found)) if result.kinds[0] is Kind.JSON else found


async def rejected(connector: Connector, at: int, what: Any) -> PointRejected:
    with pytest.raises(PointRejected) as caught:
        await connector.write(at, what)
    return caught.value


async def test_elements_and_arrays(start_server: StartServer, tmp_path: Path) -> None:
    tables = [WHOLE, {**WHOLE, "part": "[1]"}, {**WHOLE, "part": "[2:3]"}, {**WHOLE, "part": "[9]"}]
    connector, _ = connector_of(start_server().url, tmp_path, tables)
    await connector.open()
    await connector.write(1, 9.25)
    assert await value(connector, 0) == [0.5, 9.25, 2.5, 3.5, 4.5]
    await connector.write(2, "[7, 8.5]")
    assert await value(connector, 0) == [0.5, 9.25, 7.0, 8.5, 4.5]
    await connector.write(0, "[1, 2, 3, 4, 5]")
    assert await value(connector, 0) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert (await rejected(connector, 2, "[1]")).status == status.BAD_OUT_OF_RANGE
    assert (await rejected(connector, 0, "no list")).status == status.BAD_TYPE_MISMATCH
    assert (await rejected(connector, 0, '["a"]')).status == status.BAD_TYPE_MISMATCH
    assert (await rejected(connector, 3, 1.0)).status == 0x80370000
    assert await value(connector, 0) == [1.0, 2.0, 3.0, 4.0, 5.0]
    await connector.close()


async def test_ranges_are_asked_of_a_server_that_knows_them(processes: Processes, tmp_path: Path) -> None:
    server = server_maker(processes, "node-opcua")()
    tables = [WHOLE, {**WHOLE, "index_range": "1:3"}, {**WHOLE, "index_range": 4}, {**WHOLE, "index_range": "7"}]
    connector, _ = connector_of(server.url, tmp_path, tables, resume="nothing")
    await connector.open()
    delivered = Delivered()
    running = Running(connector, delivered)
    await delivered.wait_for(lambda: delivered.values(1) and delivered.values(2), "ranges are reported")
    assert json.loads(str(delivered.values(1)[0])) == [1.5, 2.5, 3.5]
    assert delivered.values(2)[0] == 4.5
    await running.stop()
    assert await value(connector, 1) == [1.5, 2.5, 3.5]
    result = await connector.read([3])
    assert (result.values[0], result.statuses[0]) == (None, 0x80370000)
    await connector.write(1, "[7, 8, 9]")
    await connector.write(2, 10.0)
    assert await value(connector, 0) == [0.5, 7.0, 8.0, 9.0, 10.0]
    assert (await rejected(connector, 1, "[7, 8]")).status == status.BAD_OUT_OF_RANGE
    await connector.close()


async def test_a_server_that_gives_whole_arrays_for_ranges_is_found_out(processes: Processes, tmp_path: Path) -> None:
    """asyncua's server ignores ranges: a written one would take the place of the whole array."""
    server = server_maker(processes, "asyncua")()
    connector, _ = connector_of(server.url, tmp_path, [WHOLE, {**WHOLE, "index_range": "1:3"}])
    await connector.open()
    result = await connector.read([1])
    assert (result.values[0], result.statuses[0]) == (None, status.BAD_NOT_SUPPORTED)
    assert (await rejected(connector, 1, "[7, 8, 9]")).status == status.BAD_NOT_SUPPORTED
    assert await value(connector, 0) == [0.5, 1.5, 2.5, 3.5, 4.5]
    await connector.close()


async def test_a_field_of_a_structure_alone_is_changed(processes: Processes, tmp_path: Path) -> None:
    server = server_maker(processes, "asyncua")()
    press, presses = {"node": point("Press")}, {"node": point("Presses")}
    parts: list[tuple[str, Any]] = [
        *(("Name", "开模"), ("State", 2), ("Counts[1]", 8), ("Home.Y", 0.75), ("Path[1].X", 5.5)),
        *(("Since", "2024-02-29"), ("Note", "x"), ("Path", "[]"), ("Home", 0.5), ("Missing", 1)),
    ]
    tables = [press, presses, *({**press, "part": name} for name, _ in parts), {**presses, "part": "[1].Home.X"}]
    tables.append({"node": point("Structure"), "part": "High"})
    connector, _ = connector_of(server.url, tmp_path, tables)
    await connector.open()
    for at, (_, what) in enumerate(parts[:5], start=2):
        await connector.write(at, what)
    assert await value(connector, 0) == PRESS | {
        "Name": "开模",
        "State": {"value": 2, "label": "Fault"},
        "Counts": [7, 8],
        "Home": {"X": 0.5, "Y": 0.75},
        "Path": [{"X": 1.0, "Y": 2.0}, {"X": 5.5, "Y": -1.0}],
    }
    for at, (_, what) in enumerate(parts[5:], start=7):
        assert (await rejected(connector, at, what)).status == status.BAD_NOT_SUPPORTED
    assert (await rejected(connector, 4, -1)).status == status.BAD_OUT_OF_RANGE
    await connector.write(12, 2.5)
    first, second = await value(connector, 1)
    assert (first, second["Home"]) == (PRESS, {"X": 2.5, "Y": 0.25})
    await connector.write(13, 300.0)
    assert await value(connector, 13) == 300.0
    await connector.close()


async def test_a_word_is_written_as_its_number(processes: Processes, tmp_path: Path) -> None:
    server = server_maker(processes, "asyncua")()
    state = {"node": point("State")}
    connector, _ = connector_of(server.url, tmp_path, [state, {**state, "form": "label"}])
    await connector.open()
    await connector.write(1, "Fault")
    assert [await value(connector, at) for at in (0, 1)] == [2, "Fault"]
    await connector.write(1, "0")
    assert await value(connector, 1) == "Stopped"
    why = await rejected(connector, 1, "Dancing")
    assert "allowed: Stopped, Running, Fault" in str(why)
    await connector.close()
