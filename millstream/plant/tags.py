"""What the hall's two servers show, from the tables beside this module, and how a sensor reads the hall."""

import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from millstream.plant.faults import MACHINES, ZONES, FaultKind
from millstream.plant.hall import Hall

NAMESPACE = "urn:millstream:plant"
CAVITIES = 4

Reading: TypeAlias = float | int | bool | str | None
"""What a sensor says; None when it is broken."""


@dataclass(frozen=True, slots=True)
class PlantTag:
    """One value: its name, its type in the words of its protocol, what it means and where the model has it."""

    name: str
    type: str
    source: tuple[str, ...]
    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    noise: float = 0.0
    step: float = 0.0

    def measure(self, hall: Hall, rng: random.Random) -> Reading:
        """What the sensor says: the truth, its noise, its resolution; nothing when it is broken."""
        if _is_broken(self.source, hall):
            return None
        value = _follow(hall, self.source)
        if not isinstance(value, float):
            return value
        noisy = value + rng.gauss(0.0, self.noise) if self.noise else value
        return round(round(noisy / self.step) * self.step, 6) if self.step else noisy


@dataclass(frozen=True, slots=True)
class OpcuaTag:
    """A variable of the OPC UA server; `node` is its string identifier in the plant's namespace."""

    tag: PlantTag
    node: str


@dataclass(frozen=True, slots=True)
class RegisterTag:
    """A value in a Modbus device's map; `length` is a string's size in bytes."""

    tag: PlantTag
    area: str
    address: int
    order: str = "ABCD"
    divisor: int = 1
    length: int = 0


@dataclass(frozen=True, slots=True)
class ModbusDevice:
    """One unit on the Modbus line."""

    name: str
    unit_id: int
    registers: tuple[RegisterTag, ...]


@cache
def opcua_tags() -> tuple[OpcuaTag, ...]:
    """All variables of the OPC UA server, machine by machine."""
    table = _table("opcua.toml")
    return tuple(tag for machine in range(MACHINES) for tag in _machine_tags(table, machine))


@cache
def modbus_devices() -> tuple[ModbusDevice, ...]:
    """All Modbus devices with their maps."""
    return tuple(
        ModbusDevice(device["name"], device["unit_id"], tuple(_register(row) for row in device["register"]))
        for device in _table("modbus.toml")["device"]
    )


def _machine_tags(table: dict[str, Any], machine: int) -> Iterator[OpcuaTag]:
    prefix, root = f"imm-{machine + 1}", ("machines", str(machine))
    for row in table["machine"]:
        yield _variable(row, prefix, root)
    for zone in range(ZONES):
        for row in table["zone"]:
            yield _variable(row, f"{prefix}/zone-{zone + 1}", (*root, "zones", str(zone)))
    for cavity in range(CAVITIES):
        for row in table["cavity"]:
            yield _variable(row, f"{prefix}/cavity-{cavity + 1}", (*root, "cavities", str(cavity)))


def _variable(row: dict[str, Any], prefix: str, root: tuple[str, ...]) -> OpcuaTag:
    name = f"{prefix}/{row['name']}"
    source = (*root, row["source"]) if row["source"] else root
    return OpcuaTag(_plant_tag(row, name, source), name.replace("/", "."))


def _register(row: dict[str, Any]) -> RegisterTag:
    place = {key: row[key] for key in ("area", "address", "order", "divisor", "length") if key in row}
    value = {key: row[key] for key in row if key not in place}
    return RegisterTag(_plant_tag(value, row["name"], tuple(row["source"].split("."))), **place)


def _plant_tag(row: dict[str, Any], name: str, source: tuple[str, ...]) -> PlantTag:
    value: dict[str, Any] = {**row, "name": name, "source": source}
    return PlantTag(**value)


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("millstream.plant").joinpath(name).read_text(encoding="utf-8"))


def _is_broken(source: Sequence[str], hall: Hall) -> bool:
    if source[-1] != "temperature_c":
        return False
    fault = hall.active_fault(FaultKind.SENSOR_BREAK)
    return fault is not None and (source[1], source[3]) == (str(fault.machine), str(fault.zone))


def _follow(hall: Hall, source: Sequence[str]) -> float | int | bool | str:
    place: Any = hall
    for step in source:
        place = place[int(step)] if step.isdecimal() else getattr(place, step)
    return place
