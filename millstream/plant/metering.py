"""The hall's energy meter: 64-bit counters that lose no joule between two counts."""

import random
from dataclasses import dataclass

# Past 2^53, where a double no longer knows every whole number.
FIRST_ACTIVE_WH = 9_007_199_254_742_741
FIRST_REACTIVE_VARH = 3_482_114_907
POWER_FACTOR = 0.88
REACTIVE_SHARE = 0.54
JOULES_PER_WH = 3_600.0
_PHASE_SHARES = (0.36, 0.33, 0.31)


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts in whole watt-hours, and the joules that have not become one yet."""

    active_wh: int
    active_rest_j: float
    reactive_varh: int
    reactive_rest_j: float
    power_w: float
    frequency_hz: float

    @property
    def model(self) -> str:
        """What the meter says it is."""
        return "MS-EM3 能源表"

    @property
    def active_kw(self) -> float:
        """Active power in kilowatts."""
        return self.power_w / 1_000.0

    @property
    def power_factor(self) -> float:
        """Active power over apparent power."""
        return POWER_FACTOR

    @property
    def phase_v(self) -> float:
        """Voltage between a phase and neutral: it sags a little under load."""
        return 231.5 - self.power_w / 40_000.0

    @property
    def currents_a(self) -> tuple[float, ...]:
        """Current in each phase; the phases are not loaded alike."""
        apparent_va = self.power_w / POWER_FACTOR
        return tuple(apparent_va * share / self.phase_v for share in _PHASE_SHARES)


def new_meter() -> Meter:
    """A meter that has counted for a long time."""
    return Meter(FIRST_ACTIVE_WH, 0.0, FIRST_REACTIVE_VARH, 0.0, 0.0, 50.0)


def advance_meter(meter: Meter, dt: float, power_w: float, rng: random.Random) -> Meter:
    """The meter after `dt` seconds at `power_w`."""
    active_wh, active_rest_j = _count(meter.active_wh, meter.active_rest_j + power_w * dt)
    reactive_varh, reactive_rest_j = _count(meter.reactive_varh, meter.reactive_rest_j + REACTIVE_SHARE * power_w * dt)
    drift_hz = 0.02 * (50.0 - meter.frequency_hz) * dt + rng.gauss(0.0, 0.002) * dt**0.5
    return Meter(
        active_wh=active_wh,
        active_rest_j=active_rest_j,
        reactive_varh=reactive_varh,
        reactive_rest_j=reactive_rest_j,
        power_w=power_w,
        frequency_hz=meter.frequency_hz + drift_hz,
    )


def _count(count: int, joules: float) -> tuple[int, float]:
    whole = int(joules // JOULES_PER_WH)
    return count + whole, joules - whole * JOULES_PER_WH
