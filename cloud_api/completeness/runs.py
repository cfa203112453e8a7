"""What walks over neighbouring stretches of time found, joined to what one walk over all of them would have (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cloud_api.completeness.judge import Observed
from cloud_api.completeness.stretches import Stretch, Stretches


@dataclass(frozen=True, slots=True)
class Ends:
    """The first and the last sample of a run, and the distances in it that are longer than they may be."""

    first_us: int
    last_us: int
    silences: Stretches = field(default_factory=list[Stretch])

    def followed_by(self, later: "Ends", limit_us: int) -> "Ends":
        """This run and a later one as one."""
        between = [(self.last_us, later.first_us)] if later.first_us - self.last_us > limit_us else []
        return Ends(self.first_us, later.last_us, [*self.silences, *between, *later.silences])

    def within(self, edges: Stretch, limit_us: int) -> Stretches:
        """Its silences with those between it and the edges of what was looked at."""
        before = [(edges[0], self.first_us)] if self.first_us - edges[0] > limit_us else []
        after = [(self.last_us, edges[1])] if edges[1] - self.last_us > limit_us else []
        return [*before, *self.silences, *after]


@dataclass(frozen=True, slots=True)
class Run:
    """What was found of one series in one stretch: of all samples, and of those that are not Bad."""

    received: int = 0
    all: Ends | None = None
    measured: Ends | None = None

    def followed_by(self, later: "Run", limit_us: int) -> "Run":
        """This stretch and a later one as one."""
        return Run(
            received=self.received + later.received,
            all=_joined(self.all, later.all, limit_us),
            measured=_joined(self.measured, later.measured, limit_us),
        )

    def with_silences(self, silences: Sequence[Stretch], unmeasured: Sequence[Stretch]) -> "Run":
        """The same with silences that were found by a closer look."""
        return replace(self, all=_added(self.all, silences), measured=_added(self.measured, unmeasured))

    def observed(self, edges: Stretch, limit_us: int) -> Observed:
        """What a judge needs of it."""
        silences, measured = (
            [edges] if ends is None else ends.within(edges, limit_us) for ends in (self.all, self.measured)
        )
        return Observed(self.received, silences, measured)


def _joined(one: Ends | None, later: Ends | None, limit_us: int) -> Ends | None:
    if one is None or later is None:
        return later if one is None else one
    return one.followed_by(later, limit_us)


def _added(ends: Ends | None, silences: Sequence[Stretch]) -> Ends | None:
    return None if ends is None else replace(ends, silences=sorted({*ends.silences, *silences}))
