"""Events of a node as JSON samples; conditions with their state, also those that held before anybody listened."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector
from schemas import status
from schemas.sample import Kind
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.conftest import Delivered, Running
from tests.integration.connectors.opcua.servers import NAMESPACE, TestServer, server_maker
from tests.integration.connectors.opcua.test_shapes import connector_of

HALL = f"/0:Objects/nsu={NAMESPACE};Hall"


class Listening:
    """Listens to events of the hall; the node beside them is an ordinary point."""

    def __init__(self, url: str, folder: Path, **keys: Any) -> None:
        tables: list[dict[str, Any]] = [{"path": HALL, "events": True, **keys}, {"path": f"{HALL}/Analog"}]
        self.connector: Connector = connector_of(url, folder, tables, resume="nothing")[0]
        self.delivered = Delivered()

    async def begin(self) -> Running:
        await self.connector.open()
        running = Running(self.connector, self.delivered)
        await self.delivered.wait_for(lambda: self.connector.counters["subscribed"] == 2, "both are subscribed")
        await self.delivered.wait_for(lambda: self.delivered.results[-1].until_us, "progress does not wait for events")
        return running

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(str(value)) for value in self.delivered.values(0)]


@pytest.fixture
async def listening(tmp_path: Path, processes: Processes) -> AsyncIterator[Any]:
    made: list[tuple[Listening, Running]] = []

    async def start(make: str, **keys: Any) -> tuple[TestServer, Listening]:
        server = server_maker(processes, make)()
        if make == "node-opcua":
            server.tell(set="Analog", type="Double", value=260.0)
        one = Listening(server.url, tmp_path, **keys)
        made.append((one, await one.begin()))
        return server, one

    yield start
    for one, running in made:
        await running.stop()
        await one.connector.close()


async def test_events_of_a_node_are_samples(listening: Any) -> None:
    server, one = await listening("asyncua", min_severity=400, event_fields=["LocalTime"])
    server.tell(event="too little to tell", severity=100)
    server.tell(event="门打开", severity=500)
    await one.delivered.wait_for(one.events, "the event has come")
    (event,) = one.events()
    assert (event["message"], event["severity"]) == ("门打开", 500)
    assert event["type"] == "i=2041"
    assert set(event["fields"]) == {"LocalTime"}
    (sample,) = one.delivered.samples(0)
    assert sample[1] == status.GOOD
    kinds = [
        kind for each in one.delivered.results for at, kind in zip(each.points, each.kinds, strict=True) if at == 0
    ]
    assert kinds == [Kind.JSON]
    found = await one.connector.read([0, 1])
    assert (found.points, found.statuses[-1]) == ([1, 0], status.BAD_NOT_READABLE)


async def test_conditions_tell_their_state(listening: Any) -> None:
    server, one = await listening("node-opcua")

    def conditions() -> list[dict[str, Any]]:
        return [event["condition"] for event in one.events() if event.get("condition")]

    await one.delivered.wait_for(lambda: any(each["active"] for each in conditions()), "the state before us is told")
    held = next(each for each in conditions() if each["active"])
    assert (held["name"], held["acked"], held["retain"]) == ("TooHot", False, True)
    assert held["id"].startswith(f"nsu={NAMESPACE};")
    server.tell(set="Analog", type="Double", value=20.0)
    await one.delivered.wait_for(lambda: conditions()[-1]["active"] is False, "the end of the alarm is told")
    assert all(isinstance(event["severity"], int) for event in one.events())
