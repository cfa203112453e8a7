"""CloudSettings: everything the cloud reads from its environment, once, with all problems told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cloud_api.ages import ALLOWED, AgeInvalid, is_shorter, read_age
from cloud_api.audit_settings import AuditEnvironment, AuditSettings, GuardSettings
from cloud_api.environment import PREFIX, SettingsInvalid
from cloud_api.login_settings import LoginEnvironment, LoginSettings

# Six months; the database refuses to let go what is younger, too.
AUDIT_LEAST = timedelta(days=180)


class Role(StrEnum):
    """What one cloud process does."""

    API = "api"
    INGEST = "ingest"
    ROLLUPS = "rollups"
    ALARMS = "alarms"
    NOTIFY = "notify"
    CONSOLE = "console"


CONSOLE_ALONE = frozenset({Role.CONSOLE})


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the broker is and how to log in to it."""

    host: str
    port: int
    is_tls: bool
    username: str | None
    password: str | None
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long raw samples and rollups are kept (None: for ever), and how large the database may become."""

    raw: timedelta | None
    rollup_1m: timedelta | None
    rollup_15m: timedelta | None
    database_max_bytes: int | None
    database_directory: Path | None
    audit: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """How people reach this service, and what its messages may reach."""

    public_url: str | None
    allowed_networks: tuple[IPv4Network | IPv6Network, ...]
    link_hours: float
    max_attempts: int


class ConsoleMode(StrEnum):
    """Whether `cloud run` without roles starts the console, in a process of its own."""

    BESIDE = "beside"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Where operators' browsers go; certificate and proxies are those of the API."""

    mode: ConsoleMode
    host: str
    port: int
    pool_size: int
    # Where samples are taken: the console's own process takes none, and passes on what needs that.
    api_url: str = ""


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """The settings of one cloud process."""

    database_url: str
    mqtt: MqttSettings | None
    topic_root: str
    http_host: str
    http_port: int
    http_cert_file: Path | None
    http_key_file: Path | None
    http_proxies: str
    database_pool_size: int
    body_max_bytes: int
    body_timeout_s: float
    rate_per_minute: int
    running_max: int
    streams_max: int
    query_timeout_s: float
    query_max_samples: int
    query_max_rows: int
    query_slots: int
    query_wait_s: float
    reject_max_bytes: int
    session_idle_s: float
    session_max_s: float
    retention: RetentionSettings
    notify: NotifySettings
    console: ConsoleSettings
    audit: AuditSettings
    guard: GuardSettings
    log_level: str
    login: LoginSettings


LOG_LEVELS = ("debug", "info", "warning", "error")


def read_settings(environ: Mapping[str, str], roles: frozenset[Role]) -> CloudSettings:
    """Read the settings that `roles` need; SettingsInvalid names every problem there is."""
    env = _Environment(environ)
    notify = env.notify()
    cert_file, key_file = env.pair("HTTP_CERT_FILE", "HTTP_KEY_FILE")
    settings = CloudSettings(
        database_url=env.database_url(),
        mqtt=env.mqtt(is_needed=Role.INGEST in roles),
        topic_root=env.topic_root(),
        http_host=env.text("HTTP_HOST", "127.0.0.1"),
        http_port=env.integer("HTTP_PORT", 8080, 0, 65535),
        http_cert_file=cert_file,
        http_key_file=key_file,
        http_proxies=env.text("HTTP_PROXIES", ""),
        database_pool_size=env.integer("DATABASE_POOL_SIZE", 8, 1, 200),
        body_max_bytes=env.integer("BODY_MAX_BYTES", 4 * 1024 * 1024, 1024, 64 * 1024 * 1024),
        body_timeout_s=env.number("BODY_TIMEOUT_S", 30.0, 0.1, 3600.0),
        rate_per_minute=env.integer("RATE_PER_MINUTE", 60_000, 1, 10_000_000),
        running_max=env.integer("RUNNING_MAX", 256, 1, 100_000),
        streams_max=env.integer("STREAMS_MAX", 2_000, 1, 100_000),
        query_timeout_s=env.number("QUERY_TIMEOUT_S", 30.0, 0.05, 3600.0),
        query_max_samples=env.integer("QUERY_MAX_SAMPLES", 5_000_000, 1, 1_000_000_000),
        query_max_rows=env.integer("QUERY_MAX_ROWS", 200_000, 1, 10_000_000),
        query_slots=env.integer("QUERY_SLOTS", 4, 1, 100),
        query_wait_s=env.number("QUERY_WAIT_S", 10.0, 0.1, 300.0),
        reject_max_bytes=env.integer("REJECT_MAX_BYTES", 1024**3, 1024, 1024**4),
        session_idle_s=env.number("SESSION_IDLE_S", 8 * 3600.0, 60.0, 30 * 86400.0),
        session_max_s=env.number("SESSION_MAX_S", 7 * 86400.0, 60.0, 366 * 86400.0),
        retention=env.retention(),
        notify=notify,
        console=env.console(),
        audit=env.audit(),
        guard=env.guard(),
        log_level=env.choice("LOG_LEVEL", "info", LOG_LEVELS),
        login=env.login(notify.public_url),
    )
    if env.problems:
        raise SettingsInvalid(env.problems)
    return settings


