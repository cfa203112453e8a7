"""The acknowledgement: an idempotent statement of what the cloud has committed of one epoch."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.batch_json import DictionaryHash, Epoch
from schemas.errors import MessageInvalid
from schemas.limits import MAX_SEQ

Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


class HoldReason(StrEnum):
    """Why the cloud asks the agent to keep a batch; an agent keeps it for reasons it does not know, too."""

    DICT_UNKNOWN = "dict_unknown"
    VERSION_UNKNOWN = "version_unknown"
    REJECTS_FULL = "rejects_full"
    STORAGE_FAILED = "storage_failed"


@dataclass(frozen=True, slots=True)
class Ack:
    """`through` and below are settled, so are the ranges in `also`; `rejected` are settled too, `hold` are not."""

    epoch: bytes
    through: int = 0
    also: tuple[tuple[int, int], ...] = ()
    rejected: tuple[tuple[int, str], ...] = ()
    hold: tuple[tuple[int, str], ...] = ()
    dictionary: bytes | None = None
    is_resume: bool = False


class AckLayout(Struct, kw_only=True):
    """An acknowledgement in JSON; unknown keys are ignored."""

    epoch: Epoch
    through: Annotated[int, Meta(ge=0, le=MAX_SEQ)] = 0
    also: list[tuple[Seq, Seq]] = msgspec.field(default_factory=list)
    rejected: list[tuple[Seq, str]] = msgspec.field(default_factory=list)
    hold: list[tuple[Seq, str]] = msgspec.field(default_factory=list)
    dictionary: DictionaryHash | UnsetType | None = msgspec.field(name="dict", default=UNSET)
    resume: bool | UnsetType = UNSET


def encode_ack(ack: Ack) -> bytes:
    """Return the JSON form."""
    return msgspec.json.encode(
        AckLayout(
            epoch=ack.epoch.hex(),
            through=ack.through,
            also=list(ack.also),
            rejected=list(ack.rejected),
            hold=list(ack.hold),
            dictionary=UNSET if ack.dictionary is None else ack.dictionary.hex(),
            resume=ack.is_resume or UNSET,
        )
    )


def decode_ack(payload: bytes) -> Ack:
    """Read the JSON form; MessageInvalid says what is wrong."""
    try:
        layout = msgspec.json.decode(payload, type=AckLayout)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise MessageInvalid(f"ack: {error}") from error
    return Ack(
        epoch=bytes.fromhex(layout.epoch),
        through=layout.through,
        also=tuple(layout.also),
        rejected=tuple(layout.rejected),
        hold=tuple(layout.hold),
        dictionary=bytes.fromhex(layout.dictionary) if isinstance(layout.dictionary, str) else None,
        is_resume=layout.resume is True,
    )
