"""An OPC UA server for the benchmark, fast enough for its clients: asyncua's, but for the data it publishes.

Handshake, security, sessions, subscriptions and items are asyncua's own server over a real socket. Only the lists of
changes are made as bytes at once: asyncua's object tree a change would make the server the limit. Every change of an
item is one more than its last, so that the client can count what is missing. Started with one JSON argument.
"""

import asyncio
import json
import logging
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.ua.ua_binary import struct_to_binary
from cryptography.x509.oid import ExtendedKeyUsageOID

NAMESPACE = "urn:millstream:bench"
A_MESSAGE = 1_000
TYPES = {"uniform": [(11, "<f8")], "mixed": [(11, "<f8"), (10, "<f4"), (6, "<i4"), (5, "<u2"), (1, "u1")]}
MASK = 0x0D  # value, source time, server time: what servers send while all is good
UNIX_EPOCH_TICKS = 116_444_736_000_000_000


class Replay:
    """What takes the place of a subscription's publishing once all its items are there."""

    def __init__(self, subscription: Any, period_s: float, types: list[tuple[int, str]], items: int) -> None:
        self.subscription = subscription
        self.period_s = period_s
        self.types = types
        self.items = items
        self.pending: deque[bytes] = deque()
        self.tick = 0
        self.number = 0
        self.parts: list[tuple[np.ndarray, list[tuple[np.ndarray, int]]]] = []

    async def run(self) -> None:
        """Offer every item's next value each period; what a client leaves for ten periods is dropped."""
        handles = self._handles()
        while len(handles) < self.items:
            if self.subscription._closing:
                return
            await asyncio.sleep(0.1)
            handles = self._handles()
        await asyncio.sleep(0.5)  # first values leave by asyncua's own way
        self.parts = [_template(handles[at : at + A_MESSAGE], self.types) for at in range(0, len(handles), A_MESSAGE)]
        self.number = self.subscription._notification_seq
        due = time.monotonic()
        while not self.subscription._closing:  # or the windows of clients that have gone would slow down the next one's
            self.tick += 1
            self._offer()
            while self.pending and (
                request := self.subscription.pub_request_callback(self.subscription.data.SubscriptionId)
            ):
                self.send(request)
            due += self.period_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def drain(self) -> None:
        """Send as long as there are messages and requests; one that comes later finds us again."""
        subscription = self.subscription
        while self.pending and (request := subscription.pub_request_callback(subscription.data.SubscriptionId)):
            self.send(request)

    def send(self, request: Any) -> None:
        """Answer one PublishRequest with the oldest message."""
        body = self.pending.popleft()
        response = ua.PublishResponse()
        response.ResponseHeader.RequestHandle = request.requesthdr.RequestHandle
        response.Parameters.SubscriptionId = self.subscription.data.SubscriptionId
        response.Parameters.MoreNotifications = bool(self.pending)
        response.Parameters.NotificationMessage.SequenceNumber = self.number
        self.number += 1
        # An empty list of notifications and of results, and no diagnostics, end the response.
        head = struct_to_binary(response)[:-12]
        processor = self.subscription.pub_result_callback.__self__
        message = b"".join((head, body, _int32(0), _int32(0)))
        processor._transport.write(
            processor._connection.message_to_binary(message, request_id=request.seqhdr.RequestId)
        )

    def _handles(self) -> list[int]:
        return [item.client_handle for item in self.subscription.monitored_item_srv._monitored_items.values()]

    def _offer(self) -> None:
        now = time.time_ns() // 100 + UNIX_EPOCH_TICKS
        for changes, columns in self.parts:
            for view, _ in columns:
                view["value"] = self.tick % 2 if view.dtype["value"] == np.uint8 else self.tick
                view["source"] = view["server"] = now
            raw = changes.tobytes()
            count = sum(len(view) for view, _ in columns)
            data = _int32(count) + raw + _int32(0)
            extension = ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary
            head = b"\x01\x00" + extension.to_bytes(2, "little") + b"\x01" + _int32(len(data))
            self.pending.append(_int32(1) + head + data)
        while len(self.pending) > 10 * len(self.parts):
            self.pending.popleft()


def _template(handles: list[int], types: list[tuple[int, str]]) -> Any:
    """Bytes of one message, and views of the changes of each type in it."""
    rows = [
        np.dtype(
            [("handle", "<u4"), ("mask", "u1"), ("type", "u1"), ("value", code), ("source", "<i8"), ("server", "<i8")]
        )
        for _, code in types
    ]
    cycle = np.dtype([(str(at), row) for at, row in enumerate(rows)])
    changes = np.zeros(len(handles) // len(types), cycle)
    columns: list[Any] = []
    for at, (number, _) in enumerate(types):
        view = changes[str(at)]
        view["handle"] = handles[at :: len(types)]
        view["mask"], view["type"] = MASK, number
        columns.append((view, at))
    return changes, columns


def _int32(number: int) -> bytes:
    return number.to_bytes(4, "little", signed=True)


def _replace_publishing(period_s: float, types: list[tuple[int, str]], items: int) -> None:
    original = InternalSubscription.publish_results
    running: dict[int, Replay] = {}
    tasks: set[Any] = set()

    async def publish_results(self: Any, requestdata: Any = None) -> bool:
        number = self.data.SubscriptionId
        if number not in running:
            running[number] = Replay(self, period_s, types, items)
            tasks.add(asyncio.create_task(running[number].run()))
        replay = running[number]
        if not replay.tick:
            return await original(self, requestdata)
        if requestdata is None or not replay.pending:
            return False
        replay.send(requestdata)
        replay.drain()
        return True

    InternalSubscription.publish_results = publish_results


async def main(port: int, items: int, period_s: float, kinds: str, certificates: str) -> None:
    """Serve until killed."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    _replace_publishing(period_s, TYPES[kinds], items)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    folder = Path(certificates)
    key, certificate = folder / "key.pem", folder / "server.der"
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    await server.set_application_uri(NAMESPACE)
    await setup_self_signed_certificate(key, certificate, NAMESPACE, socket.gethostname(), usage, {})
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    index = await server.register_namespace(NAMESPACE)
    parent = await server.nodes.objects.add_folder(index, "Counters")
    for number in range(items):
        await parent.add_variable(ua.NodeId(f"c{number}", index), f"c{number}", 0.0)
    await server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
