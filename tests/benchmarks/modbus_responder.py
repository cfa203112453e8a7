"""A Modbus TCP server for benchmarks: hardly any work for each answer. Prints its port, ends with its input.

Arguments: on how many addresses from 127.0.0.1 on it listens, and how many milliseconds each answer takes.
"""

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
            answer = head + WORDS[: 2 * count]
            if DELAY_S:
                asyncio.get_running_loop().call_later(DELAY_S, self._transport.write, answer)  # type: ignore[attr-defined]
            else:
                self._transport.write(answer)  # type: ignore[attr-defined]
            data = data[size:]


ADDRESSES, DELAY_MS = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (1, 0)
DELAY_S = DELAY_MS / 1000
WORDS = bytes(range(250))


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Responder, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    others = [f"127.0.0.{number}" for number in range(2, ADDRESSES + 1)]
    also = await loop.create_server(Responder, others, port) if others else None
    print(port, flush=True)
    gone = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), lambda: gone.done() or gone.set_result(None))
    await gone
    if also is not None:
        also.close()


if __name__ == "__main__":
    asyncio.run(main())
