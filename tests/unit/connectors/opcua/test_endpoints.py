"""Servers that do not know their own address."""

import pytest

from connectors.opcua.endpoints import advertised_elsewhere

URL = "opc.tcp://10.0.0.20:4840"


@pytest.mark.parametrize(
    ("advertised", "others"),
    [
        ([], []),
        ([URL], []),
        (["opc.tcp://PLC:4840", "opc.tcp://10.0.0.20/path"], []),
        (["opc.tcp://plc-1:4840", "opc.tcp://plc-1:4840"], ["opc.tcp://plc-1:4840"]),
        (["opc.tcp://10.0.0.20:14840"], ["opc.tcp://10.0.0.20:14840"]),
        (["https://10.0.0.20:443"], []),
        (["opc.tcp://[", "opc.tcp://a:b"], ["opc.tcp://[", "opc.tcp://a:b"]),
    ],
)
def test_is_told_where_no_address_is_ours(advertised: list[str], others: list[str]) -> None:
    assert advertised_elsewhere(URL, advertised) == tuple(others)
