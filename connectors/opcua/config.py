"""What a device table and a tag table say for OPC UA."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from connectors.opcua import browse_paths, node_id, parts
from connectors.opcua.limits import CHUNK
from connectors.opcua.vendors import PROFILES, Vendor
from connectors.tables import ConnectorConfig, Duration, PointConfig

DEFAULT_PORT = 4840
_DEADBAND = re.compile(r"(\d+(?:\.\d+)?)(%?)")
_THUMBPRINT = re.compile(r"[0-9A-F]{40}")


class Mode(StrEnum):
    """Who decides when a value travels: the server on change, or we by the clock."""

    SUBSCRIBED = "subscribed"
    POLLED = "polled"


class Security(StrEnum):
    """Policy and message mode of the secure channel."""

    AUTO = "auto"
    NONE = "None"
    BASIC256SHA256_SIGN = "Basic256Sha256/Sign"
    BASIC256SHA256_ENCRYPT = "Basic256Sha256/SignAndEncrypt"
    AES128_SIGN = "Aes128Sha256RsaOaep/Sign"
    AES128_ENCRYPT = "Aes128Sha256RsaOaep/SignAndEncrypt"
    AES256_SIGN = "Aes256Sha256RsaPss/Sign"
    AES256_ENCRYPT = "Aes256Sha256RsaPss/SignAndEncrypt"
    BASIC256_SIGN = "Basic256/Sign"
    BASIC256_ENCRYPT = "Basic256/SignAndEncrypt"
    BASIC128_SIGN = "Basic128Rsa15/Sign"
    BASIC128_ENCRYPT = "Basic128Rsa15/SignAndEncrypt"


DEPRECATED = frozenset(
    {Security.BASIC256_SIGN, Security.BASIC256_ENCRYPT, Security.BASIC128_SIGN, Security.BASIC128_ENCRYPT}
)
"""Policies with SHA-1, which the OPC Foundation has withdrawn: for old servers only, and never chosen by `auto`."""


class Reads(StrEnum):
    """How a poll names its points."""

    PLAIN = "plain"
    REGISTERED = "registered"


class ServerTrust(StrEnum):
    """Which certificate of a server is taken where none is pinned."""

    FIRST_USE = "first_use"
    ANY = "any"


class SampleTime(StrEnum):
    """Whose clock stamps a sample; where that stamp is missing the next in this order serves."""

    SOURCE = "source"
    SERVER = "server"
    RECEIVED = "received"


class Decoder(StrEnum):
    """Who reads the server's notifications: our own decoder in one pass, or asyncua alone, object by object."""

    BATCH = "batch"
    ASYNCUA = "asyncua"


class Resume(StrEnum):
    """What the server is to hold for us while we are away."""

    SUBSCRIPTION = "subscription"
    NOTHING = "nothing"


class History(StrEnum):
    """Whether the server's history fills what an outage left open."""

    READ = "read"
    OFF = "off"


