"""What `edge check` says about a device that works but could be better."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.opcua import KIND
from connectors.opcua.advice import advise_at
from connectors.opcua.certificates import own_certificates
from connectors.opcua.config import OpcuaConfig


def advice(**keys: Any) -> list[str]:
    config = OpcuaConfig.model_validate({"url": "opc.tcp://10.0.0.20:4840", "security": "auto"} | keys)
    return list(KIND.advise(config))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"security": "None"}, "read and change values"),
        ({"security": "None", "username": "line-1"}, "the password"),
        ({"server_trust": "any"}, "every server"),
        (
            {"sampling": "50ms", "publishing": "1s"},
            "makes 20 changes in 1 s, and the server keeps 10: write queue = 40",
        ),
    ],
)
def test_says_what_could_be_better(keys: dict[str, Any], words: str) -> None:
    (sentence,) = advice(**keys)
    assert words in sentence


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"server_trust": "any", "server_thumbprint": "0" * 40},
        {"mode": "polled", "sampling": "50ms", "publishing": "1s"},
    ],
)
def test_has_nothing_to_say_where_all_is_well(keys: dict[str, Any]) -> None:
    assert advice(**keys) == []


def test_certificates_that_end_soon_are_named(tmp_path: Path) -> None:
    (own,) = own_certificates(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    soon = own.not_after - timedelta(days=25)
    table: dict[str, Any] = {"url": "opc.tcp://10.0.0.20:4840", "security": "auto", "certificates": tmp_path}
    (sentence,) = advise_at(OpcuaConfig.model_validate(table), soon)
    assert f"our certificate {own.thumbprint} ends in 25 days" in sentence
    assert not advise_at(OpcuaConfig.model_validate(table), soon - timedelta(days=100))
