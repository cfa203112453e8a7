"""The ports of the demonstration: asked for, free, or said clearly why not."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from millstream.demo.options import DemoOptions
from millstream.demo.screen import refuse
from millstream.language import Words


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each listener will be, all on loopback."""

    api: int
    console: int
    mqtt: int
    opcua: int
    modbus: int


def choose_ports(options: DemoOptions, text: Words) -> Ports | None:
    """The ports to use; none when one cannot be had, after having said so for each of them."""
    asked = _asked(options)
    if not _all_free(asked, text):
        return None
    taken: set[int] = set(asked.values())
    chosen = [port or _free_port(taken) for port in asked.values()]
    return Ports(*chosen)


def are_ports(options: DemoOptions, text: Words) -> bool:
    """Whether the numbers asked for can be ports at all; says which cannot."""
    wrong = {option: port for option, port in _asked(options).items() if not 0 <= port <= 65_535}
    for option, port in wrong.items():
        refuse(text, "trouble.port_range", option=option, value=port)
    return not wrong


def _asked(options: DemoOptions) -> dict[str, int]:
    return {
        "--port": options.port,
        "--console-port": options.console_port,
        "--mqtt-port": options.mqtt_port,
        "--opcua-port": options.opcua_port,
        "--modbus-port": options.modbus_port,
    }


def _all_free(asked: Mapping[str, int], text: Words) -> bool:
    is_usable = True
    seen: set[int] = set()
    for option, port in asked.items():
        if port and (port in seen or not _is_free(port)):
            refuse(text, "trouble.port_taken", port=port, option=option)
            is_usable = False
        seen.add(port)
    return is_usable


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do it: connections of an earlier run that linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port(taken: set[int]) -> int:
    """A port that nobody uses, and that no other listener of ours has been given."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            taken.add(port)
            return port
