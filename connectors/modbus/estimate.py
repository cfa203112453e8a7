"""Whether the polls of a device will fit: the time of each cycle from baud rate, latency and plan (pure)."""

from collections.abc import Sequence

from connectors.contract import Load
from connectors.modbus.link import Framing, advice_of
from connectors.modbus.place import ModbusPlace
from connectors.modbus.schedule import Scheduler
from connectors.modbus.settings import ASSUMED_LATENCY_S, ModbusSettings

FASTER_BAUDS = (19200, 38400, 57600, 115200)


def estimate(config: ModbusSettings, points: Sequence[ModbusPlace], groups: Sequence[Sequence[int]]) -> Load:
    """What each group's poll costs the line to this device."""
    remedies = [
        (f"baud = {baud}", _cycles(config.but(baud=baud), points, groups))
        for baud in FASTER_BAUDS
        if _baud(config) is not None and baud > (_baud(config) or 0)
    ]
    if config.close_after_cycle:
        kept = config.but(close_after_cycle=False)
        remedies.append(("close_after_cycle = false", _cycles(kept, points, groups)))
    return Load(str(config.target), _cycles(config, points, groups), _basis(config), tuple(remedies), config.terms)


def advise(config: ModbusSettings) -> Sequence[str]:
    """What works but had better be written otherwise."""
    return advice_of(config.target)


def _cycles(config: ModbusSettings, points: Sequence[ModbusPlace], groups: Sequence[Sequence[int]]) -> list[float]:
    scheduler, cost = Scheduler(config, points), config.cost
    connecting_s = cost.request_s + config.connect_pause if config.close_after_cycle else 0.0
    cycles: list[float] = []
    for group in groups:
        blocks = scheduler.blocks(group)
        at_once = max(1, min(config.outstanding, len(blocks)))
        cycles.append(connecting_s + cost.seconds(blocks) / at_once)
    return cycles


def _baud(config: ModbusSettings) -> int | None:
    if config.framing is Framing.TCP:
        return config.baud
    return config.baud or 19200


def _basis(config: ModbusSettings) -> str:
    latency_ms = 1000 * (ASSUMED_LATENCY_S if config.latency is None else config.latency)
    said = "as configured" if config.latency is not None else "assumed"
    speed = "" if _baud(config) is None else f"{_baud(config)} baud{'' if config.baud else ' assumed'}, "
    return f"{speed}{latency_ms:g} ms an answer {said}"