def read_database_url(environ: Mapping[str, str]) -> str:
    """Read the one setting that `cloud migrate` and `cloud key` need."""
    env = _Environment(environ)
    url = env.database_url()
    if env.problems:
        raise SettingsInvalid(env.problems)
    return url


class _Environment(LoginEnvironment, AuditEnvironment):
    """Reads variables and collects what is wrong with them instead of stopping at the first."""

    def database_url(self) -> str:
        allowed = "postgresql://user@host:port/database"
        url = self._environ.get(PREFIX + "DATABASE_URL", "").strip()
        if not url:
            self._refuse("DATABASE_URL", None, "is needed", allowed)
        elif not url.startswith(("postgresql://", "postgres://")):
            # The URL may hold a password, so only its scheme is shown.
            self._refuse("DATABASE_URL", url.split(":", 1)[0] + ":…", "is not a PostgreSQL URL", allowed)
        return url

    def topic_root(self) -> str:
        root = self.text("TOPIC_ROOT", "millstream/v1")
        if any(mark in root for mark in "+#\0") or root.startswith(("/", "$")) or root.endswith("/"):
            allowed = "levels joined by '/', without + or #, not starting with / or $"
            self._refuse("TOPIC_ROOT", root, "is not a usable topic root", allowed)
        return root

    def retention(self) -> RetentionSettings:
        names = ("RETENTION_RAW", "RETENTION_1M", "RETENTION_15M")
        raw, minutes, quarters = (
            self._age(name, default) for name, default in zip(names, ("90d", "2y", "forever"), strict=True)
        )
        for name, shorter, longer in ((names[1], raw, minutes), (names[2], minutes, quarters)):
            if is_shorter(longer, shorter):
                # Quarters are merged from minutes, and minutes are rolled from raw samples.
                value = self.text(name, "")
                self._refuse(name, value or None, "is shorter than what it is made from is kept", "at least as long")
        maximum = self.integer("DATABASE_MAX_BYTES", 0, 0, 2**60)
        return RetentionSettings(
            raw, minutes, quarters, maximum or None, self._directory("DATABASE_DIRECTORY"), self._audit_age()
        )

    def _audit_age(self) -> timedelta | None:
        name = "RETENTION_AUDIT"
        age = self._age(name, "2y")
        if age is not None and age < AUDIT_LEAST:
            allowed = f"{AUDIT_LEAST.days}d (six months) or more, or forever"
            self._refuse(name, self.text(name, ""), "is shorter than an audit must be kept", allowed)
        return age

    def _directory(self, name: str) -> Path | None:
        raw = self.text(name, "")
        if raw and not Path(raw).is_dir():
            self._refuse(name, raw, "is not a directory", "a directory on the disk that the database is on")
        return Path(raw) if raw else None

    def _age(self, name: str, default: str) -> timedelta | None:
        raw = self.text(name, default)
        try:
            return read_age(raw)
        except AgeInvalid:
            self._refuse(name, raw, "is not a time to keep data", ALLOWED)
            return None

    def notify(self) -> NotifySettings:
        return NotifySettings(
            public_url=self._public_url(),
            allowed_networks=tuple(self._networks("NOTIFY_ALLOWED_NETWORKS")),
            link_hours=self.number("NOTIFY_LINK_HOURS", 24.0, 0.01, 720.0),
            max_attempts=self.integer("NOTIFY_MAX_ATTEMPTS", 30, 1, 1000),
        )

    def console(self) -> ConsoleSettings:
        mode = self.choice("CONSOLE", ConsoleMode.BESIDE, tuple(ConsoleMode))
        return ConsoleSettings(
            mode=ConsoleMode(mode) if mode in set(ConsoleMode) else ConsoleMode.OFF,
            host=self.text("CONSOLE_HOST", "127.0.0.1"),
            port=self.integer("CONSOLE_PORT", 8081, 0, 65535),
            pool_size=self.integer("CONSOLE_POOL_SIZE", 4, 1, 50),
            api_url=self.text("CONSOLE_API", ""),
        )

    def _public_url(self) -> str | None:
        url = self.text("PUBLIC_URL", "")
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            self._refuse("PUBLIC_URL", url, "is not the address of this service", "https://millstream.plant.example")
        return url or None

    def _networks(self, name: str) -> Iterator[IPv4Network | IPv6Network]:
        for text in filter(None, (part.strip() for part in self.text(name, "").split(","))):
            try:
                yield ip_network(text)
            except ValueError:
                self._refuse(name, text, "is not a network", "networks joined by commas, as 10.0.0.0/8,127.0.0.0/8")

    def mqtt(self, *, is_needed: bool) -> MqttSettings | None:
        allowed = "mqtt://user:password@host:1883 or mqtts://user:password@host:8883"
        raw = self._environ.get(PREFIX + "MQTT_URL", "").strip()
        if not raw:
            if is_needed:
                self._refuse("MQTT_URL", None, "is needed for the ingest role", allowed)
            return None
        url = urlsplit(raw)
        port = _port(url)
        shown = f"{url.scheme}://{'…@' if '@' in url.netloc else ''}{url.netloc.rpartition('@')[2]}"
        if url.scheme not in {"mqtt", "mqtts"}:
            self._refuse("MQTT_URL", f"{url.scheme}:…", "has no known scheme", allowed)
        if not url.hostname or port is None or url.path not in {"", "/"} or url.query:
            self._refuse("MQTT_URL", shown, "is not host and port alone", allowed)
        return self._mqtt_settings(url, port)

    def _mqtt_settings(self, url: SplitResult, port: int | None) -> MqttSettings:
        is_tls = url.scheme == "mqtts"
        names = ("MQTT_CA_FILE", "MQTT_CERT_FILE", "MQTT_KEY_FILE", "MQTT_PASSWORD_FILE")
        files = {name: self._file(name) for name in names}
        for name in names[:3]:
            if files[name] is not None and not is_tls:
                self._refuse(name, str(files[name]), "has no use without TLS", "an mqtts:// URL")
        self._check_pair(files, "MQTT_CERT_FILE", "MQTT_KEY_FILE")
        return MqttSettings(
            host=url.hostname or "",
            port=port or (8883 if is_tls else 1883),
            is_tls=is_tls,
            username=unquote(url.username) if url.username else None,
            password=self._password(url, files["MQTT_PASSWORD_FILE"]),
            ca_file=files["MQTT_CA_FILE"],
            cert_file=files["MQTT_CERT_FILE"],
            key_file=files["MQTT_KEY_FILE"],
        )

    def _password(self, url: SplitResult, file: Path | None) -> str | None:
        if file is None:
            return unquote(url.password) if url.password else None
        if url.password:
            self._refuse("MQTT_PASSWORD_FILE", str(file), "is given beside a password in MQTT_URL", "one of the two")
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._refuse("MQTT_PASSWORD_FILE", str(file), f"cannot be read ({error})", "a readable text file")
            return None


def _port(url: SplitResult) -> int | None:
    """The port, 0 for the scheme's own, or None when it is no port number."""
    try:
        return url.port or 0
    except ValueError:
        return None
