"""Node ids by namespace URI, so that they outlive a server that numbers its namespaces anew (pure)."""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

STANDARD_NAMESPACE = "http://opcfoundation.org/UA/"
"""Namespace 0, the only one whose index never changes."""

ALLOWED = "nsu=<namespace URI>;<i|s|g|b>=<identifier>, or i=<number> for a node of the OPC UA standard"
MAX_NUMBER = 0xFFFFFFFF
MAX_INDEX = 0xFFFF
_SHAPE = re.compile(r"(?:(?P<scope>nsu|ns)=(?P<space>[^;]*);)?(?P<form>[isgb])=(?P<identifier>.+)", re.DOTALL)


class IdentifierForm(StrEnum):
    """The four forms of an identifier (Part 3, 8.2.4)."""

    NUMBER = "i"
    STRING = "s"
    GUID = "g"
    OPAQUE = "b"


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node of a namespace that is named by its URI."""

    namespace: str
    form: IdentifierForm
    identifier: int | str | UUID | bytes

    def __str__(self) -> str:
        text = f"{self.form}={_identifier_text(self.identifier)}"
        if self.namespace == STANDARD_NAMESPACE:
            return text
        return f"nsu={_escaped(self.namespace)};{text}"


def parse(text: str) -> NodeAddress:
    """Read a node id as Part 6, 5.3.1.11 writes it; raises ValueError that says what is allowed."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a node id; allowed: {ALLOWED}")
    form = IdentifierForm(found["form"])
    namespace = _namespace(text, found["scope"], found["space"], f"{form}={found['identifier']}")
    return NodeAddress(namespace, form, _identifier(text, form, found["identifier"]))


def _namespace(text: str, scope: str | None, space: str | None, rest: str) -> str:
    if scope is None or space is None:
        return STANDARD_NAMESPACE
    if scope == "ns":
        if space == "0":
            return STANDARD_NAMESPACE
        raise ValueError(
            f"{text!r} names its namespace by an index, which changes when the server's program is loaded anew; "
            f"write nsu=<namespace URI>;{rest} with the URI that stands at position {space} of the server's "
            "NamespaceArray (i=2255)"
        )
    if not space:
        raise ValueError(f"{text!r} has an empty namespace URI; allowed: {ALLOWED}")
    return _unescaped(space)


def _identifier(text: str, form: IdentifierForm, raw: str) -> int | str | UUID | bytes:
    try:
        if form is IdentifierForm.NUMBER:
            return _number(raw)
        if form is IdentifierForm.GUID:
            return UUID(raw)
        if form is IdentifierForm.OPAQUE:
            return b64decode(raw, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"{text!r}: {_FORMS[form]} is expected after {form}=") from error
    return raw


_FORMS = {
    IdentifierForm.NUMBER: f"a number from 0 to {MAX_NUMBER}",
    IdentifierForm.GUID: "a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a",
    IdentifierForm.OPAQUE: "base64",
}


def _number(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal()) or int(raw) > MAX_NUMBER:
        raise ValueError(raw)
    return int(raw)


def _identifier_text(identifier: int | str | UUID | bytes) -> str:
    return b64encode(identifier).decode() if isinstance(identifier, bytes) else str(identifier)


def _escaped(uri: str) -> str:
    return uri.replace("%", "%25").replace(";", "%3B")


def _unescaped(uri: str) -> str:
    return re.sub("%3B", ";", uri, flags=re.IGNORECASE).replace("%25", "%")
