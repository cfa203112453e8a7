"""A Modbus TCP server for benchmarks: hardly any work for each answer. Prints its port, ends with its input."""

import asyncio
import sys


class Responder(asyncio.Protocol):
    """Answers every read of registers with registers that count up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            size = 6 + int.from_bytes(data[4:6], "big")
            count = int.from_bytes(data[10:12], "big")
            head = data[:4] + (3 + 2 * count).to_bytes(2, "big") + data[6:8] + bytes([2 * count])
            self._transport.write(head + WORDS[: 2 * count])  # type: ignore[attr-defined]
            data = data[size:]


WORDS = bytes(range(250))


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Responder, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    gone = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), lambda: gone.done() or gone.set_result(None))
    await gone


if __name__ == "__main__":
    asyncio.run(main())
