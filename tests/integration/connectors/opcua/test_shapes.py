"""Structures that the server defines itself, their fields, elements of arrays, words of enumerations, browse paths."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector, SelfDescribing
from connectors.errors import DeviceUnreachable
from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from schemas import status
from schemas.sample import Kind
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.conftest import Delivered, Running, WallClock, point
from tests.integration.connectors.opcua.servers import NAMESPACE, StartServer, TestServer, server_maker

PRESS = {
    "Name": "合模",
    "State": {"value": 1, "label": "Running"},
    "Counts": [7, 2**64 - 1],
    "Home": {"X": 0.5, "Y": 0.25},
    "Path": [{"X": 1.0, "Y": 2.0}, {"X": "NaN", "Y": -1.0}],
    "Since": "2024-02-29T12:30:00.123456Z",
}
HALL = f"/0:Objects/nsu={NAMESPACE};Hall"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server with data types of its own."""
    processes = Processes(tmp_path_factory.mktemp("opcua-types"))
    yield server_maker(processes, "asyncua")()
    processes.close()


def connector_of(
    url: str, folder: Path, tables: Sequence[dict[str, Any]], **config: Any
) -> tuple[Connector, list[str]]:
    """A connector for tag tables, expanded as the agent does it, and the names of its tags."""
    settings = OpcuaConfig.model_validate(
        {"url": url, "publishing": "50ms", "sampling": "20ms", "timeout": "20s", "certificates": str(folder)} | config
    )
    tags = [tag for table in tables for tag in KIND.expand(OpcuaPoint.model_validate(table))]
    return KIND.create(settings, [each for _, each in tags], WallClock()), [name for name, _ in tags]


async def read(connector: Connector, count: int) -> list[tuple[Kind, object, int]]:
    await connector.open()
    try:
        found = await connector.read(range(count))
        rows = dict(zip(found.points, zip(found.kinds, found.values, found.statuses, strict=True), strict=True))
        return [rows[at] for at in range(count)]
    finally:
        await connector.close()


async def test_own_structures_are_json(own_server: TestServer, tmp_path: Path) -> None:
    names = ["Press", "Presses", "Choice", "Anything"]
    connector, _ = connector_of(own_server.url, tmp_path, [{"node": point(name)} for name in names])
    rows = await read(connector, len(names))
    assert {kind for kind, _, _ in rows} == {Kind.JSON}
    press, presses, choice, anything = (json.loads(str(value)) for _, value, _ in rows)
    assert press == PRESS
    assert presses == [PRESS, PRESS | {"Counts": [8, 2**64 - 1]}]
    assert choice == {"Text": "steel"}
    assert anything == {"X": 1.0, "Y": 2.0}


async def test_fields_and_elements_are_tags(own_server: TestServer, tmp_path: Path) -> None:
    tables: list[dict[str, Any]] = [
        {"node": point("Press"), "fields": "Name; State; Counts[1]; Home.Y; Path; Note; Counts[9]"},
        {"node": point("Presses"), "elements": 2, "fields": ["Counts[0]"]},
        {"node": point("Array"), "elements": "1-2"},
        {"node": point("Array"), "part": "[0:1]"},
        {"node": point("Double")},
    ]
    connector, names = connector_of(own_server.url, tmp_path, tables)
    rows = await read(connector, len(names))
    assert names[:7] == ["Name", "State", "Counts/1", "Home/Y", "Path", "Note", "Counts/9"]
    assert names[7:] == ["0/Counts/0", "1/Counts/0", "1", "2", "", ""]
    good = status.GOOD
    assert rows[:4] == [
        *((Kind.STR, "合模", good), (Kind.I64, 1, good), (Kind.U64, 2**64 - 1, good), (Kind.F32, 0.25, good)),
    ]
    assert json.loads(str(rows[4][1])) == PRESS["Path"]
    assert rows[5:7] == [(Kind.NONE, None, status.BAD_NO_DATA), (Kind.NONE, None, 0x80370000)]
    assert rows[7:9] == [(Kind.U64, 7, good), (Kind.U64, 8, good)]
    assert rows[9:] == [
        *((Kind.I64, 2, good), (Kind.I64, 2**63 - 1, good), (Kind.JSON, "[1,2]", good), (Kind.F64, 0.1, good)),
    ]


