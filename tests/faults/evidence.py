"""Compares what a device sent with what is stored: every count once, or inside a gap no wider than it may be."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from tests.fixtures.modbus_plc import Answer
from tests.fixtures.processes import Child, wait_until
from tests.fixtures.stack import GapRow, Row, ScannedDevice, Stack

SECOND_US = 1_000_000
CLOCK_US = 50_000
"""The device notes the time before and after it sends, the agent the arrival: they may differ by a hand-over."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The agent was killed at one instant; the device's first answer after its start came at the other."""

    from_us: int
    to_us: int


@dataclass(slots=True)
class Verdict:
    """What is wrong; all empty when nothing is."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    dishonest: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to complain about."""
        return not (self.missing or self.doubled or self.invented or self.dishonest or self.gaps)

    @property
    def is_true(self) -> bool:
        """Whether what is stored is all that was sent, once, as it was; gaps may say more than they must."""
        return not (self.missing or self.doubled or self.invented or self.dishonest)

    def add(self, other: "Verdict") -> None:
        """Take over what is wrong elsewhere."""
        for kind in fields(self):
            getattr(self, kind.name).extend(getattr(other, kind.name))

    def __str__(self) -> str:
        """Show the first of each kind."""
        parts = {
            "missing": self.missing,
            "doubled": self.doubled,
            "invented": self.invented,
            "dishonest": self.dishonest,
            "gaps": self.gaps,
        }
        return "\n".join(f"{name}: {len(found)}: {'; '.join(found[:8])}" for name, found in parts.items() if found)


def judge_counts(
    device: str, paths: Mapping[int, str], answers: Sequence[Answer], rows: Sequence[Row], gaps: Sequence[GapRow]
) -> Verdict:
    """Hold one device's log against its rows and gaps."""
    verdict = Verdict()
    own_gaps = [gap for gap in gaps if gap.device in {None, device}]
    for counter, path in paths.items():
        sent = {answer.count: answer for answer in answers if answer.counter == counter}
        stored = [row for row in rows if row.path == path and row.value is not None]
        times = {int(row.value): row.time_us for row in stored if row.value is not None}
        verdict.doubled += [f"{path} {n} ({k} times)" for n, k in Counter(row.value for row in stored).items() if k > 1]
        verdict.invented += [f"{path} {count}" for count in times.keys() - sent.keys()]
        for count, answer in sent.items():
            if count not in times:
                if not any(is_covered(answer, path, gap) for gap in own_gaps):
                    verdict.missing.append(f"{path} {count} sent at {answer.sent_us}")
            elif not answer.before_us - CLOCK_US <= times[count] <= answer.sent_us + 5 * SECOND_US:
                verdict.dishonest.append(f"{path} {count} sent at {answer.sent_us} says {times[count]}")
        verdict.dishonest += [f"{path} {row}" for row in stored if row.status < 0]
    verdict.gaps += gaps_over_rows(own_gaps, rows, set(paths.values()))
    return verdict


def is_covered(answer: Answer, path: str, gap: GapRow) -> bool:
    """Whether a gap accounts for a count."""
    if gap.paths is not None and path not in gap.paths:
        return False
    return gap.from_us <= answer.sent_us + CLOCK_US and answer.before_us - CLOCK_US <= gap.to_us


def gaps_over_rows(gaps: Sequence[GapRow], rows: Sequence[Row], paths: set[str]) -> list[str]:
    """Gaps that claim a stretch in which something was stored after all."""
    found: list[str] = []
    for gap in gaps:
        inside = [
            row
            for row in rows
            if row.path in paths and row.value is not None and gap.from_us < row.time_us < gap.to_us
            if gap.paths is None or row.path in gap.paths
        ]
        if inside:
            found.append(f"{gap} covers {len(inside)} stored samples, the first {inside[0]}")
    return found


def gaps_beyond(gaps: Sequence[GapRow], outages: Sequence[Outage], allowance_us: int = SECOND_US) -> list[str]:
    """Gaps that cover more than the allowance beyond the agent's own outages."""
    found: list[str] = []
    apart = merged(outages)
    for gap in gaps:
        explained = sum(max(0, min(gap.to_us, o.to_us) - max(gap.from_us, o.from_us)) for o in apart)
        beyond = gap.to_us - gap.from_us - explained
        if beyond > allowance_us:
            found.append(f"{gap} covers {beyond / SECOND_US:.3f} s beyond the agent's downtime")
    return found


def merged(outages: Sequence[Outage]) -> list[Outage]:
    """The same stretches without overlaps: a second kill may come before the device was asked again."""
    apart: list[Outage] = []
    for outage in sorted(outages, key=lambda each: each.from_us):
        if apart and outage.from_us <= apart[-1].to_us:
            apart[-1] = Outage(apart[-1].from_us, max(apart[-1].to_us, outage.to_us))
        else:
            apart.append(outage)
    return apart


def judge_agent(
    devices: Sequence[ScannedDevice], sent: Mapping[str, Sequence[Answer]], stack: Stack, agent: str
) -> Verdict:
    """Hold the logs of an agent's devices, as they were read before, against what is stored now."""
    rows, gaps = stack.rows(agent), stack.gaps(agent)
    total = Verdict()
    for device in devices:
        paths = {counter: device.path(counter) for counter in range(len(device.scans))}
        answers = sent[device.name]
        newest = {path: max((a.count for a in answers if a.counter == c), default=0) for c, path in paths.items()}
        known = [row for row in rows if row.value is None or row.value <= newest.get(row.path, 0)]
        total.add(judge_counts(device.name, paths, answers, known, gaps))
    return total


def wait_for_all(stack: Stack, agent: str, devices: Sequence[ScannedDevice], patience_s: float = 90.0) -> Verdict:
    """The verdict on what the devices have sent until now, once the cloud has had time to get it."""
    sent = {device.name: device.device.answers() for device in devices}
    deadline = time.monotonic() + patience_s
    while True:
        verdict = judge_agent(devices, sent, stack, agent)
        if not verdict.missing or time.monotonic() > deadline:
            return verdict
        time.sleep(0.3)


def wait_for_answers(devices: Sequence[ScannedDevice], more: int = 10, told_by: Child | None = None) -> None:
    """Wait until each device has sent so many more answers; a child's output explains why they do not come."""
    before = [len(device.device.answers()) for device in devices]

    def have_come() -> bool:
        return all(len(d.device.answers()) >= n + more for d, n in zip(devices, before, strict=True))

    what = f"{more} more answers of each device"
    if told_by is None:
        wait_until(have_come, what)
    else:
        told_by.wait_for(have_come, what)
