"""The audit as a table that is sealed."""

from cloud_api.audit.chain import AUDIT
from cloud_api.sealing.table import SealedTable
from cloud_api.storage.audit import (
    AuditRow,
    lock_audit_head,
    select_audit_after,
    select_audit_head,
    select_audit_unsealed,
    select_audit_unsealed_count,
    update_audit_sealed,
)

AUDIT_TABLE: SealedTable[AuditRow] = SealedTable(
    form=AUDIT,
    lock_head=lock_audit_head,
    select_head=select_audit_head,
    select_unsealed=select_audit_unsealed,
    update_sealed=update_audit_sealed,
    select_after=select_audit_after,
    select_unsealed_count=select_audit_unsealed_count,
)
