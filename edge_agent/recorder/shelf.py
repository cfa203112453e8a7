"""The folder of one device's recording: a file for each stretch, named by its times; the oldest give way."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connectors.contract import Chapter
from edge_agent.quantities import SECOND_US
from edge_agent.recorder import tape
from edge_agent.recorder.ring import Stretch

BEFORE_FAILURE_US = 180 * SECOND_US
AFTER_FAILURE_US = 60 * SECOND_US
"""So much around the beginning of a failure outlives the last minutes."""
_FAILURE = "failure"
_NAME = re.compile(rf"(\d{{1,19}})-(\d{{1,19}})(?:-({'|'.join((_FAILURE, *Chapter))}))?\.rec")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept: of the last minutes, and of the minutes around failures."""

    last_us: int
    failures_us: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One file: its name tells all that is needed to keep or drop it."""

    name: str
    first_us: int
    last_us: int
    has_failure: bool
    bytes: int
    chapter: Chapter | None = None


def expired(kept: Sequence[Kept], now_us: int, limits: Limits) -> list[Kept]:
    """What must go: what is too old, then the oldest until the rest and what it needs to be understood has room."""
    stretches = [each for each in kept if each.chapter is None]
    failures = [each for each in stretches if each.has_failure and each.last_us >= now_us - limits.failures_us]
    staying = [each for each in stretches if each.last_us >= now_us - limits.last_us or _is_near(each, failures)]
    staying.sort(key=lambda each: (each.last_us, each.first_us, each.name))
    openings = _needed(kept, staying)
    while staying and _bytes(staying) + _bytes(openings) > limits.max_bytes:
        del staying[0]
        openings = _needed(kept, staying)
    if _bytes(staying) + _bytes(openings) > limits.max_bytes:
        openings = []
    names = {each.name for each in (*staying, *openings)}
    return [each for each in kept if each.name not in names]


def _bytes(kept: Sequence[Kept]) -> int:
    return sum(each.bytes for each in kept)


def _needed(kept: Sequence[Kept], staying: Sequence[Kept]) -> list[Kept]:
    """Of each chapter the newest opening, and any other that some stretch came after and before the next one."""
    needed: list[Kept] = []
    for chapter in Chapter:
        openings = sorted((each for each in kept if each.chapter is chapter), key=lambda each: each.first_us)
        for opening, following in zip(openings, [*openings[1:], None], strict=False):
            ends_us = None if following is None else following.first_us
            if ends_us is None or any(
                each.last_us >= opening.first_us and each.first_us <= ends_us for each in staying
            ):
                needed.append(opening)
    return needed


def _is_near(kept: Kept, failures: Sequence[Kept]) -> bool:
    return any(
        kept.last_us >= failure.first_us - BEFORE_FAILURE_US and kept.first_us <= failure.last_us + AFTER_FAILURE_US
        for failure in failures
    )


class Shelf:
    """Files of one device. Written at one go and renamed, so that a killed agent leaves whole files only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, head: tape.Head, stretch: Stretch) -> None:
        """Write a stretch; raises OSError. It is not forced to the disk: that would wear it out."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _name(stretch)
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(tape.opening(head) + stretch.blocks)
        draft.replace(path)

    def sweep(self, now_us: int, limits: Limits) -> None:
        """Drop what must go, and drafts that a killed agent left."""
        for each in expired(self.kept(), now_us, limits):
            (self._folder / each.name).unlink(missing_ok=True)
        for draft in self._folder.glob("*.new"):
            draft.unlink(missing_ok=True)

    def kept(self) -> list[Kept]:
        """The files there are, the oldest first."""
        found: list[Kept] = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if name := _NAME.fullmatch(entry.name):
                    with suppress(FileNotFoundError):
                        size = entry.stat().st_size
                        chapter = None if name[3] in (None, _FAILURE) else Chapter(name[3])
                        found.append(Kept(entry.name, int(name[1]), int(name[2]), name[3] == _FAILURE, size, chapter))
        return sorted(found, key=lambda each: (each.first_us, each.last_us))

    def read(self, kept: Kept) -> bytes | None:
        """The content of a file; None where it has gone meanwhile."""
        with suppress(FileNotFoundError):
            return (self._folder / kept.name).read_bytes()
        return None


def _name(stretch: Stretch) -> str:
    """An opening keeps its name while it grows, so that it takes its own place."""
    if stretch.chapter is not None:
        return f"{stretch.first_us}-{stretch.first_us}-{stretch.chapter}.rec"
    return f"{stretch.first_us}-{stretch.last_us}{f'-{_FAILURE}' if stretch.has_failure else ''}.rec"
