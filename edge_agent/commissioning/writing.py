"""One value to one tag that is marked writable: checked for type, range and step, written, read back, compared."""

import asyncio
import json
import math
import struct
from dataclasses import dataclass
from typing import cast

from connectors.contract import Clock, Connector, ReadResult
from edge_agent.commissioning.globs import near
from edge_agent.commissioning.sessions import opened
from edge_agent.commissioning.snapshot import TagNow, TagUnknown, tags_now
from edge_agent.config import AgentConfig, DeviceConfig, TagTable
from edge_agent.pipeline import scaling_of
from edge_agent.scaling import Scaling
from schemas.sample import Kind, Value
from schemas.status import is_bad, name

READ_BACKS = 6
READ_BACK_PAUSE_S = 0.25
"""A controller takes a value over in its next cycle: an older one that is read before says nothing yet."""

_WHOLE = (Kind.I64, Kind.U64)
_NUMBERS = (*_WHOLE, Kind.F64, Kind.F32)
_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_NEARLY = 1e-6


class WriteRefused(Exception):
    """The value is not written, or did not stay; the text says why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Written:
    """The tag before and after."""

    before: TagNow
    after: TagNow


def find(config: AgentConfig, path: str) -> tuple[DeviceConfig, int]:
    """The device and the point of a tag; raises TagUnknown."""
    for device in config.devices:
        for place, tag in enumerate(device.tags):
            if tag.path == path:
                return device, place
    hints = near(path, [tag.path for device in config.devices for tag in device.tags])
    raise TagUnknown(f"no tag is called {path!r}" + (f"; there is {', '.join(hints)}" if hints else ""))


async def write_tag(device: DeviceConfig, point: int, text: str, clock: Clock) -> Written:
    """Write what `text` says; raises WriteRefused, and what the device's connector raises."""
    tag = device.tags[point]
    if not tag.table.writable:
        raise WriteRefused(f"{tag.path} is read-only; to allow writing, mark the tag with writable = true")
    points = [tag.point for tag in device.tags]
    async with opened(device.kind, device.connector, points, clock) as connector:
        kind, before = await _now(device, point, connector, clock)
        if is_bad(before.status) or kind is Kind.NONE:
            raise WriteRefused(f"{tag.path} is {name(before.status)} now: what cannot be read cannot be compared")
        raw = raw_value(tag.table, kind, text)
        await connector.write(point, raw)
        after = await _held(connector, point, kind, raw)
        (now,) = tags_now(device, [point], after, clock)
        if not _holds(after, kind, raw):
            raise WriteRefused(f"{tag.path} took the write without a word but holds {now.value!r}, not {text}")
    return Written(before, now)


def raw_value(table: TagTable, kind: Kind, text: str) -> Value:
    """What the device has to be told for this text, where its values are of this kind; raises WriteRefused."""
    scaling = scaling_of(table)
    if scaling.words is not None:
        return _number_of_word(scaling, kind, text)
    if kind is Kind.BOOL:
        if text.lower() not in _BOOLEANS:
            raise WriteRefused(f"{text!r} is not a boolean; allowed: true or false")
        return _BOOLEANS[text.lower()]
    if kind is Kind.STR:
        return text
    if kind is Kind.JSON:
        return _json(table, text)
    if kind not in _NUMBERS:
        raise WriteRefused(f"values of kind {kind} cannot be written")
    number = _number(text)
    _within(table, number)
    is_scaled = scaling.factor is not None or scaling.raw is not None
    return _fitting(kind, _unscaled(scaling, number) if is_scaled else number, text)


def is_same(kind: Kind, wanted: Value, held: Value) -> bool:
    """Whether the device holds what was wanted, as exactly as its kind can."""
    if kind is Kind.F32 and isinstance(wanted, int | float) and isinstance(held, int | float):
        return _as_f32(wanted) == _as_f32(held)
    if kind is Kind.JSON:
        return _is_same_json(json.loads(str(wanted)), json.loads(str(held)))
    return type(wanted) is type(held) and wanted == held


