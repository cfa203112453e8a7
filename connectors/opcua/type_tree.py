"""Data types that a server defines itself, as one session has learned them (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

TypeKey: TypeAlias = "tuple[int, object]"
"""Namespace index of this session, and identifier."""


class Layout(Enum):
    """How the fields of a structure lie in its bytes (Part 6, 5.2.6 to 5.2.8)."""

    PLAIN = "plain"
    OPTIONAL = "optional"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, how many dimensions (below 1: none), and whether it may be left out or be of a subtype."""

    name: str
    type: TypeKey
    dimensions: int = -1
    is_optional: bool = False
    has_subtypes: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure or a union, with the fields of its supertypes first."""

    name: str
    layout: Layout
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Words for numbers, and the built-in type of the numbers."""

    words: Mapping[int, str]
    builtin: int = 6


@dataclass(slots=True)
class TypeTree:
    """What is known so far; never shared between servers."""

    structures: dict[TypeKey, Structure] = field(default_factory=dict[TypeKey, Structure])
    enumerations: dict[TypeKey, Enumeration] = field(default_factory=dict[TypeKey, Enumeration])
    builtins: dict[TypeKey, int] = field(default_factory=dict[TypeKey, int])
    """Types that are a built-in one under another name."""
    encodings: dict[TypeKey, TypeKey] = field(default_factory=dict[TypeKey, TypeKey])
    """Which structure a binary encoding is of."""
    asked: set[TypeKey] = field(default_factory=set[TypeKey])
    """What the server was asked for, whether it knew it or not."""

    def structure_of(self, encoding: TypeKey) -> Structure | None:
        """The structure that is encoded like this."""
        found = self.encodings.get(encoding)
        return None if found is None else self.structures.get(found)
