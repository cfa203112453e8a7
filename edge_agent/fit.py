"""Will it fit? What the polls of all devices ask of each line, and what to change where that is too much (pure)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.contract import Load

TIGHT_SHARE = 0.8
"""Above this a retry or a slow answer already makes a scan late."""


class Verdict(StrEnum):
    """Whether a line can bear what is asked of it."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_MUCH = "does not fit"


@dataclass(frozen=True, slots=True)
class Polling:
    """The polls of one device: how long each of its scan classes keeps the line busy, and how often."""

    device: str
    load: Load
    periods_s: Sequence[float]

    def share(self, remedy: str | None = None) -> float:
        """The part of the line's time that this device needs, as it is or with a remedy."""
        cycles = dict(self.load.remedies).get(remedy or "", self.load.cycles_s)
        return sum(cycle / period for cycle, period in zip(cycles, self.periods_s, strict=True))


@dataclass(frozen=True, slots=True)
class LineUse:
    """What is asked of one line."""

    line: str
    devices: tuple[str, ...]
    share: float
    verdict: Verdict
    advice: tuple[str, ...]

    def as_dict(self) -> Mapping[str, object]:
        """For `--json`."""
        return {
            "line": self.line,
            "devices": self.devices,
            "share": round(self.share, 4),
            "verdict": self.verdict,
            "advice": self.advice,
        }


def line_uses(pollings: Sequence[Polling]) -> list[LineUse]:
    """Every line with the devices that share it."""
    lines: dict[str, list[Polling]] = {}
    for polling in pollings:
        lines.setdefault(polling.load.line, []).append(polling)
    return [_use(line, sharers) for line, sharers in lines.items()]


def _use(line: str, pollings: Sequence[Polling]) -> LineUse:
    share = sum(polling.share() for polling in pollings)
    verdict = Verdict.FITS if share <= TIGHT_SHARE else Verdict.TIGHT if share <= 1 else Verdict.TOO_MUCH
    advice = (*_quarrels(pollings), *(() if verdict is Verdict.FITS else _advice(share, pollings)))
    return LineUse(line, tuple(polling.device for polling in pollings), share, verdict, advice)


def _quarrels(pollings: Sequence[Polling]) -> list[str]:
    """Settings of the line that its devices give differently: the ones that come later would be refused."""
    first, *others = pollings
    return [
        f"{first.device} has {name} = {value}, {other.device} has {other.load.terms.get(name)}: "
        "they share one connection, so give both the same"
        for other in others
        for name, value in first.load.terms.items()
        if other.load.terms.get(name) != value
    ]


def _advice(share: float, pollings: Sequence[Polling]) -> tuple[str, ...]:
    """The mildest setting of each kind that makes it fit, else the one that helps most; periods help always."""
    factor = math.ceil(10 * share / TIGHT_SHARE) / 10
    heaviest = max(pollings, key=Polling.share)
    lines = [
        f"make the scan periods {factor:g} times as long, or move tags of {heaviest.device} to a slower scan class"
    ]
    remedies = dict.fromkeys(name for polling in pollings for name, _ in polling.load.remedies)
    outcomes = {name: sum(polling.share(name) for polling in pollings) for name in remedies}
    told: set[str] = set()
    for name, left in outcomes.items():
        key = name.partition(" = ")[0]
        is_last = [other for other in outcomes if other.partition(" = ")[0] == key][-1] == name
        if key not in told and left < share and (left <= TIGHT_SHARE or is_last):
            told.add(key)
            lines.append(f"set {name}: {left:.0%} of the time")
    return tuple(lines)
