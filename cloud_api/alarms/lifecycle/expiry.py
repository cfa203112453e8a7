"""Shelves end by themselves: those whose time has come, whoever made them and whatever was restarted since."""

from datetime import datetime

from cloud_api.alarms.lifecycle.record import SYSTEM, Entry, JournalEvent, Note, happen
from cloud_api.alarms.lifecycle.states import AlarmEvent, Refusal
from cloud_api.alarms.lifecycle.verbs import write_changes
from cloud_api.storage.alarms import lock_alarms_shelved_until
from cloud_api.storage.pool import Connection

BATCH_ROWS = 500


async def end_shelves(connection: Connection, now: datetime) -> int:
    """Unshelve what is due, at most BATCH_ROWS alarms; how many. An active one annunciates again."""
    changes = [
        happen(
            row,
            AlarmEvent.UNSHELVE,
            Entry(
                JournalEvent.UNSHELVE,
                SYSTEM,
                row.shelved_until or now,
                now,
                note=Note.SHELF_EXPIRED.value,
                value=row.value,
                status=row.status,
            ),
        )
        for row in await lock_alarms_shelved_until(connection, now, BATCH_ROWS)
    ]
    done = [change for change in changes if not isinstance(change, Refusal)]
    await write_changes(connection, done)
    return len(done)
