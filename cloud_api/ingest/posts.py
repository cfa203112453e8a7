"""Samples without a batch as a batch that nobody has numbered (pure)."""

from collections.abc import Sequence

from schemas.batch import Batch, Column, encode
from schemas.sample import Kind, Sample

# Numbers of such a batch are never looked at.
_NO_EPOCH = bytes(16)
_ANY_AGENT = "http"


def samples_payload(samples: Sequence[Sample], now_us: int) -> bytes:
    """Encode samples, one column a kind; BatchInvalid and BatchTooLarge as for every sender."""
    tags: dict[str, int] = {}
    members: dict[Kind, list[Sample]] = {}
    for sample in samples:
        tags.setdefault(sample.path, len(tags))
        members.setdefault(sample.kind, []).append(sample)
    columns = tuple(
        Column(
            kind=kind,
            tags=[tags[sample.path] for sample in group],
            times_us=[sample.time_us for sample in group],
            statuses=[sample.status for sample in group],
            values=None if kind is Kind.NONE else [sample.value for sample in group],
        )
        for kind, group in members.items()
    )
    return encode(Batch(_ANY_AGENT, _NO_EPOCH, 1, now_us, tags=tuple(tags), columns=columns))
