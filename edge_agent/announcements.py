"""What the agent says of itself: online and offline, health, and the catalog of its tags."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.contract import PointDescription, keys_of
from edge_agent.certificates import CertificateBook, UsedCertificate, of_broker
from edge_agent.clock import AgentClock
from edge_agent.config import AgentConfig, DeviceConfig, TagConfig
from edge_agent.device import DeviceSupervisor
from edge_agent.pipeline import DEFAULT_MAX_SILENCE_US, scaling_of
from edge_agent.quantities import SECOND_US
from edge_agent.writer import OutboxWriter
from schemas.agent_status import (
    AgentState,
    ConfigSummary,
    DeviceHealth,
    HealthMessage,
    StatusMessage,
    encode_health,
    encode_status,
)
from schemas.catalog import CatalogPart, TagDescription, encode_catalog_part
from schemas.topics import Topics

TAGS_A_PART = 250
PAGE_BYTES = 4096


@dataclass(slots=True)
class Speaker:
    """Makes each message at the moment it is said."""

    boot_id: str
    version: str
    topics: Topics
    clock: AgentClock
    writer: OutboxWriter
    supervisors: Callable[[], Sequence[DeviceSupervisor]]
    config: AgentConfig
    certificates: CertificateBook = field(default_factory=CertificateBook)
    _boot_us: int = 0
    _cpu: tuple[float, float] = field(default_factory=lambda: (time.process_time(), time.monotonic()))

    def online(self) -> bytes:
        """The retained status of a living session."""
        return self._status(AgentState.ONLINE)

    def offline(self) -> bytes:
        """The retained status after it; also the will."""
        return self._status(AgentState.OFFLINE)

    def health(self, max_bytes: int) -> bytes:
        """How the agent and its devices are; without the single devices where they do not fit."""
        oldest = self.writer.oldest_us
        devices = [_device_health(supervisor) for supervisor in self.supervisors()]
        message = HealthMessage(
            boot_id=self.boot_id,
            sent_at=instant(self.clock.now_us()),
            backlog_batches=self.writer.outbox.count,
            backlog_bytes=self.writer.outbox.bytes,
            oldest_at=None if oldest is None else instant(oldest),
            configured_tags=sum(device.configured_tags for device in devices),
            delivering_tags=sum(device.delivering_tags for device in devices),
            overruns=sum(device.overruns for device in devices),
            cpu_percent=self._cpu_percent(),
            rss_bytes=rss_bytes(),
            devices=tuple(devices),
            certificates=self.certificates.health(self._used_certificates()),
        )
        payload = encode_health(message)
        return payload if len(payload) <= max_bytes else encode_health(_without_devices(message))

    def device_states(self) -> tuple[str, ...]:
        """The state of each device, to see when one changes."""
        return tuple(supervisor.report.state for supervisor in self.supervisors())

    def catalog(self, max_bytes: int) -> dict[str, bytes]:
        """Each device's tags in parts that the broker takes, by topic."""
        parts: dict[str, bytes] = {}
        described = {supervisor.device.name: supervisor.described for supervisor in self.supervisors()}
        for device in self.config.devices:
            told = described.get(device.name, {})
            tags = tuple(description_of(device, tag, told.get(at)) for at, tag in enumerate(device.tags))
            payloads = _parts(CatalogPart(self.config.revision, device.name, tags), max_bytes)
            for number, payload in enumerate(payloads):
                parts[self.topics.catalog(self.config.agent.id, device.name, number)] = payload
        return parts

    def _status(self, state: AgentState) -> bytes:
        if not self._boot_us:
            self._boot_us = self.clock.now_us()
        config = self.config
        return encode_status(
            StatusMessage(
                state, self.boot_id, self.version, instant(self._boot_us), config.revision, summary_of(config)
            )
        )

    def _used_certificates(self) -> Iterator[UsedCertificate]:
        yield from of_broker(self.config.mqtt)
        for supervisor in self.supervisors():
            kind, name = supervisor.device.kind.name, supervisor.device.name
            for use, file in supervisor.certificate_files().items():
                yield UsedCertificate(f"{kind}_{use}", file, name)

    def _cpu_percent(self) -> float:
        before, now = self._cpu, (time.process_time(), time.monotonic())
        self._cpu = now
        return round(100 * (now[0] - before[0]) / max(0.001, now[1] - before[1]), 2)


