"""The suite that every kind must pass, for tests of connectors here and elsewhere: run each of CHECKS with a Rig.

A kind that can both be polled and report by itself passes it twice, with a rig for each.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from connectors.contract import AnyKind, Clock, Connector, ReadResult
from connectors.errors import DeviceUnreachable
from schemas import status
from schemas.sample import Kind, Value

EARLIEST_US = 631_152_000_000_000
"""1990: no device has measured before."""

_PYTHON_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.F64: (float,),
    Kind.F32: (float,),
    Kind.I64: (int,),
    Kind.U64: (int,),
    Kind.BOOL: (bool,),
    Kind.STR: (str,),
    Kind.JSON: (str,),
    Kind.NONE: (type(None),),
}


@dataclass(frozen=True, slots=True)
class Rig:
    """A kind, a running device for it, and how to take the device away and bring it back."""

    kind: AnyKind
    config: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]]
    clock: Clock
    break_device: Callable[[], Awaitable[None]]
    restore_device: Callable[[], Awaitable[None]]
    refused: Collection[int] = ()
    """Points that the device does not have."""
    writes: Mapping[int, Value] = field(default_factory=dict[int, Value])
    """Points that may be written, with a value for each."""
    patience_s: float = 10.0
    """How long anything may take; more than the configured time-outs."""
    ahead_us: int = 1_000_000
    """How far the device's clock may be ahead of ours."""

    def make(self) -> Connector:
        """A connector that is not open."""
        config = self.kind.config_model.model_validate(dict(self.config))
        points = [self.kind.point_model.model_validate(dict(point)) for point in self.points]
        return self.kind.create(config, points, self.clock)

    @property
    def is_subscribed(self) -> bool:
        """Whether the device reports by itself."""
        return self.kind.is_subscribed(self.kind.config_model.model_validate(dict(self.config)))


class ConformanceFailed(AssertionError):
    """The connector breaks the contract."""


Check: TypeAlias = Callable[[Rig], Awaitable[None]]


async def models_refuse_unknown_keys(rig: Rig) -> None:
    """A misspelt key is found at start, in the device table and in a tag table."""
    for model, good in ((rig.kind.config_model, rig.config), (rig.kind.point_model, rig.points[0])):
        try:
            model.model_validate({**good, "no_such_key": 1})
        except ValidationError:
            continue
        raise ConformanceFailed(f"{model.__name__} takes the unknown key 'no_such_key'")


async def every_field_is_described(rig: Rig) -> None:
    """Whoever writes a configuration is told what each key means."""
    models: tuple[type[BaseModel], ...] = (rig.kind.config_model, rig.kind.point_model)
    silent = [f"{model.__name__}.{key}" for model in models for key, value in model.model_fields.items()
              if not value.description]  # fmt: skip
    _require(not silent, f"fields without a description: {', '.join(silent)}")


async def plan_serves_every_point(rig: Rig) -> None:
    """`edge check` says what will be asked, for all points, without a device."""
    config = rig.kind.config_model.model_validate(dict(rig.config))
    points = [rig.kind.point_model.model_validate(dict(point)) for point in rig.points]
    requests = rig.kind.describe_plan(config, points, [range(len(points))])
    _require(sum(request.points for request in requests) == len(points), f"the plan {requests} misses points")
    _require(all(request.text for request in requests), "a planned request has no text")


async def create_touches_no_device(rig: Rig) -> None:
    """Making a connector, and closing one that was never open, needs no device."""
    async with _gone(rig):
        connector = rig.make()
        await connector.close()
        await connector.close()


async def absence_is_told_as_unreachable(rig: Rig) -> None:
    """A device that is off at start is retried, so it must be told apart from a wrong configuration."""
    async with _gone(rig):
        connector = rig.make()
        try:
            async with asyncio.timeout(rig.patience_s):
                await connector.open()
                if not rig.is_subscribed:
                    await connector.read(range(len(rig.points)))
        except DeviceUnreachable:
            return
        finally:
            await connector.close()
        raise ConformanceFailed("open and read succeed though the device is gone")


async def read_gives_each_point_once(rig: Rig) -> None:
    """All columns have one entry for each point that was asked for."""
    if rig.is_subscribed:
        return
    async with _session(rig) as connector:
        for asked in (range(len(rig.points)), [len(rig.points) - 1], []):
            result = await connector.read(asked)
            _check_result(rig, result)
            _require(sorted(result.points) == sorted(asked), f"asked for {list(asked)}, got {list(result.points)}")


async def refused_points_are_bad_and_the_rest_is_good(rig: Rig) -> None:
    """One wrong address costs no other point anything, at the first read and at later ones."""
    if rig.is_subscribed:
        return
    async with _session(rig) as connector:
        for _ in range(3):
            result = await connector.read(range(len(rig.points)))
            bad = {point for point, code in zip(result.points, result.statuses, strict=True) if status.is_bad(code)}
            _require(bad == set(rig.refused), f"points {sorted(rig.refused)} should be Bad, {sorted(bad)} are")


