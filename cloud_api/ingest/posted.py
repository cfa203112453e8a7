"""The body of POST /samples to Samples: strict, every wrong item named, no digit lost (pure)."""

import re
from typing import Any

import msgspec

from cloud_api.instants import parse_instant
from cloud_api.problems import FieldProblem, Kinds, Problem, body_invalid
from schemas.limits import MAX_SAMPLES
from schemas.sample import MAX_TEXT_BYTES, Kind, Sample, Value, path_problem
from schemas.status import MAX_STATUS, is_bad

MAX_PROBLEMS = 50
VALUE_ALLOWED = "a number, a boolean, a string, or null with a Bad status"
KINDS_ALLOWED = "f64, i64, u64, bool, str or json"
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_NAMED = frozenset({"f64", "i64", "u64", "bool", "str", "json"})
_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_LOWEST_I64, _HIGHEST_I64, _HIGHEST_U64 = -(2**63), 2**63 - 1, 2**64 - 1


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    path: str
    time: str
    value: Any = None
    status: int = 0
    kind: str | None = None


def read_samples(body: bytes) -> list[Sample]:
    """Read the list; one Problem names all items that are wrong (the first fifty)."""
    try:
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise body_invalid("body", None, f"is no list of samples ({error})", "a JSON list") from error
    if not 1 <= len(raws) <= MAX_SAMPLES:
        raise body_invalid("body", len(raws), "is the number of samples", f"1 to {MAX_SAMPLES}")
    samples: list[Sample] = []
    problems: list[FieldProblem] = []
    for index, raw in enumerate(raws):
        try:
            samples.append(_sample(raw))
        except Problem as problem:
            problems += [each.model_copy(update={"field": f"{index}.{each.field}"}) for each in problem.fields]
            if len(problems) >= MAX_PROBLEMS:
                break
    if problems:
        shown = "; ".join(f"{each.field} {each.detail}" for each in problems[:5])
        raise Problem(Kinds.BODY_INVALID, f"nothing was stored: {shown}", fields=problems)
    return samples


def _sample(raw: msgspec.Raw) -> Sample:
    try:
        item = msgspec.json.decode(raw, type=_Item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise body_invalid(
            "item", bytes(raw).decode(errors="replace"), str(error), "path, time, value, status, kind"
        ) from error
    if problem := path_problem(item.path):
        raise body_invalid("path", item.path, problem, "levels joined by '/', in NFC")
    if not 0 <= item.status <= MAX_STATUS:
        raise body_invalid("status", item.status, "is no StatusCode", f"0 to {MAX_STATUS}")
    time_us = parse_instant(item.time, "time")
    kind, value = _typed(item)
    return Sample(item.path, kind, value, item.status, time_us)


def _typed(item: _Item) -> tuple[Kind, Value]:
    value = item.value
    if value is None:
        if not is_bad(item.status):
            raise body_invalid("value", None, "is null while the status is not Bad", VALUE_ALLOWED)
        return Kind.NONE, None
    if item.kind is not None:
        return _as_kind(value, item.kind)
    match value:
        case bool():
            return Kind.BOOL, value
        case int():
            return _integer(value)
        case float():
            return Kind.F64, value
        case str():
            return Kind.STR, _text(value)
        case _:
            raise body_invalid("value", value, "is a list or an object", f"{VALUE_ALLOWED}; or kind json")


def _as_kind(value: Any, name: str) -> tuple[Kind, Value]:
    if name not in _NAMED:
        raise body_invalid("kind", name, "is not a kind", KINDS_ALLOWED)
    kind = Kind(name)
    if kind is Kind.JSON:
        return kind, _text(msgspec.json.encode(value).decode())
    exact = _in_kind(value, kind)
    if exact is None:
        raise body_invalid("value", value, f"is not of kind {name} without loss", f"a value of kind {name}")
    return exact


def _in_kind(value: Any, kind: Kind) -> tuple[Kind, Value] | None:
    if kind in {Kind.I64, Kind.U64}:
        return _integer_in_kind(value, kind)
    exact: Value = None
    match kind, value:
        case Kind.F64, str():
            exact = _NOT_FINITE.get(value)
        case Kind.F64, int() | float() if not isinstance(value, bool) and float(value) == value:
            exact = float(value)
        case Kind.BOOL, bool():
            exact = value
        case Kind.STR, str():
            exact = _text(value)
        case _:
            pass
    return None if exact is None else (kind, exact)


def _integer_in_kind(value: Any, kind: Kind) -> tuple[Kind, Value] | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return _within(int(value), kind)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return _within(value, kind)


def _integer(value: int) -> tuple[Kind, Value]:
    return _within(value, Kind.I64 if value <= _HIGHEST_I64 else Kind.U64)


def _within(value: int, kind: Kind) -> tuple[Kind, Value]:
    low, high = (_LOWEST_I64, _HIGHEST_I64) if kind is Kind.I64 else (0, _HIGHEST_U64)
    if not low <= value <= high:
        raise body_invalid("value", str(value), f"does not fit kind {kind}", f"{low} to {high}")
    return kind, value


def _text(text: str) -> str:
    size = len(text.encode())
    if size > MAX_TEXT_BYTES or "\0" in text:
        raise body_invalid("value", text, f"has {size} bytes or a NUL", f"at most {MAX_TEXT_BYTES} bytes, no NUL")
    return text
