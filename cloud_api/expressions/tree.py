"""What an expression is made of once it has been read, and the names that it may use (pure)."""

from dataclasses import dataclass
from typing import TypeAlias

SeriesKey: TypeAlias = str | int
"""A series: the path that is quoted in the text, or whatever the caller lets a variable stand for."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A series in an expression; with `aggregate` that aggregate of it, where the caller offers aggregates."""

    name: SeriesKey
    aggregate: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, or true and false as 1 and 0."""

    value: float
    is_boolean: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or a function; `signs` are those of a chain of comparisons, `position` is where it stands."""

    name: str
    operands: tuple["Node", ...]
    position: int
    signs: tuple[str, ...] = ()


Node: TypeAlias = Reference | Constant | Operation

# Operators by the names that the grammar gives them.
OPERATORS = frozenset({"add", "subtract", "multiply", "divide", "modulo", "raise_to", "minus"})
LOGIC = frozenset({"either", "both", "negate", "compared"})
# Functions with the fewest and the most operands.
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "sign": (1, 1),
    "round": (1, 2),
    "floor": (1, 1),
    "ceil": (1, 1),
    "sqrt": (1, 1),
    "exp": (1, 1),
    "ln": (1, 1),
    "log10": (1, 1),
    "min": (2, 20),
    "max": (2, 20),
    "clamp": (3, 3),
}
# Functions that look at the status of their operands; they are Good themselves.
ABOUT_STATUS: dict[str, tuple[int, int]] = {
    "coalesce": (2, 20),
    "is_good": (1, 1),
    "is_uncertain": (1, 1),
    "is_bad": (1, 1),
}
# Functions over time: counters that restart at a fall, and signed changes.
OVER_TIME: dict[str, tuple[int, int]] = {
    "increase": (1, 1),
    "rate": (1, 1),
    "delta": (1, 1),
    "derivative": (1, 1),
}
ALL_FUNCTIONS = FUNCTIONS | ABOUT_STATUS | OVER_TIME
_BOOLEAN = LOGIC | {"is_good", "is_uncertain", "is_bad"}


def is_boolean(node: Node) -> bool:
    """Whether it says yes or no."""
    match node:
        case Constant():
            return node.is_boolean
        case Operation(name="choose"):
            return is_boolean(node.operands[0]) and is_boolean(node.operands[2])
        case Operation():
            return node.name in _BOOLEAN
        case _:
            return False


def references(node: Node) -> list[Reference]:
    """Every series in it, each once, in the order of the text."""
    match node:
        case Reference():
            return [node]
        case Operation():
            return list(dict.fromkeys(each for operand in node.operands for each in references(operand)))
        case _:
            return []


def has_memory(node: Node) -> bool:
    """Whether it looks at earlier samples."""
    return isinstance(node, Operation) and (node.name in OVER_TIME or any(map(has_memory, node.operands)))
