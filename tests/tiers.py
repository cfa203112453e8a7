"""Runs the tests tier by tier, and holds each tier's time beside its budget (2 cores) at the end."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
NO_TESTS = 5
HUNG = -1
# How many budgets a tier may take before it is ended, so that whoever waits is told which one hangs.
PATIENCE = 2
# Each with servers of its own. Faults and acceptance want both cores for the processes that they start themselves.
TWO_PROCESSES = ("-n", "2", "--dist", "loadfile")
# Tests that wait for servers half of the time: a third process has what the other two leave.
THREE_PROCESSES = ("-n", "3", "--dist", "loadfile")


@dataclass(frozen=True, slots=True)
class Tier:
    """A group of tests and the seconds that it may take on 2 cores."""

    name: str
    folders: tuple[str, ...]
    budget_s: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a tier."""

    tier: Tier
    code: int
    used_s: float
    allowed_s: float

    @property
    def verdict(self) -> str:
        """One or two words."""
        if self.code != 0:
            return {NO_TESTS: "no tests", HUNG: "HUNG"}.get(self.code, "FAILED")
        return "ok" if self.used_s <= self.allowed_s else "OVER BUDGET"


TIERS = (
    Tier("unit", ("unit",), 180, TWO_PROCESSES),
    Tier("contracts", ("contracts",), 90),
    Tier("integration", ("integration", "migration"), 1200, THREE_PROCESSES),
    Tier("faults", ("faults",), 420),
    Tier("acceptance", ("acceptance",), 480),
    Tier("browser", ("browser",), 420),
)


def main(names: list[str]) -> int:
    """Run the tiers that are named, or all; 1 when a test failed or a budget was broken."""
    unknown = set(names) - {tier.name for tier in TIERS}
    if unknown:
        print(f"unknown tier {', '.join(sorted(unknown))}; there are: {', '.join(tier.name for tier in TIERS)}")
        return 2
    wanted = [tier for tier in TIERS if tier.name in names or not names]
    outcomes = [run(tier, tier_folders) for tier in wanted if (tier_folders := existing(tier))]
    print(report(outcomes))
    return int(any(outcome.verdict != "ok" for outcome in outcomes))


def existing(tier: Tier) -> list[str]:
    """The folders of a tier that this tree has, with at least one test module."""
    return [str(TESTS / folder) for folder in tier.folders if any((TESTS / folder).rglob("test_*.py"))]


def run(tier: Tier, folders: list[str]) -> Outcome:
    """Run one tier in a process of its own."""
    print(f"\n=== {tier.name} ===", flush=True)
    began = time.monotonic()
    allowed_s = tier.budget_s * float(os.environ.get("MILLSTREAM_TEST_BUDGET_FACTOR", "1"))
    command = [sys.executable, "-m", "pytest", "-q", "--durations=5", "--durations-min=1", *tier.options, *folders]
    try:
        code = subprocess.run(command, cwd=TESTS.parent, check=False, timeout=PATIENCE * allowed_s).returncode
    except subprocess.TimeoutExpired:
        code = HUNG
    return Outcome(tier, code, time.monotonic() - began, allowed_s)


def report(outcomes: list[Outcome]) -> str:
    """The table at the end."""
    lines = ["", f"{'tier':<12} {'used':>7} {'budget':>7}"]
    lines += [f"{o.tier.name:<12} {o.used_s:>5.0f} s {o.allowed_s:>5.0f} s  {o.verdict}" for o in outcomes]
    total = sum(outcome.used_s for outcome in outcomes)
    lines.append(f"{'all':<12} {total:>5.0f} s {sum(outcome.allowed_s for outcome in outcomes):>5.0f} s")
    over = [outcome.tier.name for outcome in outcomes if outcome.verdict == "OVER BUDGET"]
    if over:
        lines.append(f"TIME BUDGET BROKEN: {', '.join(over)}. Move the widest case to `make soak`, never the only one.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
