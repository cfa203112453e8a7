"""Groups of plans that wait for the same devices: they share a cursor, the joint `until` of their inputs (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cloud_api.alarms.evaluation.engine import ALLOWED_LATENESS_US
from cloud_api.alarms.evaluation.roster import Entry, Key

Device: TypeAlias = tuple[str, str | None]
# A leader that was away catches up in steps of this, so that no step needs much memory.
LONGEST_STEP_US = 60_000_000


@dataclass(slots=True)
class Group:
    """Entries whose inputs are on the same devices."""

    name: str
    devices: frozenset[Device]
    keys: list[Key] = field(default_factory=list[Key])
    series: set[int] = field(default_factory=set[int])


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a group can be evaluated: the joint `until` of its inputs, or further by the clock."""

    until_us: int | None
    to_us: int

    @property
    def is_by_clock(self) -> bool:
        """Whether the clock reaches further than what the devices said."""
        return self.until_us is None or self.to_us > self.until_us


def group_entries(
    entries: Mapping[Key, Entry], devices_of: Mapping[int, Device], series_of: Mapping[Key, Iterable[int]]
) -> dict[str, Group]:
    """Sort entries by the devices of their inputs."""
    groups: dict[str, Group] = {}
    for key in entries:
        series = set(series_of[key])
        devices = frozenset(devices_of[each] for each in series if each in devices_of)
        name = group_name(devices)
        group = groups.setdefault(name, Group(name, devices))
        group.keys.append(key)
        group.series |= series
    return groups


def group_name(devices: Iterable[Device]) -> str:
    """Name a set of devices."""
    return "\n".join(sorted(f"{agent}\t{device or ''}" for agent, device in devices))


def reach_of(
    group: Group, untils: Mapping[tuple[str, str], int], now_us: int, *, is_ingest_steady: bool
) -> Reach | None:
    """How far the group can be evaluated now; None while nothing can be said.

    The clock counts only where somebody listens: while ingest is away, silence says nothing of the agents.
    """
    known = [None if device is None else untils.get((agent, device)) for agent, device in group.devices]
    joint = None if not known or None in known else min(each for each in known if each is not None)
    if joint is not None:
        joint = min(joint, now_us)
    by_clock = now_us - ALLOWED_LATENESS_US if is_ingest_steady else None
    if joint is None and by_clock is None:
        return None
    return Reach(joint, max(each for each in (joint, by_clock) if each is not None))


def step_of(cursor_us: int, reach: Reach) -> Reach:
    """The next step from a cursor towards its reach."""
    to_us = min(reach.to_us, cursor_us + LONGEST_STEP_US)
    return Reach(None if reach.until_us is None else min(reach.until_us, to_us), to_us)