async def _held(connector: Connector, point: int, kind: Kind, raw: Value) -> ReadResult:
    """What the device holds, once it is what was written or patience has ended."""
    result = await connector.read([point])
    for _ in range(READ_BACKS):
        if _holds(result, kind, raw):
            break
        await asyncio.sleep(READ_BACK_PAUSE_S)
        result = await connector.read([point])
    return result


def _holds(result: ReadResult, kind: Kind, raw: Value) -> bool:
    return len(result.values) > 0 and is_same(kind, raw, result.values[0])


async def _now(device: DeviceConfig, point: int, connector: Connector, clock: Clock) -> tuple[Kind, TagNow]:
    result = await connector.read([point])
    (now,) = tags_now(device, [point], result, clock)
    return (result.kinds[0] if len(result.kinds) else Kind.NONE), now


def _number_of_word(scaling: Scaling, kind: Kind, text: str) -> Value:
    words = scaling.words or {}
    for number, word in words.items():
        if text in (word, str(number)):
            return bool(number) if kind is Kind.BOOL else number
    allowed = ", ".join(f"{word} ({number})" for number, word in words.items())
    raise WriteRefused(f"{text!r} is none of its words; allowed: {allowed}")


def _json(table: TagTable, text: str) -> str:
    """The list as the device's values are written; the tag's range and step are those of each element."""
    try:
        found = json.loads(text)
        written = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        found, written = None, ""
    if not isinstance(found, list):
        raise WriteRefused(f"{text!r} is not a JSON list; allowed: as many elements as it has, such as [1, 2, 3]")
    for element in cast("list[object]", found):
        if isinstance(element, int | float) and not isinstance(element, bool):
            _within(table, element)
    return written


def _is_same_json(wanted: object, held: object) -> bool:
    """Numbers of 32 bits come back as near as they can be."""
    if isinstance(wanted, list) and isinstance(held, list):
        pairs = zip(cast("list[object]", wanted), cast("list[object]", held), strict=False)
        return len(cast("list[object]", wanted)) == len(cast("list[object]", held)) and all(
            _is_same_json(one, other) for one, other in pairs
        )
    if isinstance(wanted, float) or isinstance(held, float):
        numbers = isinstance(wanted, int | float) and isinstance(held, int | float)
        return numbers and math.isclose(wanted, held, rel_tol=_NEARLY)  # type: ignore[arg-type]
    return type(wanted) is type(held) and wanted == held


def _number(text: str) -> int | float:
    try:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
    except ValueError:
        raise WriteRefused(f"{text!r} is not a number; allowed: a finite number such as 12 or 7.5") from None
    try:
        return int(text)
    except ValueError:
        return int(number) if number.is_integer() else number


def _within(table: TagTable, number: float) -> None:
    low, high = table.low, table.high
    if (low is not None and number < low) or (high is not None and number > high):
        span = f"{'no limit' if low is None else f'{low:g}'} to {'no limit' if high is None else f'{high:g}'}"
        raise WriteRefused(f"{number:g} is out of range; allowed: {span}{f' {table.unit}' if table.unit else ''}")
    if table.step is not None:
        origin = low or 0.0
        steps = (number - origin) / table.step
        if abs(steps - round(steps)) > _NEARLY:
            below = origin + math.floor(steps) * table.step
            raise WriteRefused(
                f"{number:g} lies between two steps of {table.step:g}; allowed next to it: "
                f"{below:.10g} and {below + table.step:.10g}"
            )


def _unscaled(scaling: Scaling, number: float) -> float:
    if scaling.raw is not None:
        share = (number - scaling.low) / (scaling.high - scaling.low)
        return scaling.raw.low * (1 - share) + scaling.raw.high * share
    factor = scaling.factor or 0.0
    if factor == 0.0:
        raise WriteRefused("its scale is 0: no raw value makes this number")
    return (number - scaling.offset) / factor


def _fitting(kind: Kind, raw: float, text: str) -> Value:
    if kind not in _WHOLE:
        return float(raw)
    nearest = round(raw)
    if abs(raw - nearest) > _NEARLY * max(1.0, abs(raw)):
        raise WriteRefused(f"{text} would be {raw:.10g} in the device, which holds whole numbers here")
    return nearest


def _as_f32(value: float) -> float | None:
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return None
