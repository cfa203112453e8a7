"""What would be read, in how many requests, and whether it will fit: the answer of `edge check`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from connectors.contract import Load
from edge_agent.config import AgentConfig, DeviceConfig
from edge_agent.fit import LineUse, Polling, line_uses
from edge_agent.quantities import SECOND_US, duration_text


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One request or subscription of a scan class."""

    scan: str
    text: str
    points: int


@dataclass(frozen=True, slots=True)
class PlannedCycle:
    """How long one poll of a scan class will take."""

    scan: str
    period_s: float
    cycle_s: float
    basis: str


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What one device would be asked."""

    name: str
    kind: str
    tags: int
    requests: tuple[PlannedRead, ...]
    cycles: tuple[PlannedCycle, ...] = ()
    advice: tuple[str, ...] = ()

    def as_dict(self) -> Mapping[str, object]:
        """For `--json`."""
        return asdict(self)


def plan(config: AgentConfig) -> list[DevicePlan]:
    """The plan of every device, in the order of the files."""
    return [_device_plan(device) for device in config.devices]


def lines(config: AgentConfig) -> list[LineUse]:
    """What is asked of each line that devices share, as far as their kinds can tell."""
    loads = [(device, _load(device)) for device in config.devices]
    return line_uses([Polling(device.name, load, _periods_s(device)) for device, load in loads if load is not None])


def _device_plan(device: DeviceConfig) -> DevicePlan:
    count = len(device.tags)
    advice = tuple(device.kind.advise(device.connector))
    if device.is_subscribed:
        reads = _reads(device, "subscribed", tuple(range(count)))
        return DevicePlan(device.name, device.kind.name, count, tuple(reads), (), advice)
    reads: list[PlannedRead] = []
    for name, group in device.groups().items():
        reads += _reads(device, f"{name} every {duration_text(device.table.scan[name].period)}", group)
    return DevicePlan(device.name, device.kind.name, count, tuple(reads), tuple(_cycles(device)), advice)


def _reads(device: DeviceConfig, label: str, group: Sequence[int]) -> list[PlannedRead]:
    points = [tag.point for tag in device.tags]
    planned = device.kind.describe_plan(device.connector, points, [group])
    return [PlannedRead(label, request.text, request.points) for request in planned]


def _cycles(device: DeviceConfig) -> list[PlannedCycle]:
    load = _load(device)
    if load is None:
        return []
    found = zip(device.groups(), _periods_s(device), load.cycles_s, strict=True)
    return [PlannedCycle(scan, period_s, cycle_s, load.basis) for scan, period_s, cycle_s in found]


def _load(device: DeviceConfig) -> Load | None:
    if device.is_subscribed:
        return None
    points = [tag.point for tag in device.tags]
    return device.kind.estimate(device.connector, points, list(device.groups().values()))


def _periods_s(device: DeviceConfig) -> list[float]:
    return [device.table.scan[name].period / SECOND_US for name in device.groups()]
