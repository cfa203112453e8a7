"""The catalog: which tags a device has, published retained in parts that each fit one message."""

from dataclasses import dataclass

import msgspec

from schemas.errors import BatchTooLarge, MessageInvalid
from schemas.limits import MAX_WIRE_BYTES
from schemas.sample import Kind


@dataclass(frozen=True, slots=True)
class TagDescription:
    """One tag as its engineer configured it; `kind` is None while the device has not told."""

    path: str
    kind: Kind | None = None
    unit: str | None = None
    description: str | None = None
    low: float | None = None
    high: float | None = None
    scan_period_s: float | None = None
    deadband: str | None = None
    max_silence_s: float | None = None
    point: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogPart:
    """One part of a device's catalog; parts of one revision belong together."""

    revision: str
    device: str
    tags: tuple[TagDescription, ...] = ()


def encode_catalog_part(part: CatalogPart) -> bytes:
    """Return the JSON form; BatchTooLarge above what one message may carry."""
    payload = msgspec.json.encode(part)
    if len(payload) > MAX_WIRE_BYTES:
        raise BatchTooLarge("catalog part", len(payload), MAX_WIRE_BYTES)
    return payload


def decode_catalog_part(payload: bytes) -> CatalogPart:
    """Read the JSON form; unknown keys are ignored, MessageInvalid says what is wrong."""
    if len(payload) > MAX_WIRE_BYTES:
        raise MessageInvalid(f"catalog: {len(payload)} bytes; at most {MAX_WIRE_BYTES}")
    try:
        return msgspec.json.decode(payload, type=CatalogPart)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise MessageInvalid(f"catalog: {error}") from error
