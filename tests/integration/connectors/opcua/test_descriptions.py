"""Unit, range and description come from the server, from two makes of it."""

from connectors.contract import PointDescription, SelfDescribing
from schemas.sample import Kind
from tests.integration.connectors.opcua.conftest import Connect, point
from tests.integration.connectors.opcua.servers import TestServer


async def test_the_server_describes_its_variables(shared_server: TestServer, connect: Connect) -> None:
    connector = connect(shared_server.url, [point(name) for name in ("Analog", "Int16", "Nowhere", "Array")])
    assert isinstance(connector, SelfDescribing)
    await connector.open()
    described = await connector.describe()
    analog = described[0]
    assert (analog.kind, analog.unit, analog.low, analog.high) == (Kind.F64, "°C", 0.0, 300.0)
    assert described[1] == PointDescription(kind=Kind.I64, description=described[1].description)
    assert 2 not in described
    assert described[3].kind is Kind.JSON
