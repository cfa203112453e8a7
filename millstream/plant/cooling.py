"""The cooling-water station: a pump that can trip, a tank, a chiller, and the heat of the machines."""

import math
from dataclasses import dataclass, replace

FULL_FLOW_M3H = 14.0
FULL_PRESSURE_BAR = 4.5
FULL_SPEED_RPM = 2_900.0
CHILLED_C = 18.0
CHILLER_COP = 3.5
WATER_WH_M3K = 1_163.0
PUMP_W = 4_000.0
PULSES_ROLLOVER = 65_536

_SPIN_S = 2.0
_WARM_S = 20.0
_MIN_FLOW_M3H = 0.5


@dataclass(frozen=True, slots=True)
class Water:
    """The station at one instant; `speed` is the pump's share of full speed."""

    setpoint_bar: float
    is_enabled: bool
    is_tripped: bool
    speed: float
    supply_c: float
    return_c: float
    level_percent: float
    is_refilling: bool
    bearing_c: float
    running_s: float
    starts: int
    litres: float
    filter_percent: float

    @property
    def flow_m3h(self) -> float:
        """Water through the pump."""
        return FULL_FLOW_M3H * self.speed

    @property
    def pressure_bar(self) -> float:
        """Pressure behind the pump: the square of its speed."""
        return FULL_PRESSURE_BAR * self.speed**2

    @property
    def is_running(self) -> bool:
        """Whether the pump's contactor is closed."""
        return self.is_enabled and not self.is_tripped

    @property
    def motor_a(self) -> float:
        """Motor current: magnetising share, then the cube of speed."""
        return 2.1 + 6.4 * self.speed**3 if self.is_running else 0.0

    @property
    def speed_rpm(self) -> float:
        """Motor speed."""
        return FULL_SPEED_RPM * self.speed

    @property
    def hours(self) -> int:
        """Running hours, as the station's counter shows them."""
        return int(self.running_s // 3_600)

    @property
    def is_low(self) -> bool:
        """Whether the level switch says so."""
        return self.level_percent < 62.0

    @property
    def is_filter_dirty(self) -> bool:
        """Whether the filter wants cleaning."""
        return self.filter_percent > 90.0

    @property
    def pulses(self) -> int:
        """The flow meter's pulse counter, one a litre, 16 bits wide."""
        return int(self.litres) % PULSES_ROLLOVER


def settled_water(running_s: float) -> Water:
    """A station that runs at its setpoint; its pulse counter is about to roll over."""
    return Water(
        setpoint_bar=3.2,
        is_enabled=True,
        is_tripped=False,
        speed=math.sqrt(3.2 / FULL_PRESSURE_BAR),
        supply_c=CHILLED_C,
        return_c=CHILLED_C + 0.8,
        level_percent=78.0,
        is_refilling=False,
        bearing_c=47.0,
        running_s=running_s,
        starts=412,
        litres=PULSES_ROLLOVER - 250.0,
        filter_percent=35.0,
    )


def advance_water(water: Water, dt: float, heat_w: float, is_tripped: bool) -> Water:
    """The station after `dt` seconds while it takes `heat_w` from the machines."""
    was_running = water.is_running
    water = replace(water, is_tripped=is_tripped)
    target = math.sqrt(min(water.setpoint_bar, FULL_PRESSURE_BAR) / FULL_PRESSURE_BAR) if water.is_running else 0.0
    speed = water.speed + (target - water.speed) * min(1.0, dt / _SPIN_S)
    flow_m3h = FULL_FLOW_M3H * speed
    rise_k = heat_w / (WATER_WH_M3K * flow_m3h) if flow_m3h > _MIN_FLOW_M3H else water.return_c - water.supply_c
    level_percent, is_refilling = _tank(water, dt)
    return replace(
        water,
        speed=speed,
        supply_c=_towards(water.supply_c, CHILLED_C + 0.15 * rise_k, dt, _WARM_S),
        return_c=_towards(water.return_c, water.supply_c + rise_k, dt, _WARM_S),
        level_percent=level_percent,
        is_refilling=is_refilling,
        bearing_c=_towards(water.bearing_c, 26.0 + 27.0 * speed, dt, 180.0),
        running_s=water.running_s + (dt if water.is_running else 0.0),
        starts=water.starts + (1 if water.is_running and not was_running else 0),
        litres=water.litres + flow_m3h / 3.6 * dt,
        filter_percent=(water.filter_percent + 0.002 * speed * dt) % 100.0,
    )


def water_power(water: Water, heat_w: float) -> float:
    """Electrical power of pump and chiller in watts."""
    return (PUMP_W * water.speed**3 if water.is_running else 0.0) + max(0.0, heat_w) / CHILLER_COP


def _tank(water: Water, dt: float) -> tuple[float, bool]:
    """Evaporation empties the tank slowly; a float valve opens at 60 % and closes at 85 %."""
    is_refilling = water.level_percent < 60.0 or (water.is_refilling and water.level_percent < 85.0)
    rate = 0.5 if is_refilling else -0.03
    return min(100.0, max(0.0, water.level_percent + rate * dt)), is_refilling


def _towards(value: float, target: float, dt: float, lag_s: float) -> float:
    return value + (target - value) * min(1.0, dt / lag_s)
