"""docs/api.md tells the truth: its commands are run in their order, its tables are complete."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from cloud_api import settings
from cloud_api.problems import Kinds
from cloud_api.settings import MqttSettings, Role
from tests.fixtures.broker import Broker
from tests.integration.api.service import serve_api, settings_for

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs/api.md").read_text()
FENCE = re.compile(r"^```(\w+)( no-run)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


def examples() -> Iterator[tuple[str, Any]]:
    """Each command that is run, with the answer that follows it."""
    blocks = [(kind, text) for kind, skipped, text in FENCE.findall(DOCUMENT) if not skipped]
    for (kind, command), (form, answer) in zip(blocks[::2], blocks[1::2], strict=True):
        assert (kind, form) == ("sh", "json")
        yield command, json.loads(answer)


def as_request(command: str, variables: dict[str, str]) -> httpx.Request:
    """Read a curl command as curl would, as far as the document uses it."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    program, *words = shlex.split(command.replace("\\\n", " "))
    assert program == "curl"
    method, address, headers, data = "", "", {}, list[tuple[str, bool]]()
    remaining = iter(words)
    is_get = False
    for word in remaining:
        match word:
            case "-s":
                pass
            case "-G":
                is_get = True
            case "-X":
                method = next(remaining)
            case "-H":
                name, _, value = next(remaining).partition(": ")
                headers[name] = value
            case "-d" | "--data-urlencode":
                data.append((next(remaining), word != "-d"))
            case _:
                assert word.startswith("http"), f"the test does not know {word}"
                address = word
    if is_get:
        parameters = dict(text.split("=", 1) for text, _ in data)
        return httpx.Request("GET", address, headers=headers, params=parameters)
    body = data[0][0] if data else None
    return httpx.Request(method or ("POST" if body else "GET"), address, headers=headers, content=body)


def matches(expected: Any, given: Any) -> bool:
    """Compare an answer with the document, where … stands for anything."""
    if expected == ANYTHING:
        return given is not None
    if isinstance(expected, dict):
        return (
            isinstance(given, dict)
            and expected.keys() == given.keys()
            and all(matches(value, given[key]) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(given, list)
            and len(expected) == len(given)
            and all(matches(one, other) for one, other in zip(expected, given, strict=True))
        )
    return type(expected) is type(given) and expected == given


async def test_every_command_answers_as_shown(postgres_url: str, broker: Broker):
    mqtt = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    # The samples of the document are older than samples are kept by default.
    keeping = replace(settings_for(postgres_url).retention, raw=None, rollup_1m=None, rollup_15m=None)
    # Rollups are made in their own time; without them an answer always names the same source.
    roles = frozenset(Role) - {Role.ROLLUPS}
    async with serve_api(postgres_url, roles, mqtt=mqtt, retention=keeping) as api:
        variables = {"API": "http://millstream", "KEY": await api.fill.key("engineer")}
        del api.client.headers["Authorization"]
        ids: dict[str, int] = {}
        count = 0
        for command, expected in examples():
            number = ids.get("hangzhou/lab/oven-2/temperature", 3)
            request = as_request(command.replace("/series/3/", f"/series/{number}/"), variables)
            response = await api.client.send(request)
            given = json.loads(response.text)
            assert matches(expected, given), f"{command}\nanswers\n{response.text}"
            alarms = [item["id"] for item in given.get("items", []) if "acknowledged" in item]
            variables |= {"ALARM": alarms[0]} if alarms else {}
            ids |= {
                item["path"]: item["id"]
                for item in given.get("items", [])
                if "path" in item and "acknowledged" not in item
            }
            count += 1
        assert count >= 9


def test_every_kind_of_problem_is_explained():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", DOCUMENT, re.MULTILINE))
    assert rows == {kind.value.name: str(kind.value.status) for kind in Kinds}


def test_every_setting_is_explained():
    sources = Path(settings.__file__).parent.glob("*settings.py")
    read = {name for each in sources for name in re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', each.read_text())}
    pages = " ".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    assert read <= set(re.findall(r"MILLSTREAM_([A-Z0-9_]+)", pages))
    # Whether there is a console is no setting of the service itself.
    assert set(re.findall(r"`MILLSTREAM_([A-Z0-9_]+)`", DOCUMENT)) <= read | {"CONSOLE"}
    assert len(read) > 60
