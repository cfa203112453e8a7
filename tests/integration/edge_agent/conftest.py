"""Fixtures of the edge agent's integration tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.fixtures.broker import Broker
from tests.fixtures.processes import Processes
from tests.integration.edge_agent.gateway import Gateway
from tests.integration.edge_agent.peer import Peer


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    """A peer at the embedded broker that acknowledges what it stores."""
    made = Peer(broker.url)
    yield made
    made.close()


@pytest.fixture
def make_gateway(processes: Processes, broker: Broker) -> Callable[..., Gateway]:
    """Make gateways (not started) at the embedded broker; keywords are lines for the sections of their file."""

    def make(**sections: str) -> Gateway:
        return Gateway(processes, broker.url, **sections)

    return make