class Discard(StrEnum):
    """Which change of a full queue gives way to a new one."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Form(StrEnum):
    """What an enumeration is delivered as."""

    VALUE = "value"
    LABEL = "label"


class Trigger(StrEnum):
    """What has to change for the server to report a value."""

    STATUS = "status"
    VALUE = "value"
    TIME = "time"


def _deadband(value: str) -> str:
    found = _DEADBAND.fullmatch(value)
    if found is None or (found[2] and float(found[1]) > 100):
        raise ValueError('must be a width such as "0.5", or percent of the range that the server states, such as "2%"')
    return value


ServerDeadband = Annotated[str, AfterValidator(_deadband)]


def _thumbprint(value: str) -> str:
    plain = value.replace(":", "").replace(" ", "").upper()
    if not _THUMBPRINT.fullmatch(plain):
        raise ValueError("must be the SHA-1 thumbprint of the server's certificate: 40 hexadecimal digits")
    return plain


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "opc.tcp" or not parts.hostname:
        raise ValueError("must look like opc.tcp://10.0.0.20:4840")
    if "@" in parts.netloc:
        raise ValueError("must not carry a user name or a password; use username and password_file")
    if parts.port is None:
        return value.replace(parts.netloc, f"{parts.netloc}:{DEFAULT_PORT}", 1)
    return value


def _path(value: str) -> str:
    return str(browse_paths.parse(value))


def _part(value: str) -> str:
    parts.parse(value)
    return value


def _elements(value: str) -> str:
    parts.element_numbers(value)
    return value


def _list(value: object) -> object:
    """One cell of a tag list is as good as a list: `Speed; Axis[1].Speed`."""
    names = [name.strip() for name in value.split(";")] if isinstance(value, str) else value
    if isinstance(names, list):
        for name in cast("list[object]", names):
            parts.parse(str(name))
    return cast("object", names)


def _node(value: str) -> str:
    return str(node_id.parse(value))


class OpcuaConfig(ConnectorConfig, frozen=True):
    """One OPC UA server: where it is, how it is trusted, how its values travel."""

    url: Annotated[str, AfterValidator(_url)] = Field(description="Endpoint of the server, opc.tcp://host:port/path.")
    mode: Mode = Field(default=Mode.SUBSCRIBED, description="subscribed: the server reports changes; polled: we read.")
    sampling: Annotated[Duration, Field(ge=0, le=3600)] = Field(
        default=0.5, description='How often the server looks at each value, e.g. "250ms"; "0s" is its fastest.'
    )
    publishing: Annotated[Duration, Field(ge=0.01, le=3600)] = Field(
        default=0.5, description='How often the server sends what has changed, e.g. "500ms".'
    )
    queue: int = Field(
        default=10, ge=1, le=100_000, description="Changes of one value that the server keeps until it sends them."
    )
    discard: Discard = Field(
        default=Discard.OLDEST, description="Which change of a full queue gives way: oldest or newest."
    )
    trigger: Trigger = Field(
        default=Trigger.VALUE, description="What is reported: status changes only, values too, or new times as well."
    )
    server_deadband: ServerDeadband | None = Field(
        default=None, description='Smaller changes are not reported: a width, "0.5", or percent of EURange, "2%".'
    )
    resume: Resume = Field(
        default=Resume.SUBSCRIPTION,
        description="subscription: the server queues changes while we are away, for session_timeout; or nothing.",
    )
    history: History = Field(
        default=History.READ, description="read: an outage is filled from the server's history where it has one; off."
    )
    keep_alive: Annotated[Duration, Field(ge=0.1, le=600)] = Field(
        default=2.0, description="A server with nothing to report says so this often; silence beyond is an outage."
    )
    timeout: Annotated[Duration, Field(ge=0.1, le=120)] = Field(
        default=4.0, description="How long one answer may take."
    )
    session_timeout: Annotated[Duration, Field(ge=10, le=86_400)] = Field(
        default=60.0, description="How long the server keeps the session of an agent that vanished."
    )
    retry_refused: Annotated[Duration, Field(ge=0.1, le=86_400)] = Field(
        default=60.0, description="How long until a point that the server refused is asked for again."
    )
    notifications: int = Field(
        default=1_000, ge=0, le=20_000, description="Most changes in one message of the server; 0 leaves it to it."
    )
    sample_time: SampleTime = Field(
        default=SampleTime.SOURCE, description="Whose clock stamps a sample: source, server or received."
    )
    decoder: Decoder = Field(
        default=Decoder.BATCH, description="batch: notifications are read in one pass; asyncua: by its slower decoder."
    )
    security: Security = Field(
        default=Security.NONE,
        description="None, or policy and mode of the secure channel; auto takes the best on offer and never None.",
    )
    certificates: Path = Field(
        default=Path("/var/lib/millstream/certificates"),
        description="Directory of our own certificate; made on first use, valid for ten years, renewed before.",
    )
    server_certificate: Path | None = Field(
        default=None, description="The server's certificate (.der or .pem): any other one is refused."
    )
    server_thumbprint: Annotated[str, AfterValidator(_thumbprint)] | None = Field(
        default=None, description="SHA-1 thumbprint of the server's certificate: any other one is refused."
    )
    server_trust: ServerTrust = Field(
        default=ServerTrust.FIRST_USE,
        description="first_use: the certificate seen first is kept and any other refused; any: each is taken.",
    )
    fallback_urls: tuple[Annotated[str, AfterValidator(_url)], ...] = Field(
        default=(), max_length=8, description="Endpoints of redundant servers, tried in turn while `url` is away."
    )
    username: str | None = Field(default=None, min_length=1, description="Log in by user name; else anonymous.")
    password_file: Path | None = Field(default=None, description="File whose first line is the password.")
    password_env: str | None = Field(
        default=None, min_length=1, description="Environment variable that holds the password."
    )

    user_certificate: Path | None = Field(
        default=None, description="Log in by this certificate of a user (.der or .pem); user_key is its private key."
    )
    user_key: Path | None = Field(default=None, description="Private key of user_certificate (.pem).")
    token_file: Path | None = Field(
        default=None, description="Log in by an issued token, such as a JWT: file whose first line it is."
    )
    token_env: str | None = Field(
        default=None, min_length=1, description="Environment variable that holds the issued token."
    )
    reads: Reads = Field(
        default=Reads.PLAIN,
        description="registered: points are made known once a session, which some PLCs read faster.",
    )
    vendor: Vendor | None = Field(
        default=None, description="Make of a server whose limits are known; keys that are written count more."
    )
    request_limit: int = Field(
        default=CHUNK,
        ge=1,
        le=CHUNK,
        description="Most items in one request, for a server that states more than it can bear.",
    )
    subscription_limit: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Most items in one subscription, for a server that states none."
    )

    @model_validator(mode="before")
    @classmethod
    def _limits_of_the_vendor(cls, table: object) -> object:
        if not isinstance(table, dict):
            return table
        written = cast("dict[str, object]", table)
        profile = next((PROFILES[known] for known in Vendor if known == written.get("vendor")), None)
        if profile is None or profile.request_limit is None:
            return written
        return {"request_limit": profile.request_limit, **written}

    @model_validator(mode="after")
    def _a_user_is_one_person(self) -> Self:
        if (self.user_certificate is None) != (self.user_key is None):
            raise ValueError("user_certificate and user_key belong together")
        logins = {
            "username": self.username,
            "user_certificate": self.user_certificate,
            "token_file": self.token_file,
            "token_env": self.token_env,
        }
        given = [key for key, value in logins.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{given[1]} cannot stand beside {given[0]}; one of the two is allowed")
        return self

    @property
    def is_token_bearer(self) -> bool:
        """Whether we log in by a token that somebody else has issued."""
        return self.token_file is not None or self.token_env is not None

    @field_validator("password_file", "password_env")
    @classmethod
    def _password_has_a_user(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("username") is None:
            raise ValueError("needs username beside it")
        if value is not None and info.field_name == "password_env" and info.data.get("password_file") is not None:
            raise ValueError("cannot stand beside password_file; one of the two is allowed")
        return value

    @field_validator("server_certificate", "server_thumbprint")
    @classmethod
    def _pinned_server_shows_a_certificate(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("security") is Security.NONE:
            raise ValueError('needs a security other than "None"')
        return value


class OpcuaPoint(PointConfig, frozen=True):
    """One variable of the server."""

    node: Annotated[str, AfterValidator(_node)] | None = Field(
        default=None, description="Node id with the namespace by its URI: nsu=urn:factory:cell;s=Spindle.Speed"
    )
    path: Annotated[str, AfterValidator(_path)] | None = Field(
        default=None, description="In place of node, names from the root down: /0:Objects/nsu=urn:factory:cell;Spindle"
    )
    part: Annotated[str, AfterValidator(_part)] | None = Field(
        default=None, description="Part of an array or a structure: Axis[1].Speed, [3], or [2:5] as JSON."
    )
    elements: Annotated[str, BeforeValidator(str), AfterValidator(_elements)] | None = Field(
        default=None, description="A tag for each element of an array: how many, 8, or which, 4-7."
    )
    fields: Annotated[tuple[str, ...], BeforeValidator(_list)] | None = Field(
        default=None, description="A tag for each of these fields of a structure (of each element, if both are there)."
    )
    index_range: Annotated[str, BeforeValidator(str), AfterValidator(parts.range_text)] | None = Field(
        default=None, description='Only this range of the array is asked of the server: "3", "2:5", "0:1,2:4".'
    )
    form: Form = Field(default=Form.VALUE, description="value: an enumeration's number; label: its word.")
    server_deadband: ServerDeadband | None = Field(
        default=None, description="Of this point, in place of the device's; 0 for none."
    )

    events: bool = Field(default=False, description="The events of the node in place of its value, each as JSON.")
    min_severity: int = Field(default=0, ge=0, le=1_000, description="Events below this severity stay at the server.")
    event_fields: tuple[str, ...] = Field(
        default=(), description="Fields that these events have beyond the usual ones: MaxTime, or State/Id."
    )

    @model_validator(mode="after")
    def _events_are_reported(self, info: ValidationInfo) -> Self:
        if not self.events and (self.min_severity or self.event_fields):
            raise ValueError("min_severity and event_fields need events = true")
        if self.events and (self.part or self.elements or self.fields or self.server_deadband):
            raise ValueError("events have no part, elements, fields or server_deadband")
        if self.events and isinstance(info.context, OpcuaConfig) and info.context.mode is Mode.POLLED:
            raise ValueError('events cannot be polled: the device needs mode = "subscribed"')
        return self

    @model_validator(mode="after")
    def _has_one_address(self) -> Self:
        if (self.node is None) == (self.path is None):
            raise ValueError("node or path is needed, and only one of them")
        if self.part is not None and (self.elements is not None or self.fields is not None):
            raise ValueError("part cannot stand beside elements or fields")
        if self.index_range is not None and (self.part or self.elements or self.fields or self.events):
            raise ValueError("index_range cannot stand beside part, elements, fields or events")
        return self

    @property
    def address(self) -> str:
        """Node or path, as it is written."""
        return self.node or self.path or ""
