"""What the demonstration is asked to do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of `millstream demo`; a port of 0 takes a free one, a duration of 0 has no end."""

    data: Path
    port: int
    console_port: int
    mqtt_port: int
    opcua_port: int
    modbus_port: int
    duration_s: float
    seed: int
    speed: float
