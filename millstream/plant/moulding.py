"""One injection-moulding machine: clamp, screw, mould and counters, driven through the phases of its cycle."""

import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import IntEnum

from millstream.plant.barrel import Zone, advance_zones, heater_power, settled_zone

MOULD_J_K = 25_000.0
MOULD_COOLING_W_K = 150.0
MOULD_LIMIT_C = 52.0
MOULD_RESTART_C = 47.0
OIL_J_K = 200_000.0
OIL_COOLING_W_K = 95.0
OIL_HEAT_SHARE = 0.2
ZONE_TOLERANCE_K = 10.0
RESTART_S = 6.0
CAVITY_ROLLOVER = 1_000_000
_SHORT_SHOT_CHANCE = 0.004


class MachineState(IntEnum):
    """What the machine says of itself."""

    OFF = 0
    HEATING = 1
    READY = 2
    RUNNING = 3
    FAULT = 4


class Phase(IntEnum):
    """The phases of a cycle; IDLE is outside of one."""

    IDLE = 0
    CLOSE = 1
    INJECT = 2
    HOLD = 3
    COOL = 4
    OPEN = 5
    EJECT = 6


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a mould asks for: zone setpoints, seconds in each phase (CLOSE to EJECT), heat of a shot, pressures."""

    name: str
    setpoints_c: tuple[float, float, float, float]
    phase_s: tuple[float, float, float, float, float, float]
    melt_j: float
    inject_bar: float
    hold_bar: float
    shots: int


RECIPES = (
    Recipe(
        "齿轮箱壳体 PA66-GF30", (225.0, 238.0, 246.0, 252.0), (1.4, 2.0, 4.2, 9.0, 1.3, 0.9), 60_000.0, 920.0, 480.0, 60
    ),
    Recipe("Bottle cap PP", (219.0, 230.0, 238.0, 244.0), (1.2, 1.4, 2.6, 6.0, 1.1, 0.7), 38_000.0, 760.0, 350.0, 90),
    Recipe("连接器 PBT", (222.0, 234.0, 243.0, 248.0), (1.3, 1.7, 3.4, 7.5, 1.2, 0.8), 46_000.0, 840.0, 420.0, 75),
)

# What the hydraulic drive takes in each phase, and where clamp pressure goes.
_MOTOR_W = {
    Phase.IDLE: 2_000.0,
    Phase.CLOSE: 8_000.0,
    Phase.INJECT: 28_000.0,
    Phase.HOLD: 10_000.0,
    Phase.COOL: 15_000.0,
    Phase.OPEN: 7_000.0,
    Phase.EJECT: 4_000.0,
}
_CLAMP_BAR = {
    Phase.IDLE: 2.0,
    Phase.CLOSE: 90.0,
    Phase.INJECT: 160.0,
    Phase.HOLD: 160.0,
    Phase.COOL: 150.0,
    Phase.OPEN: 12.0,
    Phase.EJECT: 2.0,
}
SCREW_BACK_MM = 120.0
SCREW_CUSHION_MM = 9.0
_LAG_S = 0.35


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything about one machine at one instant."""

    state: MachineState
    state_s: float
    recipe: int
    zones: tuple[Zone, ...]
    phase: Phase
    phase_s: float
    phase_length_s: float
    clamp_bar: float
    inject_bar: float
    screw_mm: float
    screw_rpm: float
    mould_c: float
    oil_c: float
    cycle_s: float
    cycle_elapsed_s: float
    cycles: int
    cavities: tuple[int, ...]
    scrap: int
    power_w: float
    water_heat_w: float

    @property
    def recipe_name(self) -> str:
        """The name on the machine's screen."""
        return RECIPES[self.recipe].name

    @property
    def is_closed(self) -> bool:
        """Whether the clamp holds the mould shut."""
        return self.clamp_bar > 60.0

    @property
    def power_kw(self) -> float:
        """Electrical power in kilowatts."""
        return self.power_w / 1_000.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the hall does to a machine: cooling water and faults."""

    water_c: float
    flow_share: float
    dead_heaters: Collection[int]
    blind_zones: Collection[int]


def settled_machine(recipe: int, cycles: int) -> Machine:
    """A machine in the middle of a shift, about to close its mould."""
    chosen = RECIPES[recipe]
    return Machine(
        state=MachineState.RUNNING,
        state_s=0.0,
        recipe=recipe,
        zones=tuple(settled_zone(setpoint_c) for setpoint_c in chosen.setpoints_c),
        phase=Phase.CLOSE,
        phase_s=0.0,
        phase_length_s=chosen.phase_s[0],
        clamp_bar=2.0,
        inject_bar=0.0,
        screw_mm=SCREW_BACK_MM,
        screw_rpm=0.0,
        mould_c=42.0,
        oil_c=46.0,
        cycle_s=sum(chosen.phase_s),
        cycle_elapsed_s=0.0,
        cycles=cycles,
        cavities=(cycles % CAVITY_ROLLOVER,) * 4,
        scrap=cycles // 250,
        power_w=0.0,
        water_heat_w=0.0,
    )


def advance_machine(machine: Machine, dt: float, around: Surroundings, rng: random.Random) -> Machine:
    """The machine after `dt` seconds in these surroundings."""
    machine = _advance_heat(machine, dt, around)
    machine = _advance_state(machine, dt, rng)
    machine = _advance_drives(machine, dt)
    if machine.state is MachineState.RUNNING:
        machine = _advance_cycle(machine, dt, rng)
    return machine


def _advance_heat(machine: Machine, dt: float, around: Surroundings) -> Machine:
    melt_w = RECIPES[machine.recipe].melt_j / machine.phase_length_s if machine.phase is Phase.INJECT else 0.0
    mould_water_w = MOULD_COOLING_W_K * around.flow_share * (machine.mould_c - around.water_c)
    oil_water_w = OIL_COOLING_W_K * around.flow_share * (machine.oil_c - around.water_c)
    motor_w = _MOTOR_W[machine.phase]
    heaters_w = sum(heater_power(zone, index in around.dead_heaters) for index, zone in enumerate(machine.zones))
    return replace(
        machine,
        zones=advance_zones(machine.zones, dt, machine.screw_rpm > 1.0, around.dead_heaters, around.blind_zones),
        mould_c=machine.mould_c + (melt_w - mould_water_w) * dt / MOULD_J_K,
        oil_c=machine.oil_c + (OIL_HEAT_SHARE * motor_w - oil_water_w) * dt / OIL_J_K,
        power_w=heaters_w + motor_w,
        water_heat_w=mould_water_w + oil_water_w,
    )


def _advance_state(machine: Machine, dt: float, rng: random.Random) -> Machine:
    state, held_s = machine.state, machine.state_s + dt
    limit_c = MOULD_RESTART_C if state is MachineState.FAULT else MOULD_LIMIT_C
    in_order = machine.mould_c < limit_c and all(
        abs(zone.temperature_c - zone.setpoint_c) < ZONE_TOLERANCE_K for zone in machine.zones
    )
    if state in (MachineState.RUNNING, MachineState.READY) and not in_order:
        return replace(_stopped(machine), state=MachineState.FAULT, state_s=0.0)
    if state in (MachineState.FAULT, MachineState.HEATING) and in_order and held_s > RESTART_S:
        return replace(machine, state=MachineState.READY, state_s=0.0)
    if state is MachineState.READY and held_s > RESTART_S:
        return _begin_phase(replace(machine, state=MachineState.RUNNING, state_s=0.0), Phase.CLOSE, rng)
    return replace(machine, state_s=held_s)


def _advance_drives(machine: Machine, dt: float) -> Machine:
    recipe, phase = RECIPES[machine.recipe], machine.phase
    share = min(1.0, machine.phase_s / machine.phase_length_s) if machine.phase_length_s else 0.0
    inject_bar = {
        Phase.INJECT: recipe.inject_bar * (0.4 + 0.6 * share),
        Phase.HOLD: recipe.hold_bar,
        Phase.COOL: 40.0,
    }.get(phase, 0.0)
    screw_mm = {
        Phase.INJECT: SCREW_BACK_MM - (SCREW_BACK_MM - SCREW_CUSHION_MM - 3.0) * share,
        Phase.HOLD: SCREW_CUSHION_MM + 3.0 * (1.0 - share),
        Phase.COOL: SCREW_CUSHION_MM + (SCREW_BACK_MM - SCREW_CUSHION_MM) * min(1.0, share / 0.8),
    }.get(phase, machine.screw_mm)
    turns = phase is Phase.COOL and share < 0.8
    return replace(
        machine,
        clamp_bar=_towards(machine.clamp_bar, _CLAMP_BAR[phase], dt),
        inject_bar=_towards(machine.inject_bar, inject_bar, dt),
        screw_mm=screw_mm,
        screw_rpm=_towards(machine.screw_rpm, 95.0 if turns else 0.0, dt),
    )


def _advance_cycle(machine: Machine, dt: float, rng: random.Random) -> Machine:
    machine = replace(machine, phase_s=machine.phase_s + dt, cycle_elapsed_s=machine.cycle_elapsed_s + dt)
    if machine.phase_s < machine.phase_length_s:
        return machine
    if machine.phase is not Phase.EJECT:
        return _begin_phase(machine, Phase(machine.phase + 1), rng)
    return _begin_phase(_finish_cycle(machine, rng), Phase.CLOSE, rng)


def _finish_cycle(machine: Machine, rng: random.Random) -> Machine:
    short = [rng.random() < _SHORT_SHOT_CHANCE for _ in machine.cavities]
    cycles = machine.cycles + 1
    machine = replace(
        machine,
        cycles=cycles,
        cavities=tuple(
            count if is_short else (count + 1) % CAVITY_ROLLOVER
            for count, is_short in zip(machine.cavities, short, strict=True)
        ),
        scrap=machine.scrap + sum(short),
        cycle_s=machine.cycle_elapsed_s,
        cycle_elapsed_s=0.0,
    )
    if cycles % RECIPES[machine.recipe].shots:
        return machine
    return _change_recipe(machine, (machine.recipe + 1) % len(RECIPES))


def _change_recipe(machine: Machine, recipe: int) -> Machine:
    setpoints_c = RECIPES[recipe].setpoints_c
    zones = tuple(
        replace(zone, setpoint_c=setpoint_c) for zone, setpoint_c in zip(machine.zones, setpoints_c, strict=True)
    )
    return replace(machine, recipe=recipe, zones=zones)


def _begin_phase(machine: Machine, phase: Phase, rng: random.Random) -> Machine:
    length_s = RECIPES[machine.recipe].phase_s[phase - 1] * rng.uniform(0.99, 1.01)
    return replace(machine, phase=phase, phase_s=0.0, phase_length_s=length_s)


def _stopped(machine: Machine) -> Machine:
    return replace(machine, phase=Phase.IDLE, phase_s=0.0, phase_length_s=0.0, cycle_elapsed_s=0.0)


def _towards(value: float, target: float, dt: float) -> float:
    """First-order lag of valves and drives."""
    return value + (target - value) * min(1.0, dt / _LAG_S)