async def loss_is_told_and_healed_by_opening_again(rig: Rig) -> None:
    """A device that goes away raises DeviceUnreachable, nothing else; the same connector works when it is back."""
    if rig.is_subscribed:
        return
    async with _session(rig) as connector:
        await connector.read(range(len(rig.points)))
        async with _gone(rig):
            await _read_until_unreachable(rig, connector)
            await connector.close()
        await _open(rig, connector)
        result = await connector.read(range(len(rig.points)))
        _check_result(rig, result)
        _require(any(not status.is_bad(code) for code in result.statuses), "nothing is Good after the device is back")


async def counters_only_rise(rig: Rig) -> None:
    """What is counted is counted since the connector was made."""
    if rig.is_subscribed:
        return
    async with _session(rig) as connector:
        before = dict(connector.counters)
        await connector.read(range(len(rig.points)))
        after = connector.counters
        _require(all(count >= 0 for count in after.values()), f"odd counters: {after}")
        _require(all(after.get(name, 0) >= count for name, count in before.items()), "a counter fell")
        _require(sum(after.values()) > sum(before.values()), "a read was not counted")


async def subscription_delivers_and_ends(rig: Rig) -> None:
    """Every point is reported; the end of the task, and the loss of the device, end the subscription."""
    if not rig.is_subscribed:
        return
    async with _session(rig) as connector:
        seen: set[int] = set()
        complete = asyncio.Event()

        async def deliver(result: ReadResult) -> None:
            _check_result(rig, result)
            seen.update(result.points)
            if len(seen) == len(rig.points):
                complete.set()

        task = asyncio.create_task(connector.subscribe(deliver))
        try:
            await _first(rig, task, complete.wait())
            async with _gone(rig):
                done, _ = await asyncio.wait({task}, timeout=rig.patience_s)
                _require(bool(done), "the subscription goes on though the device is gone")
                _require(isinstance(task.exception(), DeviceUnreachable), f"the end was {task.exception()!r}")
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=rig.patience_s)


async def writes_are_kept(rig: Rig) -> None:
    """A write returns when the device holds the value."""
    if rig.is_subscribed:
        return
    async with _session(rig) as connector:
        for point, value in rig.writes.items():
            await connector.write(point, value)
            result = await connector.read([point])
            _require(list(result.values) == [value], f"wrote {value!r} to point {point}, read {list(result.values)}")


CHECKS: tuple[Check, ...] = (
    models_refuse_unknown_keys,
    every_field_is_described,
    plan_serves_every_point,
    create_touches_no_device,
    absence_is_told_as_unreachable,
    read_gives_each_point_once,
    refused_points_are_bad_and_the_rest_is_good,
    loss_is_told_and_healed_by_opening_again,
    counters_only_rise,
    subscription_delivers_and_ends,
    writes_are_kept,
)


@asynccontextmanager
async def _session(rig: Rig) -> AsyncGenerator[Connector]:
    connector = rig.make()
    try:
        await _open(rig, connector)
        yield connector
    finally:
        async with asyncio.timeout(rig.patience_s):
            await connector.close()


@asynccontextmanager
async def _gone(rig: Rig) -> AsyncGenerator[None]:
    await rig.break_device()
    try:
        yield
    finally:
        await rig.restore_device()


async def _open(rig: Rig, connector: Connector) -> None:
    """Open, and try again as an agent does: a connector may ask for a pause after a failure."""
    async with asyncio.timeout(rig.patience_s):
        while True:
            try:
                return await connector.open()
            except DeviceUnreachable:
                await asyncio.sleep(0.05)


async def _read_until_unreachable(rig: Rig, connector: Connector) -> None:
    """The read during which the device goes may still return what came before."""
    try:
        async with asyncio.timeout(rig.patience_s):
            while True:
                _check_result(rig, await connector.read(range(len(rig.points))))
                await asyncio.sleep(0.01)
    except DeviceUnreachable:
        return
    except TimeoutError:
        raise ConformanceFailed("read goes on though the device is gone") from None


async def _first(rig: Rig, task: "asyncio.Task[None]", event: Awaitable[object]) -> None:
    waiting = asyncio.ensure_future(event)
    done, _ = await asyncio.wait({task, waiting}, timeout=rig.patience_s, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task in done:
        task.result()
    _require(waiting in done, "the subscription has not reported every point")


def _check_result(rig: Rig, result: ReadResult) -> None:
    columns = (result.points, result.kinds, result.values, result.statuses, result.times_us)
    _require(len({len(column) for column in columns}) == 1, "the columns differ in length")
    latest_us = rig.clock.now_us() + rig.ahead_us
    for point, kind, value, code, time_us in zip(*columns, strict=True):
        where = f"point {point}: kind {kind}, value {value!r}, status {code:#010x}"
        _require(0 <= point < len(rig.points), f"{where}: no such point")
        _require(type(value) in _PYTHON_TYPES[kind], f"{where}: the value is not of its kind")
        _require((value is None) == status.is_bad(code), f"{where}: a value and a Bad status exclude each other")
        _require(0 <= code <= status.MAX_STATUS, f"{where}: no StatusCode")
        _require(EARLIEST_US < time_us <= latest_us, f"{where}: impossible time {time_us}")
    _require(result.until_us is None or result.until_us <= latest_us, f"until {result.until_us} lies ahead")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConformanceFailed(message)


__all__ = ["CHECKS", "Check", "ConformanceFailed", "Rig"]
