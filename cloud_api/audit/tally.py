"""What happens too often to have a row each time: the first at once, the rest as counts, within a limit (pure)."""

from dataclasses import dataclass, field
from typing import Any

HOUR_S = 3600.0
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Note:
    """What is the same when it happens again."""

    who: str
    via: str | None
    address: str | None
    action: str
    subject: str | None
    outcome: str

    @property
    def others(self) -> "Note":
        """What is left of it when there are too many different ones."""
        return Note(OTHERS, None, None, self.action, None, self.outcome)


@dataclass(frozen=True, slots=True)
class Row:
    """One row to write. `count` is 1 for what happened now, and then `first_s` is `last_s`: Unix seconds."""

    note: Note
    detail: dict[str, Any]
    count: int
    first_s: float
    last_s: float


@dataclass(slots=True)
class _Counted:
    """What was counted of a note since its last row; nothing while `count` is 0."""

    detail: dict[str, Any]
    seen_s: float
    count: int = 0
    first_s: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts notes. A note is told at once unless it was told within the hour; then its count, once a window.

    At most `rows_per_hour` rows name a note; what is beyond that is counted by action alone. No note is lost from the
    counts, whatever there is a flood of.
    """

    window_s: float = 60.0
    rows_per_hour: int = 600
    notes_max: int = 2_000
    _notes: dict[Note, _Counted] = field(default_factory=dict[Note, _Counted])
    _others: dict[Note, _Counted] = field(default_factory=dict[Note, _Counted])
    _allowance: float = field(init=False)
    _filled_s: float | None = None
    _told_s: float | None = None

    def __post_init__(self) -> None:
        self._allowance = float(self.rows_per_hour)

    def note(self, note: Note, detail: dict[str, Any], now_s: float) -> Row | None:
        """Count once; the row to write now, if there is one."""
        known = self._notes.get(note)
        if known is None and len(self._notes) < self.notes_max and self._spend(now_s):
            self._notes[note] = _Counted(detail, now_s)
            return Row(note, detail, 1, now_s, now_s)
        if known is None:
            known = self._others.setdefault(note.others, _Counted({}, now_s))
        _count(known, 1, now_s, now_s)
        return None

    def due(self, now_s: float, *, is_end: bool = False) -> list[Row]:
        """The rows of a window that is over (at the end of everything: of what there is); call it often."""
        if self._told_s is None:
            self._told_s = now_s
        if not is_end and now_s - self._told_s < self.window_s:
            return []
        self._told_s = now_s
        rows: list[Row] = []
        for note, counted in list(self._notes.items()):
            if counted.count == 0:
                if now_s - counted.seen_s > HOUR_S:
                    del self._notes[note]
            elif self._spend(now_s):
                rows.append(_told(note, counted))
            else:
                others = self._others.setdefault(note.others, _Counted({}, counted.seen_s))
                _count(others, counted.count, counted.first_s, counted.seen_s)
                counted.count = 0
        rows += [_told(note, counted) for note, counted in self._others.items()]
        self._others.clear()
        return rows

    def _spend(self, now_s: float) -> bool:
        passed_s = 0.0 if self._filled_s is None else max(0.0, now_s - self._filled_s)
        self._filled_s = now_s
        self._allowance = min(float(self.rows_per_hour), self._allowance + passed_s * self.rows_per_hour / HOUR_S)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _count(counted: _Counted, count: int, first_s: float, last_s: float) -> None:
    counted.first_s = min(counted.first_s, first_s) if counted.count else first_s
    counted.count += count
    counted.seen_s = max(counted.seen_s, last_s)


def _told(note: Note, counted: _Counted) -> Row:
    row = Row(note, counted.detail, counted.count, counted.first_s, counted.seen_s)
    counted.count = 0
    return row
