"""Unit tests reach no network: sockets are shut, except the pair that an event loop wakes itself with."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def sockets_shut() -> Iterator[None]:
    """Refuse every socket but Unix ones."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
