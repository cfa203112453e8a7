"""What the settings want done with the audit."""

from cloud_api.audit.duty import AuditWork
from cloud_api.audit.forwarding.forwarder import Forwarder
from cloud_api.audit.forwarding.targets import Target, Webhook, syslog_target
from cloud_api.settings import CloudSettings
from cloud_api.storage.pool import Pool
from cloud_api.telemetry import Telemetry


def audit_work(pool: Pool, settings: CloudSettings, telemetry: Telemetry) -> AuditWork:
    """Make the work of the audit's duty."""
    audit, targets = settings.audit, list[Target]()
    if audit.syslog is not None:
        targets.append(syslog_target(audit.syslog))
    if audit.webhook is not None:
        targets.append(Webhook(audit.webhook, settings.notify.allowed_networks))
    forwarders = [Forwarder(pool, target, telemetry) for target in targets]
    return AuditWork(settings.retention.audit, audit.anchor_file, forwarders)
