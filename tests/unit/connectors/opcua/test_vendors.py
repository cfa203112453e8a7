"""Servers that are known by their make: what is capped, what own keys change, what is said."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from connectors.opcua.limits import CHUNK
from connectors.opcua.vendors import PROFILES, Vendor, trust_step


def config(**keys: Any) -> OpcuaConfig:
    return OpcuaConfig.model_validate({"url": "opc.tcp://10.0.0.20:4840", "security": "auto"} | keys)


def test_a_vendor_caps_what_is_not_written() -> None:
    assert config().request_limit == CHUNK
    assert config(vendor="codesys").request_limit == 100
    assert config(vendor="codesys", request_limit=250).request_limit == 250
    assert config(vendor="sinumerik-828d").request_limit == CHUNK


def test_the_plan_keeps_to_the_cap() -> None:
    points = [OpcuaPoint(node=f"nsu=urn:a;i={number}") for number in range(1, 251)]
    for mode in ("polled", "subscribed"):
        plan = KIND.describe_plan(config(vendor="s7-1500", mode=mode), points, [range(250)])
        assert [request.points for request in plan if request.points] == [100, 100, 50]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"vendor": "s7-1500"}, ["requests have 100 items at most", "10,000 items", "32 sessions"]),
        ({"vendor": "s7-1500", "request_limit": 50}, ["requests have 50 items at most", "items", "sessions"]),
        ({"vendor": "s7-1500", "request_limit": 500}, ["request_limit = 500 is above the 100", "items", "sessions"]),
        (
            {"vendor": "s7-1200", "server_deadband": "0.5"},
            ["requests have 100", "no server_deadband", "1,000 items", "10 sessions"],
        ),
        ({"vendor": "kepware", "trigger": "time"}, ["128 sessions"]),
        ({"vendor": "rx3i"}, ["12,500 items", "5 sessions"]),
        (
            {"vendor": "bmenua0100", "queue": 200, "sampling": "100ms", "publishing": "100ms"},
            ["0.1s", "0.1s", "queue = 200 is above the 100", "50,000 items", "10 sessions"],
        ),
        ({"vendor": "plcnext-axc-f-2152", "sampling": "50ms"}, ["below 0.1 s"]),
        ({"vendor": "uc20-sl2000", "sampling": "20ms", "publishing": "20ms"}, ["below 0.05 s"]),
        (
            {"vendor": "sinumerik-840d-sl", "sampling": "50ms", "publishing": "50ms"},
            ['sampling = "0.05s" is below 0.1 s', 'publishing = "0.05s" is below 0.1 s', "10 sessions"],
        ),
        ({"vendor": "codesys", "sampling": "0s"}, ["requests have 100", "100 sessions"]),
    ],
)
def test_what_was_capped_is_said(keys: dict[str, Any], words: list[str]) -> None:
    found = KIND.advise(config(**keys))
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence
        assert PROFILES[Vendor(keys["vendor"])].source in sentence


def test_an_unknown_vendor_is_refused() -> None:
    with pytest.raises(ValidationError, match="sinumerik-840d-sl"):
        config(vendor="kepserver")


def test_the_trust_step_is_that_of_the_make() -> None:
    assert "TIA Portal" in trust_step(Vendor.S7_1500)
    assert "Trusted Clients" in trust_step(Vendor.KEPWARE)
    assert trust_step(Vendor.RX3I) == trust_step(None)


def test_withdrawn_policies_are_spoken_of() -> None:
    (found,) = KIND.advise(config(security="Basic128Rsa15/SignAndEncrypt"))
    assert "SHA-1" in found
