"""A recorded unit on the desk: a Modbus TCP device on loopback that answers as the real one did."""

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress

from connectors.contract import Exchange, ReplayOptions
from connectors.modbus.played import Played, Reaction

LONGEST_PDU = 253


async def replay(recording: Sequence[Exchange], options: ReplayOptions) -> None:
    """Serve until cancelled; raises OSError where the port is taken."""
    played = Played(recording)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            serving.add(task)
            task.add_done_callback(serving.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _serve(played, options.speed, reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", options.port)
    try:
        options.is_ready(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.get_running_loop().create_future()
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _serve(played: Played, speed: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one client in turn, until it or the recording hangs up."""
    while True:
        transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        if protocol != 0 or not 2 <= length <= LONGEST_PDU + 1:
            return
        question = await reader.readexactly(length - 1)
        outcome = played.outcome(unit, question)
        if outcome.reaction is Reaction.SILENCE:
            continue
        await asyncio.sleep(outcome.took_us / 1_000_000 / speed)
        if outcome.reaction is Reaction.HANG_UP:
            return
        writer.write(struct.pack(">HHHB", transaction, 0, len(outcome.answer) + 1, unit) + outcome.answer)
        await writer.drain()
