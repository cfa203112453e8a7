"""A reader of HTTP answers that costs next to nothing: one connection, one piece of memory, nothing kept."""

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

PIECE_BYTES = 1 << 20
PATIENCE_S = 60.0
# The service ends connections that rest for five seconds.
REST_S = 3.0


class HttpReader:
    """One connection to a service on this machine."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._connect()
        self._piece = bytearray(PIECE_BYTES)

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)
        self._used_s = time.monotonic()

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def get(self, target: str, accept: str) -> int:
        """How many bytes the body of an answer has; an AssertionError where it is not 200."""
        return self._ask("GET", target, {"Accept": accept}, b"")

    def post(self, target: str, body: Mapping[str, Any], accept: str) -> int:
        """The same of a question with a body."""
        return self._ask(
            "POST", target, {"Accept": accept, "Content-Type": "application/json"}, json.dumps(body).encode()
        )

    def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> int:
        if time.monotonic() - self._used_s > REST_S:
            self.close()
            self._connect()
        known = {"Host": "millstream", "Authorization": f"Bearer {self._key}", "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**known, **headers}.items())
        self._socket.sendall(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        head, rest = self._head()
        assert head.split(b" ", 2)[1] == b"200", head + rest
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = fields.get(b"content-length")
        size = self._chunks(rest) if length is None else self._all(int(length), len(rest))
        self._used_s = time.monotonic()
        return size

    def _head(self) -> tuple[bytes, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(65_536)
        head, _, rest = received.partition(b"\r\n\r\n")
        return head, rest

    def _all(self, length: int, have: int) -> int:
        while have < length:
            have += self._into(length - have)
        return length

    def _chunks(self, ahead: bytes) -> int:
        """Read chunk by chunk, up to the empty one (RFC 9112, 7.1); `ahead` has been received already."""
        total = 0
        while True:
            while b"\r\n" not in ahead:
                ahead += self._more(64)
            size, _, ahead = ahead.partition(b"\r\n")
            length = int(size, 16) + 2
            self._all(length, min(length, len(ahead)))
            ahead = ahead[length:]
            total += length - 2
            if length == 2:
                return total

    def _more(self, most: int) -> bytes:
        received = self._socket.recv(most)
        assert received, "the service ended the connection"
        return received

    def _into(self, most: int) -> int:
        received = self._socket.recv_into(self._piece, min(most, PIECE_BYTES))
        assert received, "the service ended the connection"
        return received
