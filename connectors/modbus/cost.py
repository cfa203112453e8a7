"""What a request costs beside a register: the weights of the plan, from baud rate and measured latency (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from connectors.modbus.link import ASCII_BITS_A_CHARACTER, RTU_BITS_A_CHARACTER, Framing, Link
from connectors.modbus.read_plan import BITS_PER_REGISTER, Block

STEPS = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 125)
"""The gaps that a plan is made for: a latency that wavers by a little does not make another plan."""
HYSTERESIS = 1.25
WEIGHT = 0.125
"""The share of the newest answer in the moving estimate."""
NETWORK_REGISTER_S = 2e-6
"""On a network a register costs next to nothing: two bytes of it, and our own work."""
ASSUMED_BAUD = 19200
"""Of a line behind a serial server whose configuration does not say it."""
WORTH_REPLANNING = 0.9


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the line for a request whatever its length, and for each register of its answer."""

    request_s: float
    register_s: float

    @property
    def gap(self) -> int:
        """So many registers read in vain cost as much as one more request."""
        return max(step for step in STEPS if step <= self.request_s / self.register_s)

    def gap_from(self, before: int) -> int:
        """The same, but the one of before as long as it is nearly right."""
        exact = min(self.request_s / self.register_s, float(STEPS[-1]))
        above = next((step for step in STEPS if step > before), before + 1)
        return before if before / HYSTERESIS <= exact <= above * HYSTERESIS else self.gap

    def observed(self, seconds: float, registers: int) -> "Cost":
        """The moving estimate after one more answer of so many registers has taken so long."""
        alone_s = max(0.0, seconds - registers * self.register_s)
        return replace(self, request_s=self.request_s + WEIGHT * (alone_s - self.request_s))

    def seconds(self, blocks: Iterable[Block]) -> float:
        """How long these requests take one after the other."""
        return sum(self.request_s + registers_of(block) * self.register_s for block in blocks)


def registers_of(block: Block) -> float:
    """A block's length as the line sees it."""
    return block.count / BITS_PER_REGISTER if block.area.is_bits else block.count


def cost_of(link: Link, baud: int | None, latency_s: float) -> Cost:
    """What is known before anything was asked: characters of the frames on a serial line, else the latency."""
    pause_s = link.quirks.request_pause_s
    framing = link.target.framing
    if framing is Framing.TCP and baud is None:
        return Cost(latency_s + pause_s, NETWORK_REGISTER_S)
    speed = baud or (link.serial.baud if link.serial is not None else ASSUMED_BAUD)
    if framing is Framing.ASCII:
        character_s = ASCII_BITS_A_CHARACTER / speed
        return Cost(latency_s + pause_s + (17 + 11) * character_s, 4 * character_s)
    character_s = RTU_BITS_A_CHARACTER / speed
    return Cost(latency_s + pause_s + (8 + 5 + 7) * character_s, 2 * character_s)


def is_worth_it(before: Iterable[Block], after: Iterable[Block], cost: Cost) -> bool:
    """Whether another plan saves enough to change over to it."""
    return cost.seconds(after) <= WORTH_REPLANNING * cost.seconds(before)