def instant(time_us: int) -> datetime:
    """An aware time of microseconds since the Unix epoch."""
    return datetime.fromtimestamp(time_us // SECOND_US, UTC).replace(microsecond=time_us % SECOND_US)


def summary_of(config: AgentConfig) -> ConfigSummary:
    """What is told of a configuration: its size and its digest, nothing of its content."""
    return ConfigSummary(
        digest=config.digest,
        files=len(set(config.files)),
        devices=len(config.devices),
        tags=sum(len(device.tags) for device in config.devices),
        kinds=dict(sorted(Counter(device.kind.name for device in config.devices).items())),
        written_at=None if config.written_us is None else instant(config.written_us),
    )


def rss_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


def _without_devices(message: HealthMessage) -> HealthMessage:
    certificates = tuple(replace(each, devices=()) for each in message.certificates)
    return replace(message, devices=(), certificates=certificates)


def _device_health(supervisor: DeviceSupervisor) -> DeviceHealth:
    report, pipeline = supervisor.report, supervisor.pipeline
    last_us = pipeline.last_sample_us
    return DeviceHealth(
        name=supervisor.device.name,
        state=report.state,
        since_at=instant(report.since_us),
        last_sample_at=None if last_us is None else instant(last_us),
        error=report.error,
        configured_tags=len(supervisor.device.tags),
        delivering_tags=pipeline.delivering(),
        overruns=report.overruns,
        jitter_ms=round(1000 * report.told_jitter_s(), 1),
    )


def _parts(whole: CatalogPart, max_bytes: int) -> Iterator[bytes]:
    """Halves of halves, until each fits; a tag whose description alone is too large goes without it."""
    if len(whole.tags) <= TAGS_A_PART:
        payload = encode_catalog_part(whole)
        if len(payload) <= max_bytes:
            yield payload
            return
    if len(whole.tags) == 1:
        bare = replace(whole.tags[0], description=None, point=None)
        yield encode_catalog_part(replace(whole, tags=(bare,)))
        return
    middle = len(whole.tags) // 2
    for tags in (whole.tags[:middle], whole.tags[middle:]):
        yield from _parts(replace(whole, tags=tags), max_bytes)


def description_of(device: DeviceConfig, tag: TagConfig, told: PointDescription | None) -> TagDescription:
    """What the configuration says of a tag, and what the device says where the configuration is silent."""
    table = tag.table
    told = _of_tag(tag, told or PointDescription())
    has_range = table.low is not None or table.high is not None
    scan = device.table.scan.get(table.scan)
    has_deadband = table.deadband is not None
    silence_us = table.max_silence or DEFAULT_MAX_SILENCE_US
    return TagDescription(
        path=tag.path,
        kind=told.kind,
        unit=told.unit if table.unit is None else table.unit,
        description=told.description if table.description is None else table.description,
        low=table.low if has_range else told.low,
        high=table.high if has_range else told.high,
        scan_period_s=None if scan is None or device.is_subscribed else scan.period / SECOND_US,
        deadband=str(table.deadband) if has_deadband else None,
        max_silence_s=silence_us / SECOND_US if has_deadband else None,
        point=" ".join(f"{key}={value}" for key, value in keys_of(tag.point).items()) or None,
    )


def _of_tag(tag: TagConfig, told: PointDescription) -> PointDescription:
    """What the device says holds for its own numbers: kind, unit and range of scaled ones are others."""
    return told if scaling_of(tag.table).is_identity else PointDescription(description=told.description)
