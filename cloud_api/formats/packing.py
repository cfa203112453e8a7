"""Answers packed piece by piece, so that nothing of them has to be held as a whole."""

import zlib
from typing import Protocol

import zstandard

from cloud_api.formats.accept import Packing


class Packer(Protocol):
    """Takes pieces and gives packed ones."""

    def compress(self, data: bytes, /) -> bytes:
        """Pack a piece; what comes out may belong to an earlier one."""
        ...

    def flush(self) -> bytes:
        """What is left at the end."""
        ...


class Plain:
    """Leaves everything as it is."""

    def compress(self, data: bytes, /) -> bytes:
        """The same."""
        return data

    def flush(self) -> bytes:
        """Nothing."""
        return b""


def packer(packing: Packing) -> Packer:
    """A packer for one answer."""
    if packing is Packing.GZIP:
        return zlib.compressobj(5, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    if packing is Packing.ZSTD:
        return zstandard.ZstdCompressor(level=3).compressobj()
    return Plain()
