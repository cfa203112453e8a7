"""What a request costs beside a register, and when another plan pays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.config import ModbusConfig
from connectors.modbus.cost import STEPS, Cost
from connectors.modbus.point import ModbusPoint
from connectors.modbus.schedule import Scheduler

COSTS = st.builds(Cost, st.floats(0, 1), st.floats(1e-6, 0.01))


@pytest.mark.parametrize(
    ("keys", "gap"),
    [
        ({"url": "tcp://a"}, 125),
        ({"url": "tcp://a", "latency": "100ms"}, 125),
        ({"url": "tcp://a", "latency": "0ms"}, 0),
        ({"url": "tcp://a", "baud": 9600}, 12),  # a gateway in front of a slow line
        ({"url": "rtu+tcp://a"}, 16),
        ({"url": "rtu:///dev/ttyS0", "baud": 9600}, 12),
        ({"url": "rtu:///dev/ttyS0", "baud": 115200}, 48),
        ({"url": "rtu:///dev/ttyS0", "baud": 115200, "request_pause": "50ms"}, 125),
        ({"url": "ascii:///dev/ttyS0", "baud": 9600}, 8),
        ({"url": "rtu:///dev/ttyS0", "baud": 9600, "max_gap": 3}, 3),
    ],
)
def test_the_gap_before_anything_was_measured(keys: dict[str, object], gap: int):
    assert ModbusConfig.model_validate(keys).limits.max_gap == gap


@given(COSTS, st.sampled_from(STEPS))
def test_the_gap_stays_while_it_is_nearly_right_and_is_settled_after_one_step(cost: Cost, before: int):
    after = cost.gap_from(before)
    assert after in (before, cost.gap)
    assert cost.gap_from(after) == after
    assert cost.gap_from(cost.gap) == cost.gap


@given(COSTS, st.floats(0, 2), st.integers(1, 125))
def test_the_estimate_moves_towards_what_was_measured_and_never_past_it(cost: Cost, seconds: float, registers: int):
    measured = max(0.0, seconds - registers * cost.register_s)
    after = cost.observed(seconds, registers)
    low, high = sorted((cost.request_s, measured))
    assert low <= after.request_s <= high or after.request_s == pytest.approx(measured)
    assert after.register_s == cost.register_s


def settled(cost: Cost, seconds: float) -> Cost:
    for _ in range(100):
        cost = cost.observed(seconds, 1)
    return cost


def scheduler(url: str, addresses: list[int], **keys: object) -> tuple[Scheduler, Cost]:
    config = ModbusConfig.model_validate({"url": url, **keys})
    points = [ModbusPoint(address=f"holding:{address}") for address in addresses]
    return Scheduler(config, points), config.cost


def counts(made: Scheduler, points: int) -> list[int]:
    return [block.count for block in made.schedule(tuple(range(points))).blocks]


def test_plans_follow_the_measured_latency_where_it_pays():
    made, cost = scheduler("rtu+tcp://a", [0, 30])
    assert counts(made, 2) == [1, 1]
    slow = settled(cost, 0.2)  # a gateway with a radio behind it
    assert made.adapt(slow) == 1
    assert counts(made, 2) == [31]
    assert made.adapt(slow) == 0
    assert made.adapt(settled(slow, 0.02)) == 1
    assert counts(made, 2) == [1, 1]


def test_a_plan_that_would_hardly_be_better_is_kept():
    made, cost = scheduler("rtu+tcp://a", [0, 20])
    assert counts(made, 2) == [1, 1]
    assert made.adapt(settled(cost, 0.03)) == 0
    assert counts(made, 2) == [1, 1]


def test_a_gap_that_was_configured_is_not_weighed():
    made, cost = scheduler("rtu+tcp://a", [0, 30], max_gap=0)
    assert made.adapt(settled(cost, 0.5)) == 0
    assert counts(made, 2) == [1, 1]


def test_what_was_learned_is_kept_in_another_plan():
    made, cost = scheduler("rtu+tcp://a", [0, 30])
    made.learn_seam([0], [1])
    made.schedule((0, 1))
    made.adapt(settled(cost, 0.2))
    assert counts(made, 2) == [1, 1]
