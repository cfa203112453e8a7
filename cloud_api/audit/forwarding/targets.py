"""Where rows go: a collector of syslog by UDP, TCP or TLS, and a signed webhook."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from cloud_api.audit.forwarding.messages import document_id, framed, write_document, write_message
from cloud_api.audit_settings import AuditHookSettings, SyslogSettings, SyslogWay
from cloud_api.outbound.addresses import Network
from cloud_api.outbound.failures import SendFailed
from cloud_api.outbound.webhook import post
from cloud_api.storage.audit import AuditRow

CONNECT_S, SEND_S = 5.0, 15.0
# Syslog has no acknowledgements: what was written so shortly before a connection broke may never have been read.
UNSURE_S = 10.0


class Target(Protocol):
    """One other system."""

    name: str

    async def send(self, rows: Sequence[AuditRow]) -> None:
        """Send rows in their order; SendFailed or SendRefused say why they did not arrive."""
        ...

    def unsure_since(self) -> int | None:
        """After a failure: the number after which rows have to be sent again although they were written."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class SyslogStream:
    """By TCP or TLS."""

    name = "syslog"

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._host = socket.gethostname()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._written: deque[tuple[float, int]] = deque()
        self._unsure: int | None = None

    async def send(self, rows: Sequence[AuditRow]) -> None:
        """Write all rows; a collector that has closed the connection is noticed before and after."""
        try:
            async with asyncio.timeout(SEND_S):
                reader, writer = self._streams or await self._connect()
                self._check_open(reader)
                writer.writelines(framed(write_message(row, self._host)) for row in rows)
                await writer.drain()
                self._check_open(reader)
        except (OSError, TimeoutError) as error:
            await self._break()
            place = f"{self._settings.host}:{self._settings.port}"
            raise SendFailed(f"{place}: {type(error).__name__}: {error}") from error
        self._note(rows)

    def unsure_since(self) -> int | None:
        """The number before the first row that was written shortly before the connection broke."""
        unsure, self._unsure = self._unsure, None
        return unsure

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = self._settings
        context = None
        if settings.way is SyslogWay.TLS:
            context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
        async with asyncio.timeout(CONNECT_S):
            self._streams = await asyncio.open_connection(settings.host, settings.port, ssl=context)
        return self._streams

    def _check_open(self, reader: asyncio.StreamReader) -> None:
        # A collector says nothing, so whatever can be read is the end.
        if reader.at_eof() or reader.exception() is not None:
            raise ConnectionResetError("the collector has closed the connection")

    def _note(self, rows: Sequence[AuditRow]) -> None:
        now_s = time.monotonic()
        self._written.append((now_s, rows[0].number - 1))
        while self._written and now_s - self._written[0][0] > UNSURE_S:
            self._written.popleft()

    async def _break(self) -> None:
        if self._written:
            self._unsure = self._written[0][1]
            self._written.clear()
        await self.close()


class SyslogDatagrams:
    """By UDP: nobody knows what arrives."""

    name = "syslog"

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._host = socket.gethostname()

    async def send(self, rows: Sequence[AuditRow]) -> None:
        """Send each row as a datagram."""
        try:
            await asyncio.to_thread(self._send, [write_message(row, self._host) for row in rows])
        except OSError as error:
            raise SendFailed(f"{self._settings.host}:{self._settings.port}: {error}") from error

    def unsure_since(self) -> int | None:
        """Nothing is ever sure, and nothing sent twice for that."""
        return None

    async def close(self) -> None:
        """There is no connection."""

    def _send(self, messages: Sequence[bytes]) -> None:
        place = (self._settings.host, self._settings.port)
        family, kind, protocol, _, address = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sender:
            for message in messages:
                sender.sendto(message, address)


class Webhook:
    """By signed POSTs; a row is done with when its POST was answered with 2xx."""

    name = "webhook"

    def __init__(self, settings: AuditHookSettings, allowed: Sequence[Network]) -> None:
        self._settings = settings
        self._allowed = allowed

    async def send(self, rows: Sequence[AuditRow]) -> None:
        """Post the rows as one document; the same rows have the same id again."""
        settings = self._settings
        document, made_s = write_document(rows), int(time.time())
        await asyncio.to_thread(post, settings.url, settings.secret, document_id(rows), document, made_s, self._allowed)

    def unsure_since(self) -> int | None:
        """What was answered is sure."""
        return None

    async def close(self) -> None:
        """There is no connection."""


def syslog_target(settings: SyslogSettings) -> Target:
    """The target that fits the way."""
    return SyslogDatagrams(settings) if settings.way is SyslogWay.UDP else SyslogStream(settings)
