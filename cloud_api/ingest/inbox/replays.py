"""The samples of a reject as a batch that is tried again (pure)."""

import msgspec

from cloud_api.ingest.mapping import Mapping
from cloud_api.ingest.rejects import KeptSamples
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind


def replay_payload(path: str, payload: bytes, mapping: Mapping) -> bytes:
    """The samples of a reject, mapped, as a batch that nobody has numbered; MappingInvalid when that cannot be."""
    kept = mapping.applied(msgspec.msgpack.decode(payload, type=KeptSamples))
    values = None if kept.kind is Kind.NONE else kept.values
    column = Column(kept.kind, [0] * len(kept.times_us), kept.times_us, kept.statuses, values)
    base_us = kept.times_us[0] if kept.times_us else 0
    return encode(Batch("replay", bytes(16), 1, base_us, tags=(mapping.path or path,), columns=(column,)))
