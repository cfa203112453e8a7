"""Whatever a device refuses or fails at: every point that is asked for is in one request, none above the limits."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.config import ModbusConfig
from connectors.modbus.point import ModbusPoint
from connectors.modbus.schedule import Scheduler
from schemas import status

TYPES = st.sampled_from(["uint16", "float32", "float64"])
POINTS = st.lists(
    st.one_of(
        st.builds(lambda at, kind: {"address": f"holding:{at}", "type": kind}, st.integers(0, 300), TYPES),
        st.builds(lambda at: {"address": f"coil:{at}"}, st.integers(0, 300)),
    ),
    min_size=1,
    max_size=25,
)


def scheduler(tables: list[dict[str, object]], gap: int) -> tuple[Scheduler, list[ModbusPoint]]:
    config = ModbusConfig.model_validate({"url": "tcp://a", "max_registers": 20, "max_bits": 40, "max_gap": gap})
    points = [ModbusPoint.model_validate(table) for table in tables]
    return Scheduler(config, points), points


@given(POINTS, st.integers(0, 125), st.sets(st.integers(0, 24)), st.sets(st.integers(0, 24)))
def test_every_point_is_asked_for_once_within_the_limits(
    tables: list[dict[str, object]], gap: int, refused: set[int], failing: set[int]
):
    made, points = scheduler(tables, gap)
    for point in refused & set(range(len(points))):
        made.learn_refused(point, status.BAD_NODE_ID_UNKNOWN)
    for point in failing & set(range(len(points))) - refused:
        assert made.learn_failing(point)
        assert not made.learn_failing(point)
    schedule = made.schedule(tuple(range(len(points))))
    asked = [point for read in schedule.reads for point in read.points]
    assert sorted([*asked, *schedule.refused]) == list(range(len(points)))
    for read, block in zip(schedule.reads, schedule.blocks, strict=True):
        spans = [points[point].span for point in read.points]
        assert all(block.first <= span.first and span.last <= block.last for span in spans)
        assert block.count <= (40 if block.area.is_bits else 20)
        assert len(read.points) == len(read.decoder.kinds)
        if failing & set(read.points):
            assert len(set(spans)) == 1  # one place alone


@given(POINTS, st.sets(st.integers(0, 24)))
def test_what_fails_is_read_by_no_request_of_others_that_could_do_without(
    tables: list[dict[str, object]], failing: set[int]
):
    made, points = scheduler(tables, 125)
    failing &= set(range(len(points)))
    for point in failing:
        made.learn_failing(point)
    schedule = made.schedule(tuple(range(len(points))))
    for read, block in zip(schedule.reads, schedule.blocks, strict=True):
        if failing & set(read.points):
            continue
        widest = max(points[point].span.count for point in read.points)
        for point in failing:
            span = points[point].span
            covers = span.area is block.area and block.first <= span.first and span.last <= block.last
            assert not covers or block.count == widest  # it lies inside one of their own
