"""Bytes of structures that a server defines itself, decoded by its own definitions to plain values (pure)."""

import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from connectors.opcua.type_tree import Field, Layout, Structure, TypeKey, TypeTree

_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_DEEPEST = 64
_NUMBERS: dict[int, struct.Struct] = {
    number: struct.Struct(f"<{code}")
    for number, code in {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q"}.items()
} | {10: struct.Struct("<f"), 11: struct.Struct("<d"), 19: struct.Struct("<I")}
_UNSIGNED = frozenset({3, 5, 7, 9, 19})
_SINGLE = 10
_VARIANT, _EXTENSION = 24, 22
_GUID_FORM, _NODE_FORMS = 4, 0x3F


class Undecodable(Exception):
    """The bytes are not what the definition says, or the definition is not known."""


class Unsigned(int):
    """A number of a type that is never negative."""


class Single(float):
    """A number of 32 bits."""


class Labelled(int):
    """A number of an enumeration, with its word."""

    label: str

    def __new__(cls, number: int, label: str) -> Self:
        """The number, knowing its word."""
        made = super().__new__(cls, number)
        made.label = label
        return made


class Decoder:
    """Decodes by the types that one session knows; node ids come out by the URI of their namespace."""

    def __init__(self, types: TypeTree, namespaces: Sequence[str]) -> None:
        self._types = types
        self._namespaces = namespaces
        self.unknown: set[TypeKey] = set()
        """Encodings that were met within values and have no definition."""

    def structure(self, encoding: TypeKey, body: bytes) -> dict[str, Any]:
        """The fields of a structure by name; raises Undecodable."""
        found = self._types.structure_of(encoding)
        if found is None:
            self.unknown.add(encoding)
            raise Undecodable(f"no definition of {encoding}")
        reader = Reader(body, self._types, self._namespaces, self.unknown)
        try:
            value = reader.structure(found)
        except (struct.error, IndexError, OverflowError, ValueError) as error:
            raise Undecodable(str(error)) from error
        if reader.left:
            raise Undecodable(f"{reader.left} bytes too many for {found.name}")
        return value


class Reader:
    """Reads on from where it stands."""

    def __init__(self, data: bytes, types: TypeTree, namespaces: Sequence[str], unknown: set[TypeKey]) -> None:
        self._unknown = unknown
        self._data = data
        self._types = types
        self._namespaces = namespaces
        self._at = 0
        self._depth = 0
        self._last_builtin = 0
        self._builtins: dict[int, Callable[[], Any]] = {
            12: self._text,
            13: self._moment,
            14: self._guid,
            15: self._bytes,
            16: self._text,
            17: self._node,
            18: self._node,
            20: self._qualified_name,
            21: self._localized_text,
            _EXTENSION: self._extension,
            23: self._data_value,
            _VARIANT: self._variant,
        }

    @property
    def left(self) -> int:
        """Bytes that nobody has read."""
        return len(self._data) - self._at

    def structure(self, found: Structure) -> dict[str, Any]:
        """One structure; a union is its one field, or nothing."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Undecodable("structures within structures without end")
        if found.layout is Layout.UNION:
            switch = self._number(7)
            fields: Sequence[Field] = found.fields[switch - 1 : switch] if switch else ()
            if switch > len(found.fields):
                raise Undecodable(f"{found.name} has no field {switch}")
        else:
            fields = self._present(found)
        value = {field.name: self._field(field) for field in fields}
        self._depth -= 1
        return value

    def _present(self, found: Structure) -> Sequence[Field]:
        if found.layout is Layout.PLAIN:
            return found.fields
        mask, bit, present = self._number(7), 1, list[Field]()
        for field in found.fields:
            if field.is_optional:
                bit, is_present = bit << 1, mask & bit
                if not is_present:
                    continue
            present.append(field)
        return present

    def _field(self, field: Field) -> Any:
        if field.dimensions < 1:
            return self._one(field)
        if field.dimensions == 1:
            return self._list(lambda: self._one(field))
        sizes = self._list(lambda: self._number(6)) or []
        return _nested([self._one(field) for _ in range(self._product(sizes))], sizes)

    def _one(self, field: Field) -> Any:
        key = field.type
        if field.has_subtypes:
            return self._extension() if key in self._types.structures or key == (0, _EXTENSION) else self._variant()
        if key in self._types.structures:
            return self.structure(self._types.structures[key])
        if key in self._types.enumerations:
            enumeration = self._types.enumerations[key]
            self._last_builtin = enumeration.builtin
            number = self._number(enumeration.builtin)
            return Labelled(number, enumeration.words.get(number, str(int(number))))
        builtin = self._types.builtins.get(key)
        if builtin is None and key[0] == 0 and isinstance(key[1], int):
            builtin = key[1]
        return self._builtin(builtin or 0)

    def _builtin(self, number: int) -> Any:
        self._last_builtin = number
        if number in _NUMBERS:
            return self._number(number)
        read = self._builtins.get(number)
        if read is None:
            raise Undecodable(f"a field of the unknown type {number}")
        return read()

    def _number(self, builtin: int) -> Any:
        layout = _NUMBERS[builtin]
        (value,) = layout.unpack_from(self._data, self._at)
        self._at += layout.size
        if builtin in _UNSIGNED:
            return Unsigned(value)
        return Single(value) if builtin == _SINGLE else value

    def _take(self, size: int) -> bytes:
        if size > self.left:
            raise Undecodable("the bytes end too early")
        self._at += size
        return self._data[self._at - size : self._at]

    def _raw(self) -> bytes | None:
        size = self._number(6)
        return None if size < 0 else self._take(size)

    def _text(self) -> str | None:
        raw = self._raw()
        return None if raw is None else raw.decode(errors="replace")

    def _bytes(self) -> str | None:
        raw = self._raw()
        return None if raw is None else b64encode(raw).decode()

    def _moment(self) -> str | None:
        ticks = self._number(8)
        if ticks <= 0:
            return None
        try:
            moment = _EPOCH_1601 + timedelta(microseconds=ticks // 10)
        except OverflowError:
            return None
        return moment.isoformat().replace("+00:00", "Z")

    def _guid(self) -> str:
        return str(UUID(bytes_le=self._take(16)))

    def _list(self, read: Callable[[], Any]) -> list[Any] | None:
        size = self._number(6)
        if size < 0:
            return None
        return [read() for _ in range(self._product([size]))]

    def _product(self, sizes: Sequence[int]) -> int:
        count = 1
        for size in sizes:
            count *= max(0, size)
        if count > self.left + 1:  # an element takes a byte at least; an empty structure is nobody's array
            raise Undecodable(f"an array of {count} in {self.left} bytes")
        return count

    def node(self) -> TypeKey:
        """A node id as the session numbers it; the flags of an expanded one are read over."""
        form = self._take(1)[0]
        index, identifier = self._node_parts(form & _NODE_FORMS)
        if form & 0x80:
            self._text()
        if form & 0x40:
            self._number(7)
        return index, identifier

    def _node_parts(self, form: int) -> TypeKey:
        if form == 0:
            return 0, self._take(1)[0]
        if form == 1:
            return self._take(1)[0], int(self._number(5))
        if form > 5:
            raise Undecodable(f"a node id of the unknown form {form}")
        index = int(self._number(5))
        if form == 2:
            return index, int(self._number(7))
        return index, self._text() if form == 3 else UUID(self._guid()) if form == _GUID_FORM else self._raw()

    def _node(self) -> str:
        index, identifier = self.node()
        letter = "i" if isinstance(identifier, int) else "g" if isinstance(identifier, UUID) else "s"
        if isinstance(identifier, bytes):
            letter, identifier = "b", b64encode(identifier).decode()
        text = f"{letter}={identifier}"
        if index == 0:
            return text
        uri = self._namespaces[index] if index < len(self._namespaces) else f"urn:unknown-namespace:{index}"
        return f"nsu={uri.replace('%', '%25').replace(';', '%3B')};{text}"

    def _qualified_name(self) -> str | None:
        self._number(5)
        return self._text()

    def _localized_text(self) -> str | None:
        mask = self._take(1)[0]
        if mask & 1:
            self._text()
        return self._text() if mask & 2 else None

    def _extension(self) -> Any:
        key = self.node()
        form = self._take(1)[0]
        if form == 0:
            return None
        body = self._raw() or b""
        found = self._types.structure_of(key)
        if form != 1 or found is None:
            self._unknown.add(key)
            return {"encoding": f"{key[0]}:{key[1]}", "body": b64encode(body).decode()}
        inner = Reader(body, self._types, self._namespaces, self._unknown)
        inner._depth = self._depth
        return inner.structure(found)

    def _variant(self) -> Any:
        mask = self._take(1)[0]
        builtin = mask & 0x3F
        if not builtin:
            return None
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Undecodable("variants within variants without end")
        value = self._list(lambda: self._builtin(builtin)) if mask & 0x80 else self._builtin(builtin)
        if mask & 0x40:
            value = _nested(value or [], self._list(lambda: self._number(6)) or [])
        self._depth -= 1
        return value

    def _data_value(self) -> dict[str, Any]:
        mask = self._take(1)[0]
        value: dict[str, Any] = {
            "value": self._variant() if mask & 1 else None,
            "status": self._number(19) if mask & 2 else 0,
        }
        value["time"] = self._moment() if mask & 4 else None
        for bit, size in ((0x10, 2), (0x08, 8), (0x20, 2)):
            if mask & bit:
                self._take(size)
        return value


def _nested(flat: list[Any], sizes: Sequence[int]) -> list[Any]:
    """Rows of rows, the last dimension innermost."""
    for size in reversed(sizes[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), size)] if size > 0 else []
    return flat
