"""The ledger as this process holds it: read once an epoch, trusted while the lease is held."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from cloud_api.ingest.incoming import LedgerKey
from cloud_api.ingest.ledger import RECENT_COUNT, LedgerChange, LedgerEntry, Ranges
from cloud_api.storage.ledger import LedgerRow, ranges_of, select_ledger, upsert_ledger
from cloud_api.storage.pool import Connection

MAX_ENTRIES = 20_000


class LedgerBook:
    """Entries by (agent, epoch); every change goes to the database first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[LedgerKey, LedgerEntry] = OrderedDict()
        # Numbers that one lane is writing while the other may get the same batch.
        self.in_flight: set[tuple[LedgerKey, int]] = set()
        self._marked: dict[LedgerKey, int] = {}

    def clear(self) -> None:
        """Forget everything: another process may have written."""
        self._entries.clear()
        self._marked.clear()

    def forget(self, keys: Iterable[LedgerKey]) -> None:
        """Forget entries whose last transaction may or may not have been committed."""
        for key in keys:
            self._entries.pop(key, None)
            self._marked.pop(key, None)

    async def load(self, connection: Connection, keys: Iterable[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """The entries of these keys, read where they are not here yet."""
        wanted = set(keys)
        missing = [key for key in wanted if key not in self._entries]
        found = {key: self._entries[key] for key in wanted if key in self._entries}
        if missing:
            rows = {(row.agent, row.epoch): row for row in await select_ledger(connection, missing)}
            found |= {key: entry_of(rows.get(key)) for key in missing}
            self._entries.update({key: found[key] for key in missing})
        for key in wanted:
            self._entries.move_to_end(key)
        while len(self._entries) > max(MAX_ENTRIES, len(wanted)):
            self._entries.popitem(last=False)
        return found

    def entry(self, key: LedgerKey) -> LedgerEntry:
        """What is committed of an epoch that was loaded."""
        return self._entries.get(key) or LedgerEntry()

    def unmarked(self, changes: Mapping[LedgerKey, LedgerChange], slot: int) -> list[LedgerKey]:
        """Epochs of these changes that have no mark in this slot of time yet; they count as marked from here on."""
        settled = (key for key, change in changes.items() if change.stored or change.rejected)
        due = sorted(key for key in settled if self._marked.get(key) != slot)
        if len(self._marked) > MAX_ENTRIES:
            self._marked.clear()
        self._marked.update(dict.fromkeys(due, slot))
        return due

    def apply(self, changes: Mapping[LedgerKey, LedgerChange]) -> None:
        """Take over what was committed."""
        for key, change in changes.items():
            entry = self._entries.get(key)
            if entry is not None:
                entry.apply(change)


async def write_changes(connection: Connection, changes: Mapping[LedgerKey, LedgerChange]) -> None:
    """Write changes, in one order for all writers."""
    rows = [
        LedgerRow(
            agent=agent,
            epoch=epoch,
            stored=change.stored.literal(),
            rejected=change.rejected.literal(),
            lost=change.lost.literal(),
            recent=list(change.recent.items()),
        )
        for (agent, epoch), change in sorted(changes.items())
        if change.stored or change.rejected or change.lost
    ]
    if rows:
        await upsert_ledger(connection, rows, RECENT_COUNT)


def entry_of(row: LedgerRow | None) -> LedgerEntry:
    """An entry from its row."""
    if row is None:
        return LedgerEntry()
    return LedgerEntry(
        Ranges(ranges_of(row.stored)),
        Ranges(ranges_of(row.rejected)),
        Ranges(ranges_of(row.lost)),
        OrderedDict(row.recent),
    )
