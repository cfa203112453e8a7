"""What the hashes of the audit cover (pure)."""

from cloud_api.sealing.chain import Form
from cloud_api.storage.audit import AuditRow

CONTENT = ("number", "at", "who", "action", "subject", "detail", "outcome", "address", "via")


def _subject_of(row: AuditRow) -> str:
    return row.action


AUDIT: Form[AuditRow] = Form("millstream.audit.v1", CONTENT, _subject_of)
