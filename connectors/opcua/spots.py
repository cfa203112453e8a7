"""Where in the bytes of a structure one of its fields lies, so that it alone can be changed (pure)."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.opcua.parts import Step
from connectors.opcua.structures import Reader, Undecodable
from connectors.opcua.type_tree import Field, TypeKey, TypeTree

_WRITABLE = frozenset(range(1, 13))
"""Booleans, numbers and texts."""


@dataclass(frozen=True, slots=True)
class Spot:
    """From where to where, and the built-in type of what lies there."""

    start: int
    end: int
    builtin: int


def spot_of(types: TypeTree, encoding: TypeKey, body: bytes, steps: Sequence[Step]) -> Spot | None:
    """The spot of a field, or an element of one; None where it is not there, or is nothing that can be written."""
    found = types.structure_of(encoding)
    if found is None:
        return None
    seeker = _Seeker(body, types, tuple(steps))
    try:
        seeker.structure(found)
    except (Undecodable, struct.error, IndexError, OverflowError, ValueError):
        return None
    spot = seeker.spot
    return spot if spot is not None and not seeker.left and spot.builtin in _WRITABLE else None


class _Seeker(Reader):
    """Reads a structure and notices where the sought field is. Bodies within the body are read over."""

    def __init__(self, data: bytes, types: TypeTree, sought: tuple[Step, ...]) -> None:
        super().__init__(data, types, (), set())
        self._sought = sought
        self._path: list[Step] = []
        self._has_parts = False
        self.spot: Spot | None = None

    def _field(self, field: Field) -> Any:
        return self._step(field.name, lambda: super(_Seeker, self)._field(field))

    def _list(self, read: Callable[[], Any]) -> list[Any] | None:
        numbers = iter(range(len(self._data)))
        return super()._list(lambda: self._step(next(numbers), read))

    def _extension(self) -> Any:
        return self._opaque(super()._extension)

    def _variant(self) -> Any:
        return self._opaque(super()._variant)

    def _opaque(self, read: Callable[[], Any]) -> Any:
        """What says itself of which type it is: another value might not be of that type."""
        value = read()
        self._last_builtin = 0
        return value

    def _step(self, step: Step, read: Callable[[], Any]) -> Any:
        self._path.append(step)
        start, self._last_builtin, self._has_parts = self._at, 0, False
        value = read()
        if tuple(self._path) == self._sought:
            self.spot = Spot(start, self._at, 0 if self._has_parts else self._last_builtin)
        self._path.pop()
        self._has_parts = True
        return value
