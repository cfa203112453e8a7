"""What agents do, seen in the batches that were committed: identity, clock, extent (pure)."""

from dataclasses import dataclass, field

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.kinds import EventKind, Sighting
from cloud_api.witness import Observation

AGENTS_MAX = 10_000
EPOCHS_MAX = 8
# A restart sends what the process before it has left; only what is measured so long after it is of a second process.
OVERLAP_US = 30_000_000
EVIDENCE = 2
# Intervals that have to be known before a change is sudden.
LEARNED = 10
WEIGHT, FIRST_WEIGHT = 0.1, 0.5
# Smaller differences are daily work, whatever their ratio.
LEAST_TAGS, LEAST_SAMPLES = 50, 1_000
_AHEAD = "time_in_future"


@dataclass(slots=True)
class _Epoch:
    """One process of an agent: when it was first heard, its newest number, and up to when its devices were measured."""

    first_us: int
    seq: int
    untils: dict[str, int]


@dataclass(slots=True)
class _Interval:
    """What came in the interval that runs."""

    begins_us: int
    samples: int = 0
    tags: int = 0
    is_told: bool = False


@dataclass(slots=True)
class _Agent:
    epochs: dict[bytes, _Epoch] = field(default_factory=dict[bytes, _Epoch])
    current: bytes | None = None
    evidence: int = 0
    interval: _Interval | None = None
    learned: int = 0
    samples: float = 0.0
    tags: int = 0


class AgentWatch:
    """Remembers of each agent what is usual; begins anew with the process."""

    def __init__(self, settings: GuardSettings) -> None:
        self._settings = settings
        self._agents: dict[str, _Agent] = {}

    def see(self, seen: Observation) -> list[Sighting]:
        """Say what this batch shows."""
        found = [
            Sighting(kind, seen.agent, seen.detail or str(reason))
            for reason, kind in _BY_REASON.items()
            if reason in seen.reasons
        ]
        if not seen.is_live:
            return found
        agent = self._agents.pop(seen.agent, None) or _Agent()
        if len(self._agents) >= AGENTS_MAX:
            del self._agents[next(iter(self._agents))]
        self._agents[seen.agent] = agent
        return [*found, *self._identity(agent, seen), *self._extent(agent, seen)]

    def _identity(self, agent: _Agent, seen: Observation) -> list[Sighting]:
        """One process at a time, with a clock that goes forward."""
        if seen.epoch is None or seen.seq is None:
            return []
        at_us = max(seen.untils.values(), default=seen.received_us)
        known = agent.epochs.get(seen.epoch)
        if known is None:
            if len(agent.epochs) >= EPOCHS_MAX:
                del agent.epochs[next(iter(agent.epochs))]
            agent.epochs[seen.epoch] = _Epoch(at_us, seen.seq, dict(seen.untils))
            agent.current = seen.epoch
            return self._ahead(seen)
        if seen.seq <= known.seq:
            return []
        found = [*self._ahead(seen), *self._back(known, seen)]
        current = agent.epochs.get(agent.current or b"")
        if current is not None and seen.epoch != agent.current and at_us > current.first_us + OVERLAP_US:
            agent.evidence += 1
            if agent.evidence >= EVIDENCE:
                detail = f"{seen.epoch.hex()[:8]}, {(agent.current or b'').hex()[:8]}"
                found.append(Sighting(EventKind.AGENT_DOUBLED, seen.agent, detail))
        known.seq = seen.seq
        known.untils |= seen.untils
        return found

    def _ahead(self, seen: Observation) -> list[Sighting]:
        by_us = max(seen.untils.values(), default=seen.received_us) - seen.received_us
        return self._jump(seen, by_us) if by_us > 0 else []

    def _back(self, known: _Epoch, seen: Observation) -> list[Sighting]:
        """A device's measured time never goes back while one process runs, unless the clock does."""
        by_us = min((at_us - known.untils.get(device, at_us) for device, at_us in seen.untils.items()), default=0)
        return self._jump(seen, by_us) if by_us < 0 else []

    def _jump(self, seen: Observation, by_us: int) -> list[Sighting]:
        if abs(by_us) <= self._settings.clock_jump_s * 1e6:
            return []
        return [Sighting(EventKind.AGENT_CLOCK, seen.agent, f"{by_us / 1e6:+.0f} s")]

    def _extent(self, agent: _Agent, seen: Observation) -> list[Sighting]:
        """How many tags and samples there are in an interval, against what was usual."""
        found: list[Sighting] = []
        interval_us = int(self._settings.interval_s * 1e6)
        if agent.interval is None or seen.received_us >= agent.interval.begins_us + interval_us:
            if agent.interval is not None:
                # An agent that went away in the middle of it has not sent less, but not at all.
                is_whole = seen.received_us < agent.interval.begins_us + 2 * interval_us
                found = self._fallen(agent, seen.agent, agent.interval) if is_whole else []
                _learn(agent, agent.interval)
            agent.interval = _Interval(seen.received_us)
        agent.interval.samples += seen.samples
        agent.interval.tags = max(agent.interval.tags, seen.tags)
        return [*found, *self._grown(agent, seen.agent, agent.interval)]

    def _grown(self, agent: _Agent, name: str, interval: _Interval) -> list[Sighting]:
        if agent.learned < LEARNED:
            return []
        found: list[Sighting] = []
        limits = self._settings
        if interval.tags > max(agent.tags * limits.tags_factor, agent.tags + LEAST_TAGS):
            found.append(Sighting(EventKind.AGENT_TAGS, name, f"{agent.tags} -> {interval.tags}"))
            agent.tags = interval.tags
        if interval.samples > max(agent.samples, LEAST_SAMPLES) * limits.traffic_factor and not interval.is_told:
            interval.is_told = True
            found.append(self._traffic(agent, name, interval))
        return found

    def _fallen(self, agent: _Agent, name: str, interval: _Interval) -> list[Sighting]:
        """The interval is over: is there less than usual?"""
        if agent.learned < LEARNED:
            return []
        found: list[Sighting] = []
        limits = self._settings
        if agent.tags > max(interval.tags * limits.tags_factor, interval.tags + LEAST_TAGS):
            found.append(Sighting(EventKind.AGENT_TAGS, name, f"{agent.tags} -> {interval.tags}"))
        if agent.samples > max(interval.samples, LEAST_SAMPLES) * limits.traffic_factor:
            interval.is_told = True
            found.append(self._traffic(agent, name, interval))
        return found

    def _traffic(self, agent: _Agent, name: str, interval: _Interval) -> Sighting:
        detail = f"{agent.samples:.0f} -> {interval.samples} / {self._settings.interval_s:g} s"
        return Sighting(EventKind.AGENT_TRAFFIC, name, detail)


def _learn(agent: _Agent, interval: _Interval) -> None:
    """What goes on becomes usual, quickly at first and where it is new."""
    weight = WEIGHT if agent.learned >= LEARNED and not interval.is_told else FIRST_WEIGHT
    agent.samples += (interval.samples - agent.samples) * weight
    agent.learned += 1
    agent.tags = interval.tags


_BY_REASON = {
    "wrong_agent": EventKind.AGENT_TOPIC,
    "foreign_series": EventKind.AGENT_SERIES,
    _AHEAD: EventKind.AGENT_CLOCK,
}
