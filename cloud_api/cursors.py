"""Cursors: where a listing goes on, sealed against mix-ups; they hold a position, never a page number."""

import base64
import binascii
import hashlib
from typing import Any, TypeVar

import msgspec

from cloud_api.problems import Kinds, Problem, parameter_invalid

PositionT = TypeVar("PositionT")

ALLOWED = "the value of `next` of the page before, with the same filter"
MAX_CHARACTERS = 4096

_SEAL_BYTES = 8
_VERSION = b"\x01"


def write_cursor(position: object, question: tuple[object, ...]) -> str:
    """Seal a position of the listing that `question` (its name and filters) describes.

    The seal finds damage and mix-ups. It is no secret: a position grants nothing that the caller could not ask for.
    """
    body = _VERSION + msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(_seal(body, question) + body).rstrip(b"=").decode()


def read_cursor(text: str, question: tuple[object, ...], kind: type[PositionT]) -> PositionT:
    """Open a cursor that write_cursor made for the same question; anything else is a Problem."""
    if len(text) > MAX_CHARACTERS:
        raise _refused(text)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(text) from error
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if body[:1] != _VERSION or seal != _seal(body, question):
        raise _refused(text)
    try:
        return msgspec.msgpack.decode(body[1:], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused(text) from error


def _seal(body: bytes, question: tuple[object, ...]) -> bytes:
    filters: list[Any] = [part if isinstance(part, int | str | None) else str(part) for part in question]
    return hashlib.blake2b(body + msgspec.msgpack.encode(filters), digest_size=_SEAL_BYTES, person=b"cursor").digest()


def _refused(text: str) -> Problem:
    refused = parameter_invalid("cursor", text, "is not a cursor of this listing", ALLOWED)
    return Problem(Kinds.CURSOR_INVALID, refused.detail, fields=refused.fields)
