"""Which interpretation of raw content fits what the panel shows: type, order and scale, ranked (pure)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.contract import Interpretation
from edge_agent.commissioning.screen import value_text
from schemas.sample import Value

SCALES = (1.0, 0.1, 0.01, 0.001, 10.0, 100.0, 0.0001, 1000.0)
"""The likely ones first."""

TOLERANCE = 0.005
"""A panel shows what was a moment ago: half a per cent, or the panel's last digit, is close enough."""

_SIMPLEST = ("uint16", "int16", "float32", "int32", "uint32", "float64", "int64", "uint64", "bcd16", "bcd32", "float16")
_FLOAT32_EXACT = 1e-7
_LARGEST_SHOWN = 1e15
_SMALLEST_SHOWN = 1e-6


@dataclass(frozen=True, slots=True)
class Candidate:
    """One interpretation with a scale, and how far from the panel it was at worst."""

    point: Mapping[str, str | int]
    scale: float
    value: float
    distance: float
    is_moving: bool = False
    """Whether its value followed the panel from one look to the next."""

    @property
    def words(self) -> str:
        """What it is, without the value."""
        scale = "" if self.scale == 1.0 else f" × {self.scale:g}"
        order = f" {self.point['order']}" if "order" in self.point else ""
        return f"{self.point['address']} {self.point.get('type', 'bool')}{order}{scale}"


def rank(found: Iterable[Interpretation], panel: float, digit: float) -> list[Candidate]:
    """What could be what the panel shows, the likeliest first; `digit` is what its last digit is worth."""
    close = max(abs(panel) * TOLERANCE, digit)
    candidates: list[Candidate] = []
    for each in found:
        number = _number(each.value)
        if number is None:
            continue
        for scale in SCALES:
            distance = abs(number * scale - panel)
            is_scaled_float = scale != 1.0 and str(each.point.get("type", "")).startswith("float")
            if distance <= close and not (is_scaled_float and scale not in (0.001, 1000.0)):
                candidates.append(Candidate(each.point, scale, number * scale, distance))
    return sorted(candidates, key=lambda candidate: _unlikeliness(candidate, digit))


def narrow(before: Sequence[Candidate], found: Iterable[Interpretation], panel: float, digit: float) -> list[Candidate]:
    """Those that fit again, after the value moved, the likeliest first."""
    values = {_identity(each.point): each.value for each in found}
    close = max(abs(panel) * TOLERANCE, digit)
    kept: list[Candidate] = []
    for candidate in before:
        number = _number(values.get(_identity(candidate.point)))
        if number is None:
            continue
        value = number * candidate.scale
        distance = abs(value - panel)
        if distance <= close:
            is_moving = candidate.is_moving or value != candidate.value
            kept.append(
                replace(candidate, value=value, distance=max(distance, candidate.distance), is_moving=is_moving)
            )
    return sorted(kept, key=lambda candidate: (not candidate.is_moving, *_unlikeliness(candidate, digit)))


def last_digit(text: str) -> float:
    """What the last digit of a panel's text is worth: 0.01 for 229.01."""
    _, _, decimals = text.strip().partition(".")
    return 10.0 ** -len(decimals)


def side_by_side(found: Sequence[Interpretation]) -> list[tuple[str, ...]]:
    """A table with one row an address: raw content, then each type and order that any address has."""
    columns = list(dict.fromkeys(_column(each) for each in found if _column(each)))
    rows: dict[str, dict[str, str]] = {}
    raw: dict[str, str] = {}
    for each in found:
        address = str(each.point["address"])
        raw[address] = min(raw.get(address, each.raw), each.raw, key=len)
        rows.setdefault(address, {})[_column(each)] = shown(each.value)
    header = ("ADDRESS", "RAW", *columns)
    return [
        header,
        *((address, raw[address], *(row.get(name, "") for name in columns)) for address, row in rows.items()),
    ]


def shown(value: Value) -> str:
    """The value, or a dot where nothing that is measured is so large or so small."""
    if isinstance(value, float) and value != 0.0:
        if not math.isfinite(value) or not _SMALLEST_SHOWN <= abs(value) <= _LARGEST_SHOWN:
            return "·"
        return f"{value:.6g}"
    return value_text(value)


def tag_table(candidate: Candidate, name: str) -> str:
    """The lines for the configuration."""
    lines = ["[[device.tag]]", f'name = "{name}"']
    lines += [
        f"{key} = {value if isinstance(value, int) else chr(34) + value + chr(34)}"
        for key, value in candidate.point.items()
    ]
    if candidate.scale != 1.0:
        lines.append(f"scale = {candidate.scale:g}")
    return "\n".join(lines)


def _column(each: Interpretation) -> str:
    kind = str(each.point.get("type", "bool"))
    return " ".join(part for part in (kind, str(each.point.get("order", ""))) if part)


def _number(value: Value) -> float | None:
    if isinstance(value, bool | str) or value is None or not math.isfinite(value):
        return None
    return float(value)


def _identity(point: Mapping[str, str | int]) -> tuple[tuple[str, str | int], ...]:
    return tuple(sorted(point.items()))


def _unlikeliness(candidate: Candidate, digit: float) -> tuple[float, int, int, int, float]:
    """Exact before rounded before near, then the usual scale, the plain order, the simple type."""
    kind = str(candidate.point.get("type", ""))
    is_exact = candidate.distance <= abs(candidate.value) * _FLOAT32_EXACT
    off = -1 if is_exact else math.floor(candidate.distance / digit + 0.49)
    simple = _SIMPLEST.index(kind) if kind in _SIMPLEST else len(_SIMPLEST)
    return off, SCALES.index(candidate.scale), int("order" in candidate.point), simple, candidate.distance
