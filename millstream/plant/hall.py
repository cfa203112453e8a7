"""The hall as one pure step function: `advance(hall, dt, rng)` is all the physics there is."""

import random
from dataclasses import dataclass, replace

from millstream.plant.cooling import FULL_FLOW_M3H, Water, advance_water, settled_water, water_power
from millstream.plant.faults import MACHINES, Fault, FaultKind, first_fault, next_fault
from millstream.plant.metering import Meter, advance_meter, new_meter
from millstream.plant.moulding import Machine, Surroundings, advance_machine, settled_machine

STEP_S = 0.1
LIGHTING_W = 3_200.0


@dataclass(frozen=True, slots=True)
class Hall:
    """Everything in the hall at one instant; `fault` is the present or the coming one."""

    seed: int
    elapsed_s: float
    machines: tuple[Machine, ...]
    water: Water
    meter: Meter
    fault: Fault

    def active_fault(self, kind: FaultKind) -> Fault | None:
        """The fault of this kind that is there now."""
        is_there = self.fault.kind is kind and self.fault.is_active(self.elapsed_s)
        return self.fault if is_there else None


def new_hall(seed: int) -> Hall:
    """The hall in the middle of a shift, as this seed begins it."""
    draw = random.Random(f"hall {seed}")
    return Hall(
        seed=seed,
        elapsed_s=0.0,
        machines=tuple(settled_machine(number % 3, draw.randrange(40_000, 900_000)) for number in range(MACHINES)),
        water=settled_water(draw.uniform(2.0e7, 6.0e7)),
        meter=new_meter(),
        fault=first_fault(seed),
    )


def advance(hall: Hall, dt: float, rng: random.Random) -> Hall:
    """The hall after `dt` seconds."""
    elapsed_s = hall.elapsed_s + dt
    fault = hall.fault if elapsed_s < hall.fault.to_s else next_fault(hall.seed, hall.fault)
    hall = replace(hall, elapsed_s=elapsed_s, fault=fault)
    machines = tuple(
        advance_machine(machine, dt, _around(hall, number), rng) for number, machine in enumerate(hall.machines)
    )
    heat_w = sum(machine.water_heat_w for machine in machines)
    water = advance_water(hall.water, dt, heat_w, hall.active_fault(FaultKind.PUMP_TRIP) is not None)
    power_w = LIGHTING_W + sum(machine.power_w for machine in machines) + water_power(water, heat_w)
    return replace(hall, machines=machines, water=water, meter=advance_meter(hall.meter, dt, power_w, rng))


def _around(hall: Hall, number: int) -> Surroundings:
    return Surroundings(
        water_c=hall.water.supply_c,
        flow_share=hall.water.flow_m3h / FULL_FLOW_M3H,
        dead_heaters=_zones_hit(hall.active_fault(FaultKind.HEATER_FAILURE), number),
        blind_zones=_zones_hit(hall.active_fault(FaultKind.SENSOR_BREAK), number),
    )


def _zones_hit(fault: Fault | None, number: int) -> tuple[int, ...]:
    return (fault.zone,) if fault is not None and fault.machine == number else ()
