"""Why something is missing and who is to blame, as far as there is evidence (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud_api.completeness.stretches import Stretch, Stretches, clip, intersect, length_us, subtract, union
from schemas.batch import GapReason


class Blame(StrEnum):
    """The part of the path at whose door a hole lies."""

    DEVICE = "device"
    LINE = "line"
    AGENT = "agent"
    BROKER = "broker"
    DATABASE = "database"
    CLOUD = "cloud"


class Reason(StrEnum):
    """Reasons of ours, beside those that agents give."""

    NOT_REPORTED = "not_reported"
    REJECTED = "rejected"
    IN_OUTBOX = "in_outbox"
    AGENT_OFFLINE = "agent_offline"
    NOT_ARRIVED = "not_arrived"
    SOURCE_SAYS_NOTHING = "source_says_nothing"


_BLAMED: Mapping[str, Blame] = {
    GapReason.DEVICE_UNREACHABLE: Blame.DEVICE,
    GapReason.SOURCE_OVERFLOW: Blame.DEVICE,
    GapReason.SAMPLE_TOO_LARGE: Blame.DEVICE,
    GapReason.SCAN_OVERRUN: Blame.LINE,
}
# What the outbox gave up, it gave up because nothing was acknowledged for too long.
_GIVEN_UP = frozenset({GapReason.OUTBOX_FULL.value, GapReason.OUTBOX_EXPIRED.value})


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch that is missing; nobody is blamed without evidence."""

    from_us: int
    to_us: int
    reason: str
    blame: Blame | None

    @property
    def stretch(self) -> Stretch:
        """From and to."""
        return self.from_us, self.to_us


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap as an agent declared it: of the whole agent, of a device, or of single wire paths."""

    device: str | None
    paths: frozenset[str] | None
    from_us: int
    to_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which a part of the cloud did not work; `to_us` is None while it lasts."""

    part: Blame
    from_us: int
    to_us: int | None


def device_holes(
    gaps: Sequence[Gap], device: str | None, devices: Sequence[str], outages: Sequence[Outage]
) -> list[Hole]:
    """What is missing of every series of a device, ascending and without overlaps; the earliest declaration counts."""
    common = _all_unreachable(gaps, devices)
    held: Stretches = []
    holes: list[Hole] = []
    mine = (gap for gap in gaps if gap.paths is None and gap.device in {None, device})
    for gap in sorted(mine, key=lambda gap: (gap.from_us, gap.to_us)):
        for piece in subtract([(gap.from_us, gap.to_us)], held):
            holes += _blamed(gap.reason, piece, common, outages)
        held = union([*held, (gap.from_us, gap.to_us)])
    return sorted(holes, key=lambda hole: hole.from_us)


def add_path_gaps(
    holes: Sequence[Hole], gaps: Iterable[Gap], source_path: str, outages: Sequence[Outage]
) -> list[Hole]:
    """The same with the gaps of one wire path."""
    held = union(hole.stretch for hole in holes)
    added = list(holes)
    for gap in gaps:
        if gap.paths is not None and source_path in gap.paths:
            for piece in subtract([(gap.from_us, gap.to_us)], held):
                added += _blamed(gap.reason, piece, [], outages)
            held = union([*held, (gap.from_us, gap.to_us)])
    return sorted(added, key=lambda hole: hole.from_us)


def tail_hole(window: Stretch, offline_since_us: int | None, outages: Sequence[Outage]) -> Hole:
    """Why nothing is known of a stretch behind the last `until`: a part that is down now, or an agent that is away."""
    for outage in outages:
        if outage.to_us is None:
            return Hole(*window, f"{outage.part}_down", outage.part)
    if offline_since_us is not None:
        return Hole(*window, Reason.AGENT_OFFLINE, Blame.AGENT)
    return Hole(*window, Reason.NOT_ARRIVED, None)


def _all_unreachable(gaps: Sequence[Gap], devices: Sequence[str]) -> Stretches:
    """When every device of an agent was unreachable at once: the line between them and it was down."""
    if len(devices) < 2:
        return []
    lost: dict[str, Stretches] = {device: [] for device in devices}
    for gap in gaps:
        if gap.reason == GapReason.DEVICE_UNREACHABLE and gap.device in lost:
            lost[gap.device].append((gap.from_us, gap.to_us))
    first, *others = lost.values()
    common = union(first)
    for other in others:
        common = intersect(common, union(other))
    return common


def _blamed(reason: str, piece: Stretch, common: Stretches, outages: Sequence[Outage]) -> list[Hole]:
    if reason == GapReason.DEVICE_UNREACHABLE and common:
        line = [Hole(*part, reason, Blame.LINE) for part in clip(common, piece)]
        return line + [Hole(*part, reason, Blame.DEVICE) for part in subtract([piece], common)]
    if reason in _GIVEN_UP:
        return [Hole(*piece, reason, _who_was_down(piece, outages))]
    return [Hole(*piece, reason, _BLAMED.get(reason, Blame.AGENT))]


def _who_was_down(piece: Stretch, outages: Sequence[Outage]) -> Blame:
    """The part whose outage overlaps most with what was given up; the agent where there was none."""
    ends = ((outage.part, (outage.from_us, piece[1] if outage.to_us is None else outage.to_us)) for outage in outages)
    overlaps = [(length_us(clip([stretch], piece)), part) for part, stretch in ends if stretch[0] < stretch[1]]
    longest, part = max(overlaps, default=(0, Blame.AGENT), key=lambda overlap: overlap[0])
    return part if longest else Blame.AGENT
