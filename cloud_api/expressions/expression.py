"""An expression that has been read: which series it names, and its value on columns or on single samples (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cloud_api.expressions import columns, scalars, tree
from cloud_api.expressions.columns import Column
from cloud_api.expressions.over_time import Memory, over_time, over_time_of_one
from cloud_api.expressions.scalars import Scalar
from cloud_api.expressions.tree import Constant, Node, Operation, Reference, SeriesKey
from cloud_api.expressions.units import unit_of
from schemas.status import GOOD


@dataclass(frozen=True)
class Expression:
    """What `language.parse` makes of a text."""

    text: str
    root: Node

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every series, with its aggregate where one is asked for, in the order of the text."""
        return tuple(tree.references(self.root))

    @cached_property
    def names(self) -> tuple[SeriesKey, ...]:
        """Every series once, in the order of the text."""
        return tuple(dict.fromkeys(each.name for each in self.references))

    @cached_property
    def is_boolean(self) -> bool:
        """Whether it says yes or no: then its values are 1.0 and 0.0."""
        return tree.is_boolean(self.root)

    @cached_property
    def has_memory(self) -> bool:
        """Whether it looks at earlier samples (rate, increase, delta, derivative)."""
        return tree.has_memory(self.root)

    def unit(self, units: Mapping[SeriesKey, str | None]) -> str | None:
        """The unit of the result where it is simple: `a - b` of one unit, `rate(a)` a second; else null."""
        return unit_of(self.root, units)

    def evaluate(
        self,
        inputs: Mapping[SeriesKey, Column] | Mapping[Reference, Column],
        times_us: NDArray[np.int64],
        memory: Memory | None = None,
    ) -> Column:
        """Evaluate on columns of one length, a row for each of `times_us` (UTC, ascending).

        A series with an aggregate is looked up by its Reference, any other by its name. `memory` is what functions
        over time remember; it is changed, and lets the next call go on where this one ends.
        """
        return _Columns(inputs, times_us, {} if memory is None else memory).value(self.root)

    def evaluate_scalar(self, inputs: Mapping[SeriesKey, Scalar], time_us: int, memory: Memory | None = None) -> Scalar:
        """Evaluate on one value of each series, at one instant; with `memory` as `evaluate` has it."""
        return _Scalars(inputs, time_us, {} if memory is None else memory).value(self.root)


@dataclass(frozen=True, slots=True)
class _Columns:
    inputs: Mapping[SeriesKey, Column] | Mapping[Reference, Column]
    times_us: NDArray[np.int64]
    memory: Memory

    def value(self, node: Node) -> Column:
        match node:
            case Constant():
                return columns.constant(node.value, len(self.times_us))
            case Reference():
                key: object = node.name if node.aggregate is None else node
                return columns.given(self.inputs[key])  # pyright: ignore[reportArgumentType]
            case Operation():
                return self._operation(node, [self.value(each) for each in node.operands])

    def _operation(self, node: Operation, operands: list[Column]) -> Column:
        logic = _OF_COLUMNS.get(node.name)
        if logic is not None:
            return logic(node, operands)
        if node.name in tree.OVER_TIME:
            return over_time(node.name, str(node.position), operands[0], self.times_us, self.memory)
        return columns.strict(node.name, operands)


@dataclass(frozen=True, slots=True)
class _Scalars:
    inputs: Mapping[SeriesKey, Scalar]
    time_us: int
    memory: Memory

    def value(self, node: Node) -> Scalar:
        match node:
            case Constant():
                return Scalar(node.value, GOOD)
            case Reference():
                return scalars.given(self.inputs[node.name])
            case Operation():
                return self._operation(node, [self.value(each) for each in node.operands])

    def _operation(self, node: Operation, operands: list[Scalar]) -> Scalar:
        logic = _OF_SCALARS.get(node.name)
        if logic is not None:
            return logic(node, operands)
        if node.name in tree.OVER_TIME:
            return over_time_of_one(node.name, str(node.position), operands[0], self.time_us, self.memory)
        return scalars.strict(node.name, operands)


# What looks at statuses itself; everything else needs all of its operands.
_OF_COLUMNS: dict[str, Callable[[Operation, Sequence[Column]], Column]] = {
    "both": lambda _node, operands: columns.decide(operands, deciding=False),
    "either": lambda _node, operands: columns.decide(operands, deciding=True),
    "negate": lambda _node, operands: columns.negate(operands[0]),
    "compared": lambda node, operands: columns.compare(node.signs, operands),
    "choose": lambda _node, operands: columns.choose(*operands),
    "coalesce": lambda _node, operands: columns.coalesce(operands),
    "is_good": lambda node, operands: columns.about_status(node.name, operands[0]),
    "is_uncertain": lambda node, operands: columns.about_status(node.name, operands[0]),
    "is_bad": lambda node, operands: columns.about_status(node.name, operands[0]),
}
_OF_SCALARS: dict[str, Callable[[Operation, Sequence[Scalar]], Scalar]] = {
    "both": lambda _node, operands: scalars.decide(operands, deciding=False),
    "either": lambda _node, operands: scalars.decide(operands, deciding=True),
    "negate": lambda _node, operands: scalars.negate(operands[0]),
    "compared": lambda node, operands: scalars.compare(node.signs, operands),
    "choose": lambda _node, operands: scalars.choose(*operands),
    "coalesce": lambda _node, operands: scalars.coalesce(operands),
    "is_good": lambda node, operands: scalars.about_status(node.name, operands[0]),
    "is_uncertain": lambda node, operands: scalars.about_status(node.name, operands[0]),
    "is_bad": lambda node, operands: scalars.about_status(node.name, operands[0]),
}