async def test_parts_of_one_value_are_one_item_of_a_subscription(own_server: TestServer, tmp_path: Path) -> None:
    tables: list[dict[str, Any]] = [
        {"node": point("Array"), "elements": 3},
        {"node": point("State"), "form": "label"},
        {"node": point("State")},
        {"node": point("Press")},
    ]
    connector, names = connector_of(own_server.url, tmp_path, tables, resume="nothing")
    await connector.open()
    delivered = Delivered()
    running = Running(connector, delivered)
    await delivered.wait_for(lambda: all(delivered.values(at) for at in range(len(names))), "all have come")
    assert [delivered.values(at)[-1] for at in range(5)] == [1, 2, 2**63 - 1, "Running", 1]
    assert json.loads(str(delivered.values(5)[-1])) == PRESS
    assert connector.counters["subscribed"] == 4
    await running.stop()
    await connector.close()


async def test_an_enumeration_is_described_by_its_words(own_server: TestServer, tmp_path: Path) -> None:
    tables: list[dict[str, Any]] = [{"node": point("State")}, {"node": point("State"), "form": "label"}]
    connector, _ = connector_of(own_server.url, tmp_path, tables)
    assert isinstance(connector, SelfDescribing)
    await connector.open()
    described = await connector.describe()
    await connector.close()
    assert "0=Stopped; 1=Running; 2=Fault" in (described[0].description or "")
    assert described[1].kind is Kind.STR


async def test_points_by_browse_path(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(items=1)
    paths = [f"{HALL}/Double", f"{HALL}/Analog/0:EURange", f"{HALL}/Nowhere", "/0:Objects/nsu=urn:nobody;Hall"]
    connector, _ = connector_of(server.url, tmp_path, [{"path": path} for path in paths])
    rows = await read(connector, len(paths))
    assert rows[0] == (Kind.F64, 0.1, status.GOOD)
    assert json.loads(str(rows[1][1])) == {"Low": 0.0, "High": 300.0}
    assert [code for _, _, code in rows[2:]] == [status.BAD_NODE_ID_UNKNOWN] * 2
    server.child.terminate()
    server.start(namespaces_before=["urn:another", "urn:yet:another"])
    assert (await read(connector, len(paths)))[0] == (Kind.F64, 0.1, status.GOOD)


async def test_a_server_that_changes_its_namespaces_is_asked_anew(processes: Processes, tmp_path: Path) -> None:
    server = server_maker(processes, "asyncua")()
    connector, _ = connector_of(server.url, tmp_path, [{"path": f"{HALL}/Double"}], session_timeout="10s")
    await connector.open()
    delivered = Delivered()
    running = Running(connector, delivered)
    await delivered.wait_for(lambda: delivered.values(0), "the first value has come")
    server.tell(namespace="urn:loaded:later")
    assert isinstance(await running.outcome(), DeviceUnreachable)
    assert connector.counters["model_changes"] == 1
    await connector.open()
    assert (await connector.read([0])).values == [0.1]
    await connector.close()


async def test_a_server_that_tells_of_new_nodes_is_asked_at_once(processes: Processes, tmp_path: Path) -> None:
    server = server_maker(processes, "asyncua")()
    tables = [{"path": f"{HALL}/Double"}, {"path": f"{HALL}/Late"}]
    patience = {"retry_refused": "600s", "keep_alive": "100ms", "timeout": "1s"}
    connector, _ = connector_of(server.url, tmp_path, tables, **patience)
    await connector.open()
    delivered = Delivered()
    running = Running(connector, delivered)
    await delivered.wait_for(lambda: delivered.values(0) and delivered.samples(1), "one is there, the other refused")
    server.tell(add="Late", model_change=True)
    await delivered.wait_for(lambda: delivered.values(1) == [None, 1.0], "the new point has come")
    assert connector.counters["model_changes"] == 1
    assert connector.counters["refused"] == 0
    assert connector.counters["events"] == 0
    await running.stop()
    await connector.close()
