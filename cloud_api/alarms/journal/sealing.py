"""The journal of alarms as a table that is sealed."""

from cloud_api.alarms.journal.chain import JOURNAL
from cloud_api.sealing.table import SealedTable
from cloud_api.storage.journal import (
    JournalRow,
    lock_journal_head,
    select_journal_after,
    select_journal_head,
    select_journal_unsealed,
    select_journal_unsealed_count,
    update_journal_sealed,
)

JOURNAL_TABLE: SealedTable[JournalRow] = SealedTable(
    form=JOURNAL,
    lock_head=lock_journal_head,
    select_head=select_journal_head,
    select_unsealed=select_journal_unsealed,
    update_sealed=update_journal_sealed,
    select_after=select_journal_after,
    select_unsealed_count=select_journal_unsealed_count,
)
