"""The agent's configuration for the simulated plant, written as the TOML that an engineer would write."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from millstream.plant.tags import NAMESPACE, ModbusDevice, PlantTag, RegisterTag, modbus_devices, opcua_tags

HALL = "hangzhou/moulding/hall-1"
FAST_TAGS = frozenset({"supply/pressure", "supply/flow", "pump/current"})
_HEAD = """\
# Written anew at every start of `millstream demo`. Devices of your own go into devices.d/*.toml beside this file:
# the agent takes them up while it runs.
"""

Entry: TypeAlias = str | int | float


def agent_config(mqtt_url: str, opcua_url: str, modbus_url: str, outbox: Path) -> str:
    """The whole file: where the broker and the outbox are, and every tag of the plant."""
    sections = [
        _HEAD,
        _table("[agent]", {"id": "gw-hall-1"}),
        _table("[mqtt]", {"url": mqtt_url}),
        _table("[outbox]", {"path": str(outbox), "max_bytes": "256MiB"}),
        *_opcua_device(opcua_url),
    ]
    for device in modbus_devices():
        sections.extend(_modbus_device(device, modbus_url))
    return "\n".join(sections)


def tag_count() -> int:
    """How many tags the configuration has."""
    return len(opcua_tags()) + sum(len(device.registers) for device in modbus_devices())


def _opcua_device(url: str) -> Iterator[str]:
    head = {"name": "hall-1", "path": HALL, "kind": "opcua", "url": url}
    yield _table("[[device]]", {**head, "sampling": "250ms", "publishing": "500ms", "queue": 10})
    for tag in opcua_tags():
        yield _tag(tag.tag, {"node": f"nsu={NAMESPACE};s={tag.node}"})


def _modbus_device(device: ModbusDevice, url: str) -> Iterator[str]:
    head = {"name": device.name, "path": f"{HALL}/{device.name}", "kind": "modbus", "url": url}
    yield _table("[[device]]", {**head, "unit": device.unit_id})
    is_fast = any(register.tag.name in FAST_TAGS for register in device.registers)
    yield _table("[device.scan]", {"default": "1s", **({"fast": "250ms"} if is_fast else {})})
    for register in device.registers:
        yield _tag(register.tag, _point(register))


def _point(register: RegisterTag) -> dict[str, Entry]:
    point: dict[str, Entry] = {"address": f"{register.area}:{register.address}"}
    if register.tag.type != "bool":
        point["type"] = register.tag.type
    if register.order != "ABCD":
        point["order"] = register.order
    if register.length:
        point["length"] = register.length // 2
    if register.divisor != 1:
        point["scale"] = 1 / register.divisor
    if register.tag.name in FAST_TAGS:
        point["scan"] = "fast"
    return point


def _tag(tag: PlantTag, point: Mapping[str, Entry]) -> str:
    content: dict[str, Entry] = {"name": tag.name, **point}
    if tag.unit:
        content["unit"] = tag.unit
    if tag.low is not None and tag.high is not None:
        content |= {"low": tag.low, "high": tag.high}
    return _table("[[device.tag]]", {**content, "description": tag.description})


def _table(head: str, content: Mapping[str, Entry]) -> str:
    # A JSON string is a TOML basic string as long as DEL is escaped too.
    lines = (
        f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f") for key, value in content.items()
    )
    return "\n".join((head, *lines, ""))
