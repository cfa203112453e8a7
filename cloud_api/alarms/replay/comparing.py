"""Alarms before and after: which come later, which vanish, which are new (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_api.alarms.evaluation.engine import Change, ChangeKind


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm from its raise to its clear, or to the end of the window."""

    path: str
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An alarm that is there before and after; `delay_us` is how much later it comes (negative: earlier)."""

    path: str
    before_us: int
    delay_us: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a change does to the alarms of one definition."""

    before: int
    after: int
    kept: int
    later: tuple[Moved, ...]
    earlier: tuple[Moved, ...]
    vanished: tuple[Episode, ...]
    new: tuple[Episode, ...]
    active_before_us: int
    active_after_us: int


def episodes_of(path: str, changes: Iterable[Change], end_us: int) -> list[Episode]:
    """Pair raises with clears; a change of level is still the same alarm."""
    found: list[Episode] = []
    began_us: int | None = None
    for change in changes:
        if change.kind is ChangeKind.RAISE and began_us is None:
            began_us = change.at_us
        elif change.kind is ChangeKind.CLEAR and began_us is not None:
            found.append(Episode(path, began_us, change.at_us))
            began_us = None
    return found if began_us is None else [*found, Episode(path, began_us, end_us)]


def compare(before: Sequence[Episode], after: Sequence[Episode]) -> Comparison:
    """Hold each alarm before against the first one after that it overlaps at the same place; each counts once."""
    by_path: dict[str, list[Episode]] = {}
    for episode in sorted(after, key=lambda each: each.from_us):
        by_path.setdefault(episode.path, []).append(episode)
    moved: list[Moved] = []
    vanished: list[Episode] = []
    met: set[Episode] = set()
    for episode in sorted(before, key=lambda each: (each.from_us, each.path)):
        found = next((each for each in by_path.get(episode.path, ()) if _overlap(each, episode)), None)
        if found is None:
            vanished.append(episode)
            continue
        # An alarm that now spans several of the earlier ones is one alarm: those after the first have vanished in it.
        if found in met:
            vanished.append(episode)
            continue
        met.add(found)
        moved.append(Moved(episode.path, episode.from_us, found.from_us - episode.from_us))
    new = [each for each in sorted(after, key=lambda each: (each.from_us, each.path)) if each not in met]
    return Comparison(
        before=len(before),
        after=len(after),
        kept=len(moved),
        later=tuple(sorted((each for each in moved if each.delay_us > 0), key=lambda each: -each.delay_us)),
        earlier=tuple(sorted((each for each in moved if each.delay_us < 0), key=lambda each: each.delay_us)),
        vanished=tuple(vanished),
        new=tuple(new),
        active_before_us=sum(each.to_us - each.from_us for each in before),
        active_after_us=sum(each.to_us - each.from_us for each in after),
    )


def _overlap(one: Episode, other: Episode) -> bool:
    return one.from_us <= other.to_us and other.from_us <= one.to_us
