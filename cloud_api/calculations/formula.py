"""What an expression comes down to: one formula over stored series, evaluated wherever one of them has a sample (pure).

Between its samples a series holds its value. A function over time sees the samples of its own series and nothing else,
so a result depends on no more than the samples around it, wherever a window begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cloud_api.expressions import tree
from cloud_api.expressions.columns import Column, given
from cloud_api.expressions.expression import Expression
from cloud_api.expressions.over_time import over_time
from cloud_api.expressions.refusal import ExpressionInvalid
from cloud_api.expressions.tree import Node, Operation, Reference, SeriesKey
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD, BAD_NO_DATA

MAX_INPUTS = 200
MAX_NODES = 2_000
NEVER_US = 2**62


@dataclass(frozen=True)
class Formula:
    """A tree over ids of stored series; `changes` are functions over time by the key that stands for each."""

    root: Node
    changes: Mapping[str, tuple[str, int]]

    @cached_property
    def plain(self) -> frozenset[int]:
        """Series whose value counts at an instant."""
        return frozenset(each.name for each in tree.references(self.root) if isinstance(each.name, int))

    @cached_property
    def looking_back(self) -> frozenset[int]:
        """Series whose samples before count too."""
        return frozenset(series_id for _, series_id in self.changes.values())

    @cached_property
    def series_ids(self) -> tuple[int, ...]:
        """Every series, ascending."""
        return tuple(sorted(self.plain | self.looking_back))


def make_formula(expression: Expression, names: Mapping[str, int], inner: Mapping[int, Formula]) -> Formula:
    """Put ids for names (`key_of`), and their formulas for series that are calculated on the fly.

    ExpressionInvalid where a function over time looks at something that is not stored, or where it gets too large.
    """
    changes: dict[str, tuple[str, int]] = {}
    root = _rewritten(expression, expression.root, (names, inner), changes)
    formula = Formula(root, changes)
    if len(formula.series_ids) > MAX_INPUTS:
        detail = f"comes down to {len(formula.series_ids)} stored series"
        raise ExpressionInvalid(expression.text, 0, detail, f"at most {MAX_INPUTS}; materialise parts of it")
    if _size(root) > MAX_NODES:
        raise ExpressionInvalid(
            expression.text, 0, "is too large with what it is made of", f"at most {MAX_NODES} parts; materialise some"
        )
    return formula


def key_of(name: SeriesKey) -> str:
    """A name as a key of JSON; no path has this sign."""
    return name if isinstance(name, str) else f"#{name}"


def evaluate(
    formula: Formula,
    samples: Mapping[int, SampleColumns],
    from_us: int,
    to_us: int,
    retired_us: Mapping[int, int] | None = None,
) -> SampleColumns:
    """A row for every instant in [from_us, to_us) at which a series has a sample.

    `samples` are ascending and include what each said before the window. A series that was retired says nothing more.
    """
    times = _instants([samples[each].times_us for each in formula.series_ids if each in samples], from_us, to_us)
    ends = retired_us or {}
    inputs: dict[SeriesKey, Column] = {}
    for series_id in formula.plain:
        found = samples.get(series_id)
        column = None if found is None else Column(found.values, found.statuses)
        inputs[series_id] = _held(found, column, times, ends.get(series_id, NEVER_US))
    for key, (function, series_id) in formula.changes.items():
        found = samples.get(series_id)
        column = None
        if found is not None:
            column = over_time(function, key, given(Column(found.values, found.statuses)), found.times_us, {})
        inputs[key] = _held(found, column, times, ends.get(series_id, NEVER_US))
    made = Expression("", formula.root).evaluate(inputs, times)
    return SampleColumns(times, made.values, made.statuses, None)


def _instants(of_each: list[NDArray[np.int64]], from_us: int, to_us: int) -> NDArray[np.int64]:
    inside = [times[np.searchsorted(times, from_us) : np.searchsorted(times, to_us)] for times in of_each]
    return np.unique(np.concatenate(inside)) if inside else np.empty(0, np.int64)


def _held(found: SampleColumns | None, column: Column | None, times: NDArray[np.int64], end_us: int) -> Column:
    """What a series says at these times: its last sample up to each, nothing before the first or after its end."""
    if found is None or column is None or not len(found):
        return Column(np.full(len(times), np.nan), np.full(len(times), BAD_NO_DATA, np.uint32))
    at = np.searchsorted(found.times_us, times, side="right") - 1
    is_there = (at >= 0) & (times < end_us)
    codes = np.where(is_there, column.statuses[np.maximum(at, 0)], np.uint32(BAD_NO_DATA)).astype(np.uint32)
    values = np.where(is_there & (codes < BAD), column.values[np.maximum(at, 0)], np.nan)
    return Column(values, codes)


def _rewritten(
    expression: Expression,
    node: Node,
    known: tuple[Mapping[str, int], Mapping[int, Formula]],
    changes: dict[str, tuple[str, int]],
) -> Node:
    names, inner = known
    match node:
        case Reference():
            series_id = names[key_of(node.name)]
            if series_id not in inner:
                return Reference(series_id)
            changes |= inner[series_id].changes
            return inner[series_id].root
        case Operation() if node.name in tree.OVER_TIME:
            return _change(expression, node, known, changes)
        case Operation():
            operands = tuple(_rewritten(expression, each, known, changes) for each in node.operands)
            return Operation(node.name, operands, node.position, node.signs)
        case _:
            return node


def _change(
    expression: Expression,
    node: Operation,
    known: tuple[Mapping[str, int], Mapping[int, Formula]],
    changes: dict[str, tuple[str, int]],
) -> Node:
    names, inner = known
    operand = node.operands[0]
    allowed = "a stored series itself; make what is inside a materialised calculation of its own"
    if not isinstance(operand, Reference):
        detail = "looks back at something that is itself calculated"
        raise ExpressionInvalid(expression.text, node.position, detail, allowed, near=node.name)
    series_id = names[key_of(operand.name)]
    if series_id in inner:
        detail = "looks back at a series that is calculated on the fly"
        raise ExpressionInvalid(expression.text, node.position, detail, allowed, near=node.name)
    key = f"{node.name} {series_id}"
    changes[key] = (node.name, series_id)
    return Reference(key)


def _size(root: Node) -> int:
    count, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        count += 1
        if isinstance(node, Operation):
            waiting += node.operands
    return count
