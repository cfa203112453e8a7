"""What to ask for one poll: planned blocks with their requests and decoders, and what the device refused before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.contract import PlannedRequest
from connectors.errors import ConfigInvalid
from connectors.modbus.cost import Cost, is_worth_it
from connectors.modbus.decode import Decoder, bit_decoder, register_decoder
from connectors.modbus.pdu import Request, read_request
from connectors.modbus.place import ModbusPlace, refuse_several
from connectors.modbus.read_plan import Area, Block, Hole, Span, plan
from connectors.modbus.settings import ModbusSettings


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One block, ready to be sent and decoded; `points` in the order of their addresses."""

    points: tuple[int, ...]
    request: Request
    decoder: Decoder


@dataclass(frozen=True, slots=True)
class Schedule:
    """One poll of a group of points."""

    reads: tuple[PlannedRead, ...]
    refused: Mapping[int, int]
    """Points that are not asked for, with the status that says why."""
    blocks: Sequence[Block] = ()


@dataclass(slots=True)
class Refusals:
    """What the device taught us: seams that no request may cross, and points that it does not have."""

    seams: set[Hole] = field(default_factory=set[Hole])
    points: dict[int, int] = field(default_factory=dict[int, int])
    failing: set[int] = field(default_factory=set[int])
    """Points that fail inside the device: they are still asked for, each alone, so that they spoil no other."""


