"""The heated barrel of a moulding machine: zones that lose heat, pass it on, and are held by controllers."""

from collections.abc import Collection
from dataclasses import dataclass

AMBIENT_C = 24.0
HEATER_W = 3_500.0
HEAT_CAPACITY_J_K = 12_000.0
LOSS_W_K = 8.0
COUPLING_W_K = 6.0
# Cold pellets take heat out of the feed end, shear gives heat to the nozzle end: watts while the screw turns.
SCREW_LOAD_W = (-900.0, -300.0, 250.0, 450.0)

_GAIN = 0.05
_INTEGRAL_S = 200.0


@dataclass(frozen=True, slots=True)
class Zone:
    """One heating zone: what it is, what it should be, and how hard its heater works (0 to 1)."""

    temperature_c: float
    setpoint_c: float
    integral: float
    output: float

    @property
    def output_percent(self) -> float:
        """The heater's share of full power in percent."""
        return self.output * 100.0


def settled_zone(setpoint_c: float) -> Zone:
    """A zone that has been at its setpoint for a while."""
    duty = LOSS_W_K * (setpoint_c - AMBIENT_C) / HEATER_W
    return Zone(setpoint_c, setpoint_c, duty, duty)


def advance_zones(
    zones: tuple[Zone, ...], dt: float, screw_turns: bool, dead_heaters: Collection[int], blind_zones: Collection[int]
) -> tuple[Zone, ...]:
    """All zones after `dt` seconds; dead heaters give no heat, controllers without a sensor keep their output."""
    temperatures = [zone.temperature_c for zone in zones]
    heats = zone_heats(zones, screw_turns, dead_heaters)
    advanced: list[Zone] = []
    for index, (zone, heat_w) in enumerate(zip(zones, heats, strict=True)):
        temperature_c = temperatures[index] + heat_w * dt / HEAT_CAPACITY_J_K
        integral, output = zone.integral, zone.output
        if index not in blind_zones:
            integral, output = _control(zone, dt)
        advanced.append(Zone(temperature_c, zone.setpoint_c, integral, output))
    return tuple(advanced)


def zone_heats(zones: tuple[Zone, ...], screw_turns: bool, dead_heaters: Collection[int]) -> list[float]:
    """The net heat in watts that flows into each zone: heater, losses, neighbours, screw."""
    temperatures = [zone.temperature_c for zone in zones]
    heats: list[float] = []
    for index, zone in enumerate(zones):
        heat_w = heater_power(zone, index in dead_heaters) - LOSS_W_K * (zone.temperature_c - AMBIENT_C)
        for neighbour in (index - 1, index + 1):
            if 0 <= neighbour < len(zones):
                heat_w += COUPLING_W_K * (temperatures[neighbour] - zone.temperature_c)
        heats.append(heat_w + (SCREW_LOAD_W[index] if screw_turns else 0.0))
    return heats


def heater_power(zone: Zone, is_dead: bool) -> float:
    """The electrical power of a zone's heater in watts."""
    return 0.0 if is_dead else HEATER_W * zone.output


def _control(zone: Zone, dt: float) -> tuple[float, float]:
    """A PI controller whose memory stays inside what the heater can do."""
    error_k = zone.setpoint_c - zone.temperature_c
    integral = _within(zone.integral + _GAIN * error_k * dt / _INTEGRAL_S)
    return integral, _within(_GAIN * error_k + integral)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
