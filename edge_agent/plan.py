"""What would be read, in how many requests: the answer of `edge check`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from edge_agent.config import AgentConfig, DeviceConfig
from edge_agent.quantities import duration_text


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One request or subscription of a scan class."""

    scan: str
    text: str
    points: int


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What one device would be asked."""

    name: str
    kind: str
    tags: int
    requests: tuple[PlannedRead, ...]

    def as_dict(self) -> Mapping[str, object]:
        """For `--json`."""
        return asdict(self)


def plan(config: AgentConfig) -> list[DevicePlan]:
    """The plan of every device, in the order of the files."""
    return [_device_plan(device) for device in config.devices]


def _device_plan(device: DeviceConfig) -> DevicePlan:
    points = [tag.point for tag in device.tags]
    if device.is_subscribed:
        everything = [tuple(range(len(points)))]
        planned = device.kind.describe_plan(device.connector, points, everything)
        reads = [PlannedRead("subscribed", request.text, request.points) for request in planned]
        return DevicePlan(device.name, device.kind.name, len(points), tuple(reads))
    reads: list[PlannedRead] = []
    for name, group in device.groups().items():
        label = f"{name} every {duration_text(device.table.scan[name].period)}"
        planned = device.kind.describe_plan(device.connector, points, [group])
        reads += [PlannedRead(label, request.text, request.points) for request in planned]
    return DevicePlan(device.name, device.kind.name, len(points), tuple(reads))
