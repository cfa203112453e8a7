"""A value of a request as storage keeps values of that kind, and back (pure)."""

import math

import msgspec

from cloud_api.problems import body_invalid

# Beyond this a double no longer holds every integer; the exact digits go into the text.
EXACT_INTEGER = 2**53
TEXT_BYTES = 65_536
_RANGES = {"i64": (-(2**63), 2**63 - 1), "u64": (0, 2**64 - 1)}


def stored_value(kind: str, value: object) -> tuple[float | None, str | None]:
    """Number and text of a value for a series of that kind; a Problem says what would be allowed."""
    match kind:
        case "bool":
            if isinstance(value, bool):
                return float(value), None
            raise _refused(value, kind, "true or false")
        case "i64" | "u64":
            return _integer(kind, value)
        case "str":
            if isinstance(value, str) and "\0" not in value and len(value.encode()) <= TEXT_BYTES:
                return None, value
            raise _refused(value, kind, f"a text without NUL, at most {TEXT_BYTES} bytes")
        case "json":
            text = msgspec.json.encode(value).decode()
            if len(text.encode()) <= TEXT_BYTES and "\\u0000" not in text:
                return None, text
            raise _refused(value, kind, f"any JSON, at most {TEXT_BYTES} bytes")
        case "f64" | "f32":
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                return float(value), None
            raise _refused(value, kind, "a finite number")
        case _:
            raise _refused(value, kind, "only `status`, until the series has had a value")


def shown_value(kind: str, value: float | None, text: str | None) -> object:
    """The value of a correction as JSON has it; None when it changed the status alone."""
    if kind == "json" and text is not None:
        return msgspec.json.decode(text)
    if kind == "str" or value is None:
        return text
    if kind == "bool":
        return value != 0
    if kind in _RANGES:
        return int(text) if text is not None else int(value)
    return value


def _integer(kind: str, value: object) -> tuple[float | None, str | None]:
    low, high = _RANGES[kind]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _refused(value, kind, f"a whole number from {low} to {high}")
    return float(value), str(value) if abs(value) > EXACT_INTEGER else None


def _refused(value: object, kind: str, allowed: str) -> Exception:
    return body_invalid("value", value, f"is no value of a series of kind {kind}", allowed)
