"""Answers sent piece by piece: packed on the way, at the pace of whoever reads, given up when nobody does."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloud_api.formats.accept import Packing
from cloud_api.formats.packing import Packer, Plain, packer

# A reader that takes nothing for so long is gone, whatever its connection says.
STALL_S = 60.0
# Smaller answers gain nothing by packing; larger pieces are packed beside the event loop.
LEAST_PACKED, LARGE_PIECE = 1_000, 65_536

log = logging.getLogger(__name__)


class ReaderStalled(Exception):
    """The reader has taken nothing for a minute."""


class Streamed(Response):
    """An answer made while it is sent; what fails before its first piece is answered as any other failure."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        packing: Packing = Packing.IDENTITY,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self._pieces = pieces
        self._packing = packing
        self.init_headers({"vary": "Accept, Accept-Encoding", **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces."""
        first = await anext(self._pieces, b"")
        second = await anext(self._pieces, None)
        if second is None and len(first) < LEAST_PACKED:
            self._packing = Packing.IDENTITY
        if self._packing is not Packing.IDENTITY:
            self.headers["content-encoding"] = self._packing.value
        packing = packer(self._packing)
        if second is None:
            whole = await _packed(packing, first) + packing.flush()
            self.headers["content-length"] = str(len(whole))
            await self._start(send)
            await send({"type": "http.response.body", "body": whole, "more_body": False})
            return
        await self._start(send)
        gone = asyncio.create_task(_gone(receive))
        try:
            await self._send_all((first, second), packing, send, gone)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send_all(self, head: tuple[bytes, bytes], packing: Packer, send: Send, gone: asyncio.Task[None]) -> None:
        for piece in head:
            await _send(send, await _packed(packing, piece))
        async for piece in self._pieces:
            if gone.done():
                return
            await _send(send, await _packed(packing, piece))
        await _send(send, packing.flush())
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class EventStream(Streamed):
    """Server-sent events: each is sent as it comes, unpacked, and nothing is waited for before the head goes out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the reader is gone or takes nothing for a minute."""
        del scope
        await self._start(send)
        sending = asyncio.create_task(self._send_events(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, gone):
                task.cancel()
                with suppress(asyncio.CancelledError, ReaderStalled):
                    await task

    async def _send_events(self, send: Send) -> None:
        async for event in self._pieces:
            await _send(send, event)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def beside(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """Make pieces in a thread beside the event loop, small ones together; the next is made while one is sent."""
    coming = _begun(pieces)
    try:
        while piece := await coming:
            coming = _begun(pieces)
            yield piece
    finally:
        # Whoever goes away does not wait for what he asked for, but nobody else may be told of its failure.
        if not coming.cancel() and not coming.cancelled():
            coming.exception()


def _begun(pieces: Iterator[bytes]) -> asyncio.Task[bytes]:
    return asyncio.create_task(asyncio.to_thread(_gathered, pieces))


def _gathered(pieces: Iterator[bytes]) -> bytes:
    """The next pieces, up to one that is worth a thread, a packing and a send; nothing at the end."""
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= LARGE_PIECE:
            break
    return found[0] if len(found) == 1 else b"".join(found)


async def at_once(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Pieces that are there already, or soon made."""
    for piece in pieces:
        yield piece


async def _send(send: Send, piece: bytes) -> None:
    if not piece:
        return
    try:
        async with asyncio.timeout(STALL_S):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError as error:
        raise ReaderStalled(f"the reader has taken nothing for {STALL_S:g} s") from error


async def _packed(packing: Packer, piece: bytes) -> bytes:
    if len(piece) > LARGE_PIECE and not isinstance(packing, Plain):
        return await asyncio.to_thread(packing.compress, piece)
    return packing.compress(piece)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
