"""The stream of alarms: a snapshot first, then every sealed change once, in order, resumed after any number."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import msgspec

from cloud_api.alarms.journal.answers import show_entry
from cloud_api.alarms.journal.feed import Feed
from cloud_api.alarms.operation.answers import show_alarm
from cloud_api.auth.reach import Reach
from cloud_api.server_events import Closing, write_event, write_heartbeat, write_retry
from cloud_api.storage.alarm_list import AlarmFilter, AlarmList, AlarmOrder, select_alarm_page
from cloud_api.storage.alarms import AlarmRow, select_alarms_by_id
from cloud_api.storage.journal import JournalRow, select_journal_head, set_repeatable_read
from cloud_api.storage.pool import Pool, transaction

HEARTBEAT_S = 15.0
SNAPSHOT_ALARMS = 500
MAX_ALARMS = 1_000_000
# Who is further back gets a new snapshot in place of so many changes.
MAX_LAG = 10_000


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What one reader wants."""

    alarm_filter: AlarmFilter
    in_chinese: bool
    reach: Reach = field(default_factory=Reach)
    heartbeat_s: float = HEARTBEAT_S


class AlarmStream:
    """One reader's stream."""

    def __init__(self, pool: Pool, feed: Feed, closing: Closing, options: StreamOptions) -> None:
        self._pool = pool
        self._feed = feed
        self._closing = closing
        self._options = options

    async def events(self, after: int | None) -> AsyncGenerator[bytes]:
        """Yield the bytes of events: from a snapshot, or after the number that the reader has seen last."""
        yield write_retry()
        number = None if after is None else await self._resumable(after)
        while not self._closing.is_set:
            if number is None:
                async for part, reached in self._snapshot():
                    yield part
                    number = reached
                continue
            rows = await self._feed.after(number, self._options.heartbeat_s)
            if rows:
                yield await self._changes(rows)
                number = rows[-1].number
            else:
                yield write_heartbeat(str(number))
            if self._feed.newest - number > MAX_LAG:
                number = None

    async def _resumable(self, after: int) -> int | None:
        """The number itself, or None when a snapshot serves better: too far back, or from another chain."""
        async with self._pool.connection() as connection:
            head, _ = await select_journal_head(connection)
        return after if after <= head <= after + MAX_LAG else None

    async def _snapshot(self) -> AsyncGenerator[tuple[bytes, int]]:
        """All alarms that are not normal, as of a number, in parts; only the last part carries the number as its id."""
        async with transaction(self._pool) as connection:
            await set_repeatable_read(connection)
            number, _ = await select_journal_head(connection)
            alarm_filter = self._options.alarm_filter
            rows = await select_alarm_page(
                connection, alarm_filter, AlarmList.LISTED, AlarmOrder.PRIORITY, None, MAX_ALARMS
            )
        parts = [rows[start : start + SNAPSHOT_ALARMS] for start in range(0, len(rows), SNAPSHOT_ALARMS)] or [[]]
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            items = [show_alarm(row, in_chinese=self._options.in_chinese) for row in part]
            data = {"number": number, "part": index + 1, "parts": len(parts), "items": items}
            yield write_event("snapshot", msgspec.json.encode(data), str(number) if is_last else None), number

    async def _changes(self, rows: Sequence[JournalRow]) -> bytes:
        """Changes in order; the last of each alarm brings the alarm as it is now, which may be newer still."""
        meant = [row for row in rows if self._is_meant(row)]
        last = {row.alarm_id: row.number for row in meant}
        async with self._pool.connection() as connection:
            alarms = {row.id: row for row in await select_alarms_by_id(connection, list(last))} if last else {}
        events = [
            self._change(row, alarms.get(row.alarm_id) if last[row.alarm_id] == row.number else None) for row in meant
        ]
        if not meant or meant[-1].number != rows[-1].number:
            events.append(write_heartbeat(str(rows[-1].number)))
        return b"".join(events)

    def _change(self, row: JournalRow, alarm: AlarmRow | None) -> bytes:
        in_chinese = self._options.in_chinese
        shown = None if alarm is None else show_alarm(alarm, in_chinese=in_chinese)
        data = show_entry(row, in_chinese=in_chinese) | {"alarm": shown}
        return write_event("change", msgspec.json.encode(data), str(row.number))

    def _is_meant(self, row: JournalRow) -> bool:
        wanted = self._options.alarm_filter
        is_there = wanted.glob is None or wanted.glob.matches(row.path)
        # The feed is read once for all readers, past the limits of any of them.
        is_there = is_there and self._options.reach.holds(row.path)
        return is_there and (wanted.positions is None or row.position in wanted.positions)
