"""What requests and answers about people look like."""

import re
import unicodedata

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cloud_api.auth.reach import ALLOWED as REACH_ALLOWED
from cloud_api.auth.roles import Permission, Role
from cloud_api.instants import Instant

REACH = f"Globs of the paths that exist for this caller: {REACH_ALLOWED}"
NAME_ALLOWED = "1 to 64 letters of any script, digits, and . _ - @ (not first)"
_NAME = re.compile(r"\w[\w.@-]{0,63}")


def user_name_problem(name: str) -> str | None:
    """Say why a name is none for a user, None when it is one."""
    if unicodedata.normalize("NFC", name) != name:
        return "is not in Unicode's form NFC"
    return None if _NAME.fullmatch(name) else "is not the name of a user"


class Asked(BaseModel):
    """A request's body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoginRequest(Asked):
    """Of POST /login."""

    name: str = Field(min_length=1, max_length=64)
    password: SecretStr = Field(min_length=1, max_length=256)
    code: SecretStr | None = Field(
        default=None, max_length=32, description="Of the second factor, or a recovery code, where one is set up"
    )


class PasswordChange(Asked):
    """Of PUT /me/password."""

    old: SecretStr = Field(min_length=1, max_length=256)
    new: SecretStr = Field(min_length=1, max_length=256)


class PasswordProof(Asked):
    """The password once more, for what a stolen session must not be able to do."""

    password: SecretStr = Field(min_length=1, max_length=256)


class CodeProof(Asked):
    """A code that the authenticator shows."""

    code: SecretStr = Field(min_length=1, max_length=32)


class NewUser(Asked):
    """Of POST /users."""

    name: str = Field(min_length=1, max_length=64, description=NAME_ALLOWED, examples=["wang.li"])
    role: Role
    display_name: str | None = Field(default=None, max_length=100)
    reach: list[str] = Field(default=["**"], description=REACH, examples=[["hangzhou/press-shop/**"]])


class UserChange(Asked):
    """Of PATCH /users/{id}; what is not named stays as it is."""

    role: Role | None = None
    display_name: str | None = Field(default=None, max_length=100)
    reach: list[str] | None = Field(default=None, description=REACH)
    state: str | None = Field(default=None, pattern="^(enabled|disabled)$")


class Me(BaseModel):
    """Who is asking."""

    name: str
    display_name: str | None = None
    role: Role | None
    permissions: list[Permission]
    reach: list[str] = Field(description=REACH)
    is_user: bool = Field(description="False for an API key")
    must_change_password: bool = False
    has_second_factor: bool = False
    csrf: str | None = Field(
        default=None, description="What a page sends as `X-Millstream-CSRF` with everything but GET; with a cookie only"
    )


class LoggedIn(BaseModel):
    """Of POST /login; the session itself is in the cookie, and in `token` for callers that have no cookies."""

    token: str = Field(description="Goes into `Authorization: Bearer <token>` instead of the cookie")
    expires_at: Instant
    me: Me


class User(BaseModel):
    """A user as administrators see one."""

    id: int
    name: str
    display_name: str | None
    role: Role
    state: str = Field(description="enabled or disabled")
    created_at: Instant
    last_login_at: Instant | None
    password_changed_at: Instant | None
    must_change_password: bool
    has_second_factor: bool
    has_identity: bool = Field(description="Logs in by the identity provider, which decides on role and reach")
    reach: list[str] = Field(description=REACH)


class UserWithPassword(BaseModel):
    """A user and the password for one use, which is shown here and never again."""

    user: User
    one_time_password: str


class UserPage(BaseModel):
    """Of GET /users."""

    items: list[User]
    next: str | None


class Session(BaseModel):
    """One session of the caller."""

    id: int
    address: str
    client: str
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    is_this: bool


class SessionPage(BaseModel):
    """Of GET /me/sessions."""

    items: list[Session]


class SecondFactorSetup(BaseModel):
    """A second factor that waits for its first code."""

    secret: str
    uri: str = Field(description="What an authenticator reads as a QR code")


class RecoveryCodes(BaseModel):
    """Codes for the day when the telephone is lost, each for one use, shown here and never again."""

    recovery_codes: list[str]
