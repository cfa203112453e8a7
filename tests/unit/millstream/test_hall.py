"""The hall's physics: the same for a seed, within limits, and no energy from nowhere."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.plant.barrel import AMBIENT_C, HEATER_W, LOSS_W_K, Zone, advance_zones, settled_zone, zone_heats
from millstream.plant.cooling import FULL_FLOW_M3H, advance_water, settled_water
from millstream.plant.faults import Fault, FaultKind, first_fault, next_fault
from millstream.plant.hall import STEP_S, Hall, advance, new_hall
from millstream.plant.metering import JOULES_PER_WH, advance_meter, new_meter
from millstream.plant.moulding import RECIPES, MachineState, Phase

SEEDS = st.integers(min_value=0, max_value=2**32)


def _run(hall: Hall, seconds: float, seed: int = 1) -> list[Hall]:
    rng = random.Random(seed)
    trajectory = [hall]
    for _ in range(round(seconds / STEP_S)):
        trajectory.append(advance(trajectory[-1], STEP_S, rng))
    return trajectory


def _with_fault(hall: Hall, kind: FaultKind, machine: int = 0, zone: int = 0) -> Hall:
    return replace(hall, fault=Fault(0, kind, machine, zone, 0.0, 1e9))


def test_same_seed_gives_the_same_trajectory():
    assert _run(new_hall(7), 90) == _run(new_hall(7), 90)


def test_other_seed_gives_another_trajectory():
    assert _run(new_hall(7), 90)[-1] != _run(new_hall(8), 90)[-1]


@pytest.mark.parametrize("seed", [1, 2, 2**32])
def test_everything_stays_within_what_is_possible(seed: int):
    for hall in _run(new_hall(seed), 400, seed)[1:]:
        for machine in hall.machines:
            assert all(AMBIENT_C <= zone.temperature_c < 300 for zone in machine.zones)
            assert all(0 <= zone.output <= 1 for zone in machine.zones)
            assert 0 <= machine.clamp_bar <= 160
            assert 0 <= machine.screw_mm <= 120
            assert AMBIENT_C / 2 < machine.mould_c < 80
            assert 0 < machine.power_w < 45_000
        assert 0 <= hall.water.flow_m3h <= FULL_FLOW_M3H
        assert 0 <= hall.water.level_percent <= 100
        assert 49 < hall.meter.frequency_hz < 51


def test_counters_count_every_cycle_and_roll_over():
    trajectory = _run(new_hall(1), 600)
    cycles = [hall.machines[1].cycles for hall in trajectory]
    assert cycles[-1] - cycles[0] > 25
    assert all(after - before in (0, 1) for before, after in pairwise(cycles))
    pulses = [hall.water.pulses for hall in trajectory]
    falls = [before for before, after in pairwise(pulses) if after < before]
    assert len(falls) == 1
    assert falls[0] > 65_500


def test_cycle_passes_all_phases_in_order():
    phases = [hall.machines[0].phase for hall in _run(new_hall(1), 60)]
    changes = [after for before, after in pairwise(phases) if after is not before]
    assert changes[:6] == [Phase.INJECT, Phase.HOLD, Phase.COOL, Phase.OPEN, Phase.EJECT, Phase.CLOSE]


def test_settled_zone_is_in_balance():
    zone = settled_zone(230.0)
    assert HEATER_W * zone.output == pytest.approx(LOSS_W_K * (230.0 - AMBIENT_C))


@given(st.lists(st.floats(30, 350), min_size=4, max_size=4))
def test_heat_between_zones_is_neither_made_nor_lost(temperatures_c: list[float]):
    zones = tuple(Zone(temperature_c, 200.0, 0.0, 0.0) for temperature_c in temperatures_c)
    lost_w = sum(LOSS_W_K * (zone.temperature_c - AMBIENT_C) for zone in zones)
    assert sum(zone_heats(zones, False, ())) == pytest.approx(-lost_w)


def test_dead_heater_lets_its_zone_cool_towards_the_hall():
    zones = tuple(settled_zone(setpoint_c) for setpoint_c in RECIPES[0].setpoints_c)
    course = [zones]
    for _ in range(600):
        course.append(advance_zones(course[-1], STEP_S, False, (1,), ()))
    temperatures = [state[1].temperature_c for state in course]
    assert all(after < before for before, after in pairwise(temperatures))
    assert AMBIENT_C < temperatures[-1] < temperatures[0] - 5
    assert course[-1][1].output > 0.9


def test_controller_without_sensor_keeps_its_output():
    zones = tuple(settled_zone(setpoint_c) for setpoint_c in RECIPES[0].setpoints_c)
    disturbed = (zones[0], replace(zones[1], temperature_c=100.0), *zones[2:])
    assert advance_zones(disturbed, STEP_S, False, (), (1,))[1].output == zones[1].output
    assert advance_zones(disturbed, STEP_S, False, (), ())[1].output == 1.0


def test_heater_failure_stops_the_machine_and_it_comes_back():
    trajectory = _run(_with_fault(new_hall(1), FaultKind.HEATER_FAILURE, zone=2), 120)
    assert trajectory[-1].machines[0].state is MachineState.FAULT
    assert trajectory[-1].machines[1].state is MachineState.RUNNING
    healed = replace(trajectory[-1], fault=Fault(1, FaultKind.SENSOR_BREAK, 1, 0, 1e9, 2e9))
    assert any(hall.machines[0].state is MachineState.RUNNING for hall in _run(healed, 300))


def test_pump_trip_takes_the_water_from_the_moulds():
    calm, tripped = new_hall(1), _with_fault(new_hall(1), FaultKind.PUMP_TRIP)
    with_water, without = _run(replace(calm, fault=replace(calm.fault, from_s=1e9, to_s=2e9)), 50), _run(tripped, 50)
    assert without[-1].water.is_tripped
    assert without[-1].water.flow_m3h < 0.1
    assert without[-1].water.motor_a == 0.0
    assert without[-1].machines[0].mould_c > with_water[-1].machines[0].mould_c + 2
    assert without[-1].meter.active_wh < with_water[-1].meter.active_wh


def test_pump_counts_its_starts():
    water = settled_water(1e6)
    stopped = advance_water(water, STEP_S, 0.0, True)
    assert advance_water(stopped, STEP_S, 0.0, False).starts == water.starts + 1
    assert advance_water(water, STEP_S, 0.0, False).starts == water.starts


@given(st.lists(st.floats(0, 150_000), min_size=1, max_size=200))
def test_meter_loses_no_joule(powers_w: list[float]):
    rng, meter = random.Random(1), new_meter()
    for power_w in powers_w:
        meter = advance_meter(meter, STEP_S, power_w, rng)
    counted_j = (meter.active_wh - new_meter().active_wh) * JOULES_PER_WH + meter.active_rest_j
    assert counted_j == pytest.approx(sum(powers_w) * STEP_S, abs=1e-3)
    assert 0 <= meter.active_rest_j < JOULES_PER_WH
    assert new_meter().active_wh > 2**53


@given(SEEDS)
def test_first_fault_breaks_a_sensor_within_a_minute_and_others_follow(seed: int):
    fault = first_fault(seed)
    assert fault.kind is FaultKind.SENSOR_BREAK
    assert 20 <= fault.from_s <= 50
    kinds: list[FaultKind] = []
    for _ in range(9):
        following = next_fault(seed, fault)
        assert fault.to_s + 40 <= following.from_s < following.to_s
        fault = following
        kinds.append(fault.kind)
    assert set(kinds) == set(FaultKind)