class Scheduler:
    """Plans polls of one device's points and keeps the plans until the device teaches something new."""

    def __init__(self, config: ModbusSettings, points: Sequence[ModbusPlace]) -> None:
        refuse_several(points)
        self._limits = config.limits
        self._is_gap_fixed = config.max_gap is not None
        self._counts = [point.count or 0 for point in points]
        self._spans = [point.span for point in points]
        self._fields = [point.field(config.order) for point in points]
        self._refusals = Refusals()
        self._schedules: dict[tuple[int, ...], Schedule] = {}
        _check_widths(config, points)

    def schedule(self, points: tuple[int, ...]) -> Schedule:
        """The reads that serve these points."""
        known = self._schedules.get(points)
        if known is None:
            known = self._schedules[points] = self._plan(points)
        return known

    def read_of(self, points: Sequence[int]) -> PlannedRead:
        """One read that covers all of these points, which lie in one area."""
        spans = [self._spans[point] for point in points]
        area, first = spans[0].area, min(span.first for span in spans)
        count = max(span.last for span in spans) - first + 1
        return PlannedRead(tuple(points), read_request(area, first, count), self._decoder(area, first, points))

    def halves(self, points: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
        """Cut a refused read in two, at the widest gap of its middle: unused addresses are refused most often."""
        most = len(points) // 2
        middle = range(max(1, len(points) // 4), max(1, len(points) // 4) + max(1, most))
        cut = max(middle, key=lambda index: (self._gap(points[index - 1], points[index]), -abs(index - most)))
        return points[:cut], points[cut:]

    def learn_seam(self, left: Sequence[int], right: Sequence[int]) -> None:
        """The device answers for both groups of points, but not for both in one read."""
        last_before = max(self._spans[point].last for point in left)
        first, last = self._spans[right[0]].first, max(self._spans[point].last for point in right)
        is_apart = last_before < first
        seam = (last_before, first) if is_apart else (self._spans[left[0]].first, max(last_before, last))
        self._refusals.seams.add(Hole(self._spans[left[0]].area, *seam))
        self._schedules.clear()

    def learn_refused(self, point: int, status: int) -> None:
        """The device does not have this point."""
        self._refusals.points[point] = status
        self._schedules.clear()

    def learn_failing(self, point: int) -> bool:
        """The device has this point, but fails to tell its value; tells whether that is new."""
        is_new = point not in self._refusals.failing
        if is_new:
            self._refusals.failing.add(point)
            self._schedules.clear()
        return is_new

    def forget_refused(self) -> None:
        """Ask for every point again: the device may have got another program."""
        if self._refusals.points or self._refusals.failing:
            self._refusals.points.clear()
            self._refusals.failing.clear()
            self._schedules.clear()

    def adapt(self, cost: Cost) -> int:
        """Make the plans anew where requests have become dearer or cheaper and it pays; tells how many."""
        before = self._limits.max_gap
        gap = before if self._is_gap_fixed else cost.gap_from(before)
        if gap == before:
            return 0
        self._limits = replace(self._limits, max_gap=gap)
        remade = 0
        for points, known in list(self._schedules.items()):
            planned = self._plan(points)
            if is_worth_it(known.blocks, planned.blocks, cost):
                self._schedules[points] = planned
                remade += 1
        return remade

    def describe(self, groups: Sequence[Sequence[int]]) -> list[PlannedRequest]:
        """The requests of each group, in words."""
        return [
            _describe(block, [self._spans[point] for point in group])
            for group in groups
            for block in self.blocks(group)
        ]

    def blocks(self, points: Sequence[int]) -> Sequence[Block]:
        """The requests that serve these points; a block's members are positions in `points`."""
        failing = {at: self._spans[point] for at, point in enumerate(points) if point in self._refusals.failing}
        asked = [at for at in range(len(points)) if at not in failing]
        unread = [self._spans[point] for point in (*self._refusals.points, *self._refusals.failing)]
        holes = [*self._refusals.seams, *(Hole(span.area, span.first, span.last) for span in unread)]
        blocks = plan([self._spans[points[at]] for at in asked], self._limits, holes)
        alone = (
            Block(span.area, span.first, span.count, tuple(at for at, of in failing.items() if of == span))
            for span in sorted(set(failing.values()))
        )
        return [*(replace(block, members=tuple(asked[at] for at in block.members)) for block in blocks), *alone]

    def _plan(self, points: tuple[int, ...]) -> Schedule:
        refused = {point: self._refusals.points[point] for point in points if point in self._refusals.points}
        asked = [point for point in points if point not in refused]
        blocks = self.blocks(asked)
        reads = (
            PlannedRead(
                members := tuple(asked[member] for member in block.members),
                read_request(block.area, block.first, block.count),
                self._decoder(block.area, block.first, members),
            )
            for block in blocks
        )
        return Schedule(tuple(reads), refused, blocks)

    def _decoder(self, area: Area, first: int, points: Sequence[int]) -> Decoder:
        offsets = [self._spans[point].first - first for point in points]
        if area.is_bits:
            return bit_decoder(offsets, [self._counts[point] for point in points])
        return register_decoder([(offset, self._fields[point]) for offset, point in zip(offsets, points, strict=True)])

    def _gap(self, left: int, right: int) -> int:
        return self._spans[right].first - self._spans[left].last


def describe_plan(
    config: ModbusSettings, points: Sequence[ModbusPlace], groups: Sequence[Sequence[int]]
) -> list[PlannedRequest]:
    """The requests of each group of points, before the device has taught anything."""
    return Scheduler(config, points).describe(groups)


def _check_widths(config: ModbusSettings, points: Sequence[ModbusPlace]) -> None:
    problems = [
        f"point {index} ({point.address!r}, {point.word_type}) takes {point.span.count} "
        + (
            f"bits in one read; allowed: up to max_bits = {config.max_bits}"
            if point.area.is_bits
            else f"registers in one read; allowed: up to max_registers = {config.max_registers}"
        )
        for index, point in enumerate(points)
        if point.span.count > (config.max_bits if point.area.is_bits else config.max_registers)
    ]
    if problems:
        raise ConfigInvalid("\n".join(problems))


def _describe(block: Block, spans: Sequence[Span]) -> PlannedRequest:
    used = {address for member in block.members for address in range(spans[member].first, spans[member].last + 1)}
    noun = ("bit" if block.area.is_bits else "register") + ("" if block.count == 1 else "s")
    unused = block.count - len(used)
    text = f"{block.area} {block.first}..{block.last}: {block.count} {noun}" + (f", {unused} unused" if unused else "")
    return PlannedRequest(text, len(block.members))
