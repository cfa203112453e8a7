"""Whether a value may be entered into a series: its kind, its range, its choices (pure)."""

import math
from collections.abc import Sequence

import msgspec

from cloud_api.ingest.entries.models import EnteredKind, EntryTerms
from cloud_api.problems import body_invalid
from cloud_api.storage.entries import EntrySeriesRow
from schemas.sample import MAX_TEXT_BYTES, Kind, Value

NUMBERS = frozenset({EnteredKind.NUMBER, EnteredKind.INTEGER})
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def entered_value(row: EntrySeriesRow, value: object) -> tuple[Kind, Value]:
    """The value as a sample of the series has it; a Problem says what would be allowed."""
    kind = EnteredKind(row.kind)
    fit = of_kind(kind, value, "value")
    choices: Sequence[object] | None = None if row.choices is None else msgspec.json.decode(row.choices)
    if choices is not None and fit not in choices:
        allowed = ", ".join(msgspec.json.encode(choice).decode() for choice in choices)
        raise body_invalid("value", value, "is not one of the choices of this series", allowed)
    if isinstance(fit, int | float) and not isinstance(fit, bool):
        _check_range("value", fit, (row.low, row.high), row.unit)
    return Kind(kind.value), fit


def of_kind(kind: EnteredKind, value: object, field: str) -> bool | int | float | str:
    """The value as one of that kind, or a Problem."""
    match kind, value:
        case EnteredKind.BOOLEAN, bool():
            return value
        case EnteredKind.INTEGER, int() if not isinstance(value, bool) and LOWEST <= value <= HIGHEST:
            return value
        case EnteredKind.INTEGER, float() if value.is_integer() and abs(value) <= 2**53:
            return int(value)
        case EnteredKind.NUMBER, int() | float() if not isinstance(value, bool) and _is_finite(value):
            return float(value)
        case EnteredKind.TEXT, str() if value.strip() and _is_storable(value):
            return value
        case _:
            raise body_invalid(field, value, f"is not {_NAMES[kind]}", _ALLOWED[kind])


def check_terms(kind: EnteredKind, terms: EntryTerms) -> str | None:
    """The choices as they are stored (JSON); a Problem where range, choices and kind do not go together."""
    low, high = terms.low, terms.high
    for field, bound in (("low", low), ("high", high)):
        if bound is not None and kind not in NUMBERS:
            raise body_invalid(field, bound, f"is a bound, and values of kind {kind} have none", "null")
    if low is not None and high is not None and low >= high:
        raise body_invalid("high", high, "is not above `low`", f"more than {low:g}")
    if terms.choices is None:
        return None
    if kind is EnteredKind.BOOLEAN:
        raise body_invalid("choices", terms.choices, "go with kind f64, i64 or str; a boolean has two anyway", "null")
    choices = [of_kind(kind, choice, f"choices.{index}") for index, choice in enumerate(terms.choices)]
    if len(set(choices)) < len(choices):
        raise body_invalid("choices", terms.choices, "name one value twice", "every value once")
    for index, choice in enumerate(choices):
        if not isinstance(choice, str):
            _check_range(f"choices.{index}", choice, (low, high), None)
    return msgspec.json.encode(choices).decode()


_NAMES = {
    EnteredKind.NUMBER: "a number",
    EnteredKind.INTEGER: "an integer",
    EnteredKind.BOOLEAN: "true or false",
    EnteredKind.TEXT: "a text",
}
_ALLOWED = {
    EnteredKind.NUMBER: "a finite number",
    EnteredKind.INTEGER: f"an integer from {LOWEST} to {HIGHEST}",
    EnteredKind.BOOLEAN: "true or false",
    EnteredKind.TEXT: f"a text that is not empty, without NUL, at most {MAX_TEXT_BYTES} bytes",
}


def _check_range(field: str, value: float, bounds: tuple[float | None, float | None], unit: str | None) -> None:
    low, high = bounds
    if (low is not None and value < low) or (high is not None and value > high):
        shown = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}".strip()
        raise body_invalid(field, value, "is outside the range of this series", shown + (f" {unit}" if unit else ""))


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_storable(text: str) -> bool:
    try:
        return "\0" not in text and len(text.encode()) <= MAX_TEXT_BYTES
    except UnicodeEncodeError:
        # Half of a surrogate pair: JSON can say it, no text holds it.
        return False
