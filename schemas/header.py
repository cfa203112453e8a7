"""The plain header in front of a batch."""

from dataclasses import dataclass

FLAG_ZSTD = 0x01
EPOCH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Header:
    """Who numbered this batch, its number, and how to verify its body."""

    flags: int
    epoch: bytes
    seq: int
    body_bytes: int
    crc: int

    @property
    def is_zstd(self) -> bool:
        """Whether the body is a zstd frame."""
        return bool(self.flags & FLAG_ZSTD)
