"""What answers about logging in by an identity provider look like."""

from pydantic import BaseModel, Field

from cloud_api.login_settings import LocalLogin
from cloud_api.users.models import Asked


class ProviderDoor(BaseModel):
    """The identity provider."""

    name: str = Field(description="What the button says")
    address: str = Field(description="Where the button leads: a link, not a call; `?return_to=/path` may follow")


class LoginDoors(BaseModel):
    """Of GET /login."""

    local: LocalLogin = Field(description="Who may log in by password; with break_glass one administrator alone")
    oidc: ProviderDoor | None


class LoggedOut(BaseModel):
    """Of POST /logout/oidc."""

    end_session_url: str | None = Field(description="Where the browser goes to log out at the identity provider too")


class IdentityGiven(Asked):
    """Of PUT /users/{id}/identity."""

    subject: str = Field(min_length=1, max_length=255, description="`sub` of the ID token, as refused log-ins show it")
