"""Parts of a value: elements of arrays and fields of structures, chosen by name or number (pure)."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from connectors.opcua.structures import Labelled, Single, Unsigned
from schemas.sample import MAX_TEXT_BYTES, Kind, Value
from schemas.status import BAD_NO_DATA, GOOD

BAD_INDEX_RANGE_NO_DATA = 0x80370000
BAD_ENCODING_LIMITS_EXCEEDED = 0x80080000
ALLOWED = "Speed, Axis[1].Speed, [3] for an element, [2:5] for elements 2 to 5 as JSON"
_STEP = re.compile(r"(?:(?P<dot>\.?)(?P<name>[^.\[\]]+))|\[(?P<index>\d+)(?::(?P<last>\d+))?\]")
_ELEMENTS = re.compile(r"(\d+)(?:-(\d+))?")
_INDEX_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?")
MOST_ELEMENTS = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """Elements from the first to the last one, both included."""

    first: int
    last: int


Step: TypeAlias = "str | int | Range"


def parse(text: str) -> tuple[Step, ...]:
    """Read a part; raises ValueError that says what is allowed."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["name"] and bool(found["dot"]) is not bool(steps)):
            raise ValueError(f"{text!r} is not a part of a value; allowed: {ALLOWED}")
        steps.append(found["name"] or _numbers(text, int(found["index"]), found["last"]))
        at = found.end()
    if not steps or any(isinstance(step, Range) for step in steps[:-1]):
        raise ValueError(f"{text!r} is not a part of a value; a range may stand at its end only; allowed: {ALLOWED}")
    return tuple(steps)


def _numbers(text: str, first: int, last: str | None) -> Step:
    if last is None:
        return first
    if int(last) <= first:
        raise ValueError(f"{text!r}: the second number of a range is larger than the first one")
    return Range(first, int(last))


def level(text: str) -> str:
    """What a tag of this part is called below the name of its table: Axis[1].Speed becomes Axis/1/Speed."""
    return "/".join(f"{step.first}-{step.last}" if isinstance(step, Range) else str(step) for step in parse(text))


def element_numbers(text: str) -> range:
    """The elements of "8" (0 to 7) or "4-7"; raises ValueError."""
    found = _ELEMENTS.fullmatch(text)
    numbers = range(0)
    if found is not None:
        first, last = (0, int(found[1]) - 1) if found[2] is None else (int(found[1]), int(found[2]))
        numbers = range(first, last + 1)
    if not 0 < len(numbers) <= MOST_ELEMENTS:
        raise ValueError(f'{text!r} should be how many elements, 8, or which, "4-7"; at most {MOST_ELEMENTS}')
    return numbers


def range_text(text: str) -> str:
    """A range of an array as OPC UA writes it (Part 4, 7.27): "3", "2:5", "0:1,2:4"; raises ValueError."""
    for each in text.split(","):
        found = _INDEX_RANGE.fullmatch(each)
        if found is None or (found[2] is not None and int(found[2]) <= int(found[1])):
            raise ValueError(f'{text!r} is not a range of an array; allowed: "3", "2:5", or "0:1,2:4" for a matrix')
    return text


def is_single(index_range: str) -> bool:
    """Whether a range is one element."""
    return ":" not in index_range


def count_of(index_range: str) -> int:
    """How many elements a range has."""
    count = 1
    for each in index_range.split(","):
        first, _, last = each.partition(":")
        count *= int(last or first) - int(first) + 1
    return count


def pick(value: Any, steps: Sequence[Step]) -> tuple[Any, int]:
    """The part of a plain value, or a Bad status that says what is missing."""
    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, Mapping) or step not in value:
                return None, BAD_NO_DATA
            value = cast("Mapping[str, Any]", value)[step]
            continue
        items = cast("list[Any]", value) if isinstance(value, list) else []
        first = step.first if isinstance(step, Range) else step
        if first >= len(items):
            return None, BAD_INDEX_RANGE_NO_DATA
        value = items[first : step.last + 1] if isinstance(step, Range) else items[first]
    return (None, BAD_NO_DATA) if value is None else (value, GOOD)


def sample_of(value: Any) -> tuple[Kind, Value, int]:
    """Kind, value and status of a plain value; JSON where it has parts."""
    if isinstance(value, bool):
        return Kind.BOOL, value, GOOD
    if isinstance(value, int):
        number = int(value)
        return Kind.U64 if isinstance(value, Unsigned) or number >= 2**63 else Kind.I64, number, GOOD
    if isinstance(value, float):
        return Kind.F32 if isinstance(value, Single) else Kind.F64, float(value), GOOD
    kind, text = (Kind.STR, value) if isinstance(value, str) else (Kind.JSON, as_json(value))
    if len(text.encode()) > MAX_TEXT_BYTES:
        return Kind.NONE, None, BAD_ENCODING_LIMITS_EXCEEDED
    return kind, text, GOOD


def as_json(value: Any) -> str:
    """Compact JSON; an enumeration is its number and its word, NaN and infinities are words."""
    return json.dumps(_jsonable(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Labelled):
        return {"value": int(value), "label": value.label}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {name: _jsonable(each) for name, each in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_jsonable(each) for each in cast("list[Any]", value)]
    return value
