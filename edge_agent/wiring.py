"""From the configuration's tables to what each part is given: microseconds become seconds here and nowhere else."""

from edge_agent.config import AgentConfig, MqttTable, OutboxTable, WhenFull
from edge_agent.delivery import WindowLimits
from edge_agent.forward import ForwardSettings
from edge_agent.outbox_content import Caps
from edge_agent.publisher import Broker
from edge_agent.quantities import SECOND_US
from edge_agent.recorder.recorder import RecorderSettings
from edge_agent.recorder.shelf import Limits
from edge_agent.writer import WriterSettings


def caps(table: OutboxTable) -> Caps:
    """When the outbox is full."""
    return Caps(table.max_bytes, table.max_age, table.when_full is WhenFull.EVICT_OLDEST)


def writer_settings(config: AgentConfig) -> WriterSettings:
    """How often to commit, and how much to hold."""
    return WriterSettings(config.batch.window / SECOND_US, config.batch.idle / SECOND_US, config.outbox.memory)


def recorder_settings(config: AgentConfig) -> RecorderSettings | None:
    """Where and how much to record, if at all."""
    table = config.recorder
    if not table.enabled or table.path is None:
        return None
    limits = Limits(table.last, table.failures, table.max_bytes)
    return RecorderSettings(config.agent.id, table.path, limits, table.flush / SECOND_US, table.memory)


def forward_settings(table: MqttTable, password: str | None) -> ForwardSettings:
    """How to send."""
    window = WindowLimits(
        batches=table.window_batches,
        bytes=table.window_bytes,
        resend_min_s=table.resend_min / SECOND_US,
        resend_max_s=table.resend_max / SECOND_US,
    )
    return ForwardSettings(
        broker=_broker(table, password),
        live_window_s=table.live_window / SECOND_US,
        window=window,
        backlog_bytes_a_second=float(table.backlog_rate),
        health_s=table.health / SECOND_US,
        retry_min_s=table.retry_min / SECOND_US,
        retry_max_s=table.retry_max / SECOND_US,
    )


def _broker(table: MqttTable, password: str | None) -> Broker:
    return Broker(
        url=table.url,
        keep_alive_s=round(table.keep_alive / SECOND_US),
        username=table.username,
        password=password,
        ca_file=table.ca_file,
        cert_file=table.cert_file,
        key_file=table.key_file,
    )
