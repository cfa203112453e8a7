"""The suite finds connectors that break the contract: each of these breaks it in one way."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import Field

from connectors import conformance
from connectors.conformance import Check, ConformanceFailed, Rig
from connectors.contract import Clock, ConnectorKind, Deliver, PlannedRequest, ReadResult, Tables
from connectors.errors import DeviceUnreachable
from connectors.simulated import KIND
from connectors.simulated.config import SimulatedConfig, SimulatedPoint
from connectors.simulated.connector import SimulatedConnector
from schemas import status
from schemas.sample import Kind, Value


class LaxConfig(SimulatedConfig):
    model_config: ClassVar[Any] = {"extra": "ignore", "frozen": True}


class SilentConfig(SimulatedConfig):
    speed: int = Field(1)


class Anomalous(SimulatedConnector):
    """Behaves like the simulated device but for one thing."""

    change: ClassVar[dict[str, Any]] = {}

    async def read(self, points: Sequence[int]) -> ReadResult:
        result = await super().read(points)
        return replace(result, **{key: made(result) for key, made in self.change.items()})


def changed(**change: Any) -> type[SimulatedConnector]:
    return type("Changed", (Anomalous,), {"change": change})


class NeverGone(SimulatedConnector):
    async def open(self) -> None:
        self._is_open = True

    def _refuse_in_outage(self) -> None:
        pass


class FailsOtherwise(SimulatedConnector):
    def _refuse_in_outage(self) -> None:
        try:
            super()._refuse_in_outage()
        except DeviceUnreachable as error:
            raise ConnectionResetError from error


class OpensOnce(SimulatedConnector):
    opened = False

    async def open(self) -> None:
        if self.opened:
            self._phases = []
        await super().open()
        self.opened = True

    async def read(self, points: Sequence[int]) -> ReadResult:
        result = await super().read(points) if self._phases else None
        bad = len(points)
        return result or ReadResult(
            points, [Kind.NONE] * bad, [None] * bad, [status.BAD] * bad, [self._clock.now_us()] * bad, None
        )


class CountsNothing(SimulatedConnector):
    @property
    def counters(self) -> dict[str, int]:
        return {"requests": 0}


class NeverReports(SimulatedConnector):
    async def subscribe(self, deliver: Deliver) -> None:
        async def ignore(result: ReadResult) -> None: ...

        await super().subscribe(ignore)


class ForgetsWrites(SimulatedConnector):
    async def write(self, point: int, value: Value) -> None:
        pass


class Steady:
    """A time of day that the suite moves into the daily outage."""

    is_out = False

    def now_us(self) -> int:
        return 1_700_049_600_000_000 - 43_200_000_000 * self.is_out + time.monotonic_ns() // 1000 % 3_600_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def leave(self) -> None:
        self.is_out = True

    async def come_back(self) -> None:
        self.is_out = False


def rig(create: type[SimulatedConnector] = SimulatedConnector, **changes: Any) -> Rig:
    clock = Steady()
    delivery = changes.pop("delivery", "polled")
    kind: ConnectorKind[SimulatedConfig, SimulatedPoint] = replace(KIND, create=create, **changes.pop("kind", {}))
    whole = Rig(
        kind=kind,
        config={"delivery": delivery, "publishing": "5ms", "outage_every": "24h", "outage_for": "1h"},
        points=[{"signal": "sine"}, {"signal": "ramp", "form": "integer"}],
        clock=clock,
        break_device=clock.leave,
        restore_device=clock.come_back,
        patience_s=0.5,
        ahead_us=24 * 3_600_000_000,
    )
    return replace(whole, **changes)


def half_a_plan(config: object, points: Sequence[object], groups: Sequence[Sequence[int]]) -> list[PlannedRequest]:
    return [PlannedRequest("one", 1)]


def connects_at_once(config: SimulatedConfig, points: Sequence[SimulatedPoint], clock: Clock) -> SimulatedConnector:
    connector = SimulatedConnector(config, points, clock)
    connector._refuse_in_outage()
    return connector


BROKEN: list[tuple[Check, Rig]] = [
    (conformance.models_refuse_unknown_keys, rig(kind={"tables": lambda: Tables(LaxConfig, SimulatedPoint)})),
    (conformance.every_field_is_described, rig(kind={"tables": lambda: Tables(SilentConfig, SimulatedPoint)})),
    (conformance.plan_serves_every_point, rig(kind={"describe_plan": half_a_plan})),
    (conformance.absence_is_told_as_unreachable, rig(NeverGone)),
    (conformance.read_gives_each_point_once, rig(changed(points=lambda r: [0] * len(r.points)))),
    (conformance.read_gives_each_point_once, rig(changed(statuses=lambda r: r.statuses[:1]))),
    (conformance.read_gives_each_point_once, rig(changed(kinds=lambda r: [Kind.F64] * len(r.points)))),
    (conformance.read_gives_each_point_once, rig(changed(statuses=lambda r: [status.BAD] * len(r.points)))),
    (conformance.read_gives_each_point_once, rig(changed(times_us=lambda r: [0] * len(r.points)))),
    (conformance.read_gives_each_point_once, rig(changed(until_us=lambda r: 2 * r.until_us))),
    (conformance.refused_points_are_bad_and_the_rest_is_good, rig(refused=[1])),
    (conformance.loss_is_told_and_healed_by_opening_again, rig(NeverGone)),
    (conformance.loss_is_told_and_healed_by_opening_again, rig(OpensOnce)),
    (conformance.counters_only_rise, rig(CountsNothing)),
    (conformance.subscription_delivers_and_ends, rig(NeverReports, delivery="subscribed")),
    (conformance.subscription_delivers_and_ends, rig(NeverGone, delivery="subscribed")),
    (conformance.subscription_delivers_and_ends, rig(FailsOtherwise, delivery="subscribed")),
    (conformance.writes_are_kept, rig(ForgetsWrites, writes={1: -1})),
]


@pytest.mark.parametrize(
    ("check", "broken"), BROKEN, ids=[f"{n}-{check.__name__}" for n, (check, _) in enumerate(BROKEN)]
)
async def test_a_broken_connector_is_found(check: Check, broken: Rig):
    with pytest.raises(ConformanceFailed):
        await check(broken)


async def test_other_errors_are_not_taken_for_an_absent_device():
    with pytest.raises(ConnectionResetError):
        await conformance.absence_is_told_as_unreachable(rig(FailsOtherwise))
    with pytest.raises(DeviceUnreachable):
        await conformance.create_touches_no_device(replace(rig(), kind=replace(KIND, create=connects_at_once)))
