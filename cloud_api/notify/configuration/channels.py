"""What a channel is: mail, a chat or SMS service by its Apprise address, or a signed webhook."""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from cloud_api.notify.configuration.services import SERVICES, find_service
from cloud_api.outbound.signing import MIN_SECRET_BYTES, read_secret

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_ADDRESS = re.compile(r"[^@\s<>\"',;&?]{1,64}@[^@\s<>\"',;&?/]{1,255}")


class Language(StrEnum):
    """In which language a channel's people read."""

    ENGLISH = "en"
    CHINESE = "zh"
    BOTH = "both"


class Switch(StrEnum):
    """Whether something is used."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Security(StrEnum):
    """How mail is sent to its server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


def _check_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("is not an e-mail address")
    return text


MailAddress = Annotated[str, AfterValidator(_check_address)]


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    language: Language = Language.BOTH
    state: Switch = Switch.ENABLED


class EmailChannel(_Channel):
    """Mail through a server of yours."""

    kind: Literal["email"]
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$", description="The mail server")
    port: int | None = Field(default=None, ge=1, le=65535, description="25, 587 or 465 by `security` when absent")
    security: Security = Security.STARTTLS
    username: str | None = Field(default=None, max_length=200)
    password: SecretStr | None = Field(default=None, description="Never shown; absent in a change: stays as it is")
    sender: MailAddress
    to: list[MailAddress] = Field(min_length=1, max_length=50)


class WebhookChannel(_Channel):
    """A POST of JSON, signed as Standard Webhooks has it."""

    kind: Literal["webhook"]
    url: str = Field(max_length=2000, examples=["https://hooks.plant.example/alarms"])
    secret: SecretStr | None = Field(
        default=None,
        description=f"At least {MIN_SECRET_BYTES} bytes, or whsec_ and base64; never shown; needed to make a channel",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
            raise ValueError("is not http:// or https:// with a host, without user and fragment")
        return url

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            read_secret(secret.get_secret_value())
        return secret


class ServiceChannel(_Channel):
    """A chat or SMS service, by its Apprise address; the whole address is a secret."""

    kind: Literal["service"]
    address: SecretStr | None = Field(
        default=None,
        description="An Apprise address, as wecombot://<key>; never shown; needed to make a channel. Services: "
        + ", ".join(sorted(SERVICES)),
    )

    @field_validator("address")
    @classmethod
    def _check_service(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None:
            find_service(address.get_secret_value())
        return address


ChannelRequest: TypeAlias = Annotated[EmailChannel | WebhookChannel | ServiceChannel, Field(discriminator="kind")]
SECRETS = {"email": "password", "webhook": "secret", "service": "address"}


def split_secrets(channel: EmailChannel | WebhookChannel | ServiceChannel) -> tuple[dict[str, Any], dict[str, str]]:
    """Part what may be shown from what never leaves the database."""
    shown = channel.model_dump(mode="json", exclude={"name", "language", "state", "kind", SECRETS[channel.kind]})
    secret: SecretStr | None = getattr(channel, SECRETS[channel.kind])
    return shown, {} if secret is None else {SECRETS[channel.kind]: secret.get_secret_value()}


class Channel(BaseModel):
    """A channel as it is shown: never with its secret."""

    id: UUID
    name: str
    version: int
    kind: str
    language: Language
    state: Switch
    settings: dict[str, Any]
    service: str | None = Field(description="The service behind an Apprise address")
    has_secret: bool
    updated_at: str
    updated_by: str


class ChannelPage(BaseModel):
    """Every channel, by name."""

    items: list[Channel]


class VersionParameters(BaseModel):
    """Of changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int | None = Field(default=None, ge=1, description="Refuse the change if another was made since this one")


class TrialAnswer(BaseModel):
    """What became of a test message."""

    notification: UUID
    state: str = Field(description="sent, dead (see `error`), or waiting when nobody has taken it yet")
    error: str | None
