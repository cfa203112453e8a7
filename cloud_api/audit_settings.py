"""Where the audit goes and how much it takes, and from when on something is a security event; from the environment."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cloud_api.environment import Environment

LEAST_SECRET_BYTES = 24


class SyslogWay(StrEnum):
    """How messages travel: RFC 5426, RFC 6587 and RFC 5425."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


_PORTS = {SyslogWay.UDP: 514, SyslogWay.TCP: 601, SyslogWay.TLS: 6514}


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """A collector of RFC 5424 messages; `ca_file` is whom to trust in place of the system's authorities."""

    way: SyslogWay
    host: str
    port: int
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class AuditHookSettings:
    """An address that takes signed rows."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """How much of a flood the audit takes by name, where it is sent, and where ends of its chain are noted down."""

    rows_per_hour: int
    syslog: SyslogSettings | None = None
    webhook: AuditHookSettings | None = None
    anchor_file: Path | None = None


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """From when on something is a security event; `window_s` and `interval_s` are what is counted in."""

    logins_per_name: int = 10
    logins_per_address: int = 20
    scan_refusals: int = 60
    scan_places: int = 20
    window_s: float = 600.0
    interval_s: float = 60.0
    tags_factor: float = 2.0
    traffic_factor: float = 5.0
    clock_jump_s: float = 60.0
    quiet_s: float = 900.0


class AuditEnvironment(Environment):
    """Reads what concerns the audit and the watch for attacks."""

    def audit(self) -> AuditSettings:
        """What the audit is told."""
        return AuditSettings(
            rows_per_hour=self.integer("AUDIT_ROWS_PER_HOUR", 600, 1, 1_000_000),
            syslog=self._syslog(),
            webhook=self._webhook(),
            anchor_file=self._anchor_file(),
        )

    def guard(self) -> GuardSettings:
        """From when on something is a security event."""
        usual = GuardSettings()
        return GuardSettings(
            logins_per_name=self.integer("GUARD_LOGINS_PER_NAME", usual.logins_per_name, 1, 10_000),
            logins_per_address=self.integer("GUARD_LOGINS_PER_ADDRESS", usual.logins_per_address, 1, 10_000),
            scan_refusals=self.integer("GUARD_SCAN_REFUSALS", usual.scan_refusals, 1, 10_000),
            scan_places=self.integer("GUARD_SCAN_PLACES", usual.scan_places, 1, 10_000),
            window_s=self.number("GUARD_WINDOW_S", usual.window_s, 1.0, 86_400.0),
            interval_s=self.number("GUARD_INTERVAL_S", usual.interval_s, 0.1, 3_600.0),
            tags_factor=self.number("GUARD_TAGS_FACTOR", usual.tags_factor, 1.01, 1_000.0),
            traffic_factor=self.number("GUARD_TRAFFIC_FACTOR", usual.traffic_factor, 1.01, 1_000.0),
            clock_jump_s=self.number("GUARD_CLOCK_JUMP_S", usual.clock_jump_s, 1.0, 86_400.0),
            quiet_s=self.number("GUARD_QUIET_S", usual.quiet_s, 1.0, 604_800.0),
        )

    def _syslog(self) -> SyslogSettings | None:
        name, allowed = "AUDIT_SYSLOG_URL", "tls://collector:6514, tcp://collector:601 or udp://collector:514"
        raw = self.text(name, "")
        ca_file = self._file("AUDIT_SYSLOG_CA_FILE")
        if not raw:
            return None
        url = urlsplit(raw)
        port = _port(url)
        if url.scheme not in list(SyslogWay) or not url.hostname or port is None or url.path not in {"", "/"}:
            self._refuse(name, f"{url.scheme}://…", "is not the address of a collector", allowed)
            return None
        way = SyslogWay(url.scheme)
        if ca_file is not None and way is not SyslogWay.TLS:
            self._refuse("AUDIT_SYSLOG_CA_FILE", str(ca_file), "has no use without TLS", "a tls:// address")
        return SyslogSettings(way, url.hostname, port or _PORTS[way], ca_file)

    def _webhook(self) -> AuditHookSettings | None:
        name, allowed = "AUDIT_WEBHOOK_URL", "https://collector.plant.example/audit, without a user or password in it"
        raw, file = self.text(name, ""), self._file("AUDIT_WEBHOOK_SECRET_FILE")
        if not raw:
            return None
        url = urlsplit(raw)
        if url.scheme not in {"http", "https"} or not url.hostname or url.username or _port(url) is None:
            self._refuse(name, f"{url.scheme}://…", "is not an address that can be posted to", allowed)
        secret = "" if file is None else file.read_text(encoding="utf-8").strip()
        if len(secret.encode()) < LEAST_SECRET_BYTES:
            shown = None if file is None else str(file)
            self._refuse(
                "AUDIT_WEBHOOK_SECRET_FILE", shown, "holds no secret", f"a file with {LEAST_SECRET_BYTES} bytes or more"
            )
        return AuditHookSettings(raw, secret)

    def _anchor_file(self) -> Path | None:
        raw = self.text("AUDIT_ANCHOR_FILE", "")
        if raw and not Path(raw).parent.is_dir():
            self._refuse("AUDIT_ANCHOR_FILE", raw, "is in no directory that exists", "a file that may be appended to")
        return Path(raw) if raw else None


def _port(url: SplitResult) -> int | None:
    """The port, 0 for the scheme's own, or None when it is no port number."""
    try:
        return url.port or 0
    except ValueError:
        return None
