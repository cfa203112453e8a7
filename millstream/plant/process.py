"""The plant as a process: steps the hall by the clock and shows it on both servers until it is told to stop."""

import asyncio
import json
import logging
import random
import signal
import socket
import time
from dataclasses import dataclass, replace

from millstream.plant.cooling import FULL_PRESSURE_BAR
from millstream.plant.hall import STEP_S, Hall, advance, new_hall
from millstream.plant.modbus_server import PlantModbusServer
from millstream.plant.opcua_server import PlantOpcuaServer
from millstream.plant.tags import Reading, modbus_devices, opcua_tags

TICK_S = 0.25
# After a long stop (a suspended machine) the hall goes on from where it was instead of catching up for ever.
_MOST_STEPS = 3_000


@dataclass(frozen=True, slots=True)
class PlantOptions:
    """What the command line asks for; port 0 takes a free one."""

    opcua_port: int = 0
    modbus_port: int = 0
    seed: int = 1
    speed: float = 1.0


def run(options: PlantOptions) -> int:
    """Run until SIGTERM or Ctrl-C; one JSON line says where the servers are once they answer."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    asyncio.run(_serve(options))
    return 0


async def _serve(options: PlantOptions) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    plant = Plant(options)
    await plant.start()
    print(json.dumps({"opcua": plant.opcua.url, "modbus": plant.modbus.url}), flush=True)
    try:
        await plant.live(stopped)
    finally:
        await plant.stop()


class Plant:
    """The hall and its two servers."""

    def __init__(self, options: PlantOptions) -> None:
        self.opcua = PlantOpcuaServer(options.opcua_port or _free_port())
        self.modbus = PlantModbusServer(options.modbus_port or _free_port(), self._obey)
        self._speed = options.speed
        self._hall: Hall = new_hall(options.seed)
        self._process_noise = random.Random(f"process {options.seed}")
        self._sensor_noise = random.Random(f"sensors {options.seed}")

    async def start(self) -> None:
        """Build both servers, show the first readings, listen."""
        await self.opcua.prepare()
        await self._show()
        await self.opcua.listen()
        await self.modbus.start()

    async def live(self, stopped: asyncio.Event) -> None:
        """Step and show, several times a second."""
        began, taken = time.monotonic(), 0
        while not stopped.is_set():
            wanted = int((time.monotonic() - began) * self._speed / STEP_S)
            for _ in range(min(wanted - taken, _MOST_STEPS)):
                self._hall = advance(self._hall, STEP_S, self._process_noise)
            taken = wanted
            await self._show()
            try:
                await asyncio.wait_for(stopped.wait(), TICK_S)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Close both servers."""
        await self.modbus.stop()
        await self.opcua.stop()

    async def _show(self) -> None:
        hall, noise = self._hall, self._sensor_noise
        await self.opcua.show([tag.tag.measure(hall, noise) for tag in opcua_tags()], time.time_ns() // 1_000)
        readings: dict[str, Reading] = {
            register.tag.name: register.tag.measure(hall, noise)
            for device in modbus_devices()
            for register in device.registers
        }
        self.modbus.show(readings)

    def _obey(self, name: str, number: float) -> bool:
        """Somebody wrote a register: the pump's switch and its setpoint are the only ones that can be."""
        water = self._hall.water
        if name == "pump/enable":
            water = replace(water, is_enabled=bool(number))
        elif name == "supply/setpoint" and 0.0 <= number <= FULL_PRESSURE_BAR:
            water = replace(water, setpoint_bar=number)
        else:
            return False
        self._hall = replace(self._hall, water=water)
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
