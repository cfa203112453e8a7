"""A Modbus TCP device for the latency benchmark: a probe changes by its own clock, all other registers at every read.

    python changing_registers.py --log changes.txt

Registers 0 to 3 are the probe, an unsigned 64-bit number, high word first; it counts up after 150 to 250 ms, at random,
and each change is a line of the log: "<count> <microseconds since 1970>". Prints its port, ends with its input.
"""

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path
from typing import TextIO

PROBE_REGISTERS = 4


class State:
    """What the registers hold now."""

    def __init__(self) -> None:
        self.probe = 0
        self.reads = 0

    def words(self, first: int, count: int) -> bytes:
        """The registers of one read, as they travel."""
        self.reads = (self.reads + 1) & 0xFFFF
        probe = self.probe.to_bytes(8, "big")
        words = [
            probe[2 * at : 2 * at + 2] if at < PROBE_REGISTERS else ((at + self.reads) & 0xFFFF).to_bytes(2, "big")
            for at in range(first, first + count)
        ]
        return b"".join(words)


class Responder(asyncio.Protocol):
    """Answers every read of registers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            size = 6 + int.from_bytes(data[4:6], "big")
            first, count = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
            head = data[:4] + (3 + 2 * count).to_bytes(2, "big") + data[6:8] + bytes([2 * count])
            self._transport.write(head + self._state.words(first, count))
            data = data[size:]


async def change(state: State, log: TextIO) -> None:
    """Let the probe change for ever."""
    chance = random.Random(1)
    while True:
        await asyncio.sleep(chance.uniform(0.15, 0.25))
        state.probe += 1
        log.write(f"{state.probe} {time.time_ns() // 1000}\n")
        log.flush()


async def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    state = State()
    loop = asyncio.get_running_loop()
    with parser.parse_args().log.open("w") as log:
        server = await loop.create_server(lambda: Responder(state), "127.0.0.1", 0)
        changing = asyncio.create_task(change(state, log))
        print(server.sockets[0].getsockname()[1], flush=True)
        gone: asyncio.Future[None] = loop.create_future()
        loop.add_reader(sys.stdin.fileno(), lambda: gone.done() or gone.set_result(None))
        await gone
        changing.cancel()


if __name__ == "__main__":
    asyncio.run(main())
