"""What goes wrong in the hall, and when: a schedule that the seed alone decides."""

import random
from dataclasses import dataclass
from enum import StrEnum

MACHINES = 2
ZONES = 4


class FaultKind(StrEnum):
    """The faults that come and go."""

    SENSOR_BREAK = "sensor_break"
    HEATER_FAILURE = "heater_failure"
    PUMP_TRIP = "pump_trip"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its number in the schedule, what, where, and from when to when in seconds of plant time."""

    number: int
    kind: FaultKind
    machine: int
    zone: int
    from_s: float
    to_s: float

    def is_active(self, elapsed_s: float) -> bool:
        """Whether the fault is there at this plant time."""
        return self.from_s <= elapsed_s < self.to_s


def first_fault(seed: int) -> Fault:
    """The first fault: always a broken sensor within the first minute, so that a Bad status is soon seen."""
    return _fault(seed, 0, FaultKind.SENSOR_BREAK, 20.0, 50.0)


def next_fault(seed: int, previous: Fault) -> Fault:
    """The fault that follows: all kinds take their turn, in an order drawn anew for every round."""
    number = previous.number + 1
    kinds = list(FaultKind)
    random.Random(f"round {seed} {number // len(kinds)}").shuffle(kinds)
    return _fault(seed, number, kinds[number % len(kinds)], previous.to_s + 40.0, previous.to_s + 110.0)


def _fault(seed: int, number: int, kind: FaultKind, earliest_s: float, latest_s: float) -> Fault:
    draw = random.Random(f"fault {seed} {number}")
    from_s = draw.uniform(earliest_s, latest_s)
    shortest_s = 60.0 if kind is FaultKind.HEATER_FAILURE else 25.0
    return Fault(
        number=number,
        kind=kind,
        machine=draw.randrange(MACHINES),
        zone=draw.randrange(ZONES),
        from_s=from_s,
        to_s=from_s + draw.uniform(shortest_s, shortest_s + 45.0),
    )
