"""The cases beside the connector: at these times the signals have these values."""

from datetime import datetime

import pytest

from connectors.simulated import KIND
from tests.unit.connectors.cases import Case, cases, lines, name


class StoppedClock:
    """A clock that a test sets."""

    time_us = 0

    def now_us(self) -> int:
        return self.time_us

    def monotonic(self) -> float:
        return self.time_us / 1e6


@pytest.mark.parametrize("case", cases("simulated", "expected.jsonl"), ids=name)
async def test_case(case: Case):
    config, points, problems = case.models(KIND)
    assert not problems
    clock = StoppedClock()
    connector = KIND.create(config, points, clock)
    await connector.open()
    found = []
    for text in case.device["times"]:
        clock.time_us = round(datetime.fromisoformat(text).timestamp() * 1_000_000)
        result = await connector.read(range(len(points)))
        assert set(result.times_us) == {clock.time_us}
        found += [{"at": text, **line} for line in lines(result)]
    assert found == [{**line, "value": _approximate(line["value"])} for line in case.expected]


def _approximate(value: object) -> object:
    return pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
