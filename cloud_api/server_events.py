"""Server-sent events: their bytes, and the wish of a server that is about to end that open streams end too."""

import asyncio
import random
from collections.abc import Mapping

MEDIA_TYPE = "text/event-stream"
# Proxies must neither keep nor rewrite a stream.
HEADERS: Mapping[str, str] = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
LAST_EVENT_ID = "Last-Event-ID"
RETRY_MS = 1_000, 5_000


class Closing:
    """Set once, from any thread, when the server is told to end; awaited by what would never end by itself."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def is_set(self) -> bool:
        """Whether the server is about to end."""
        return self._is_set

    def set(self) -> None:
        """Say that the server is about to end."""
        self._is_set = True
        for event, loop in list(self._waiting.items()):
            loop.call_soon_threadsafe(event.set)

    async def wait(self, seconds: float) -> bool:
        """Wait that long, less when the server is about to end; whether it is."""
        if self._is_set:
            return True
        event = asyncio.Event()
        self._waiting[event] = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            del self._waiting[event]
        return self._is_set


def write_event(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event; `data` is one line, as JSON without line breaks is."""
    head = b"" if event_id is None else b"id: " + event_id.encode() + b"\n"
    return head + b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def write_retry() -> bytes:
    """How long a reader waits before it comes back: each another time, or a thousand would come back at once."""
    return f"retry: {random.randint(*RETRY_MS)}\n\n".encode()  # noqa: S311 # no secret


def write_heartbeat(event_id: str | None = None) -> bytes:
    """A comment that keeps the connection alive; with an id the reader resumes after it."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}: alive\n\n".encode()
