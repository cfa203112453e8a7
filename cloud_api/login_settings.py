"""How people may log in: by passwords, by an identity provider (OpenID Connect), or both; read from the environment."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cloud_api.environment import Environment

# What the protocol itself sends; a setting must not speak in its place.
PROTOCOL_PARAMETERS = frozenset(
    {
        *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "request", "request_uri"),
    }
)
MOST_RULES = 200
_RULES_ALLOWED = "TOML with [[rule]] tables of `group`, `role` and, where it is not everything, `reach`"


class LocalLogin(StrEnum):
    """Who may log in by password."""

    EVERYONE = "everyone"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """One identity provider. `rules` are the tables of the rules file, in its order, as written there."""

    issuer: str
    client_id: str
    client_secret: str | None
    name: str
    scopes: str
    name_claim: str
    groups_claim: str
    rules: tuple[dict[str, Any], ...]
    rules_file: Path
    parameters: tuple[tuple[str, str], ...]
    leeway_s: int
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """Who may log in how."""

    local: LocalLogin
    break_glass_user: str
    oidc: OidcSettings | None


class LoginEnvironment(Environment):
    """Reads how people may log in."""

    def login(self, public_url: str | None) -> LoginSettings:
        """Read all of it; an identity provider needs the address that browsers know this service by."""
        oidc = self._oidc(public_url)
        local = LocalLogin.EVERYONE
        chosen = self.choice("LOCAL_LOGIN", local, tuple(LocalLogin))
        if chosen == LocalLogin.BREAK_GLASS:
            local = LocalLogin.BREAK_GLASS
            if oidc is None:
                allowed = "everyone, or MILLSTREAM_OIDC_ISSUER beside it"
                self._refuse("LOCAL_LOGIN", chosen, "would leave nobody else a way in", allowed)
        return LoginSettings(local, self.text("BREAK_GLASS_USER", "admin"), oidc)

    def _oidc(self, public_url: str | None) -> OidcSettings | None:
        issuer = self.text("OIDC_ISSUER", "")
        if not issuer:
            return None
        if not is_safe_address(issuer):
            allowed = "an https:// address without query (http:// on loopback only), just as the provider writes it"
            self._refuse("OIDC_ISSUER", issuer, "is not the address of an identity provider", allowed)
        if public_url is None:
            self._refuse("PUBLIC_URL", None, "is needed beside OIDC_ISSUER", "the address that browsers come to")
        rules_file = self._needed_file("OIDC_RULES_FILE", _RULES_ALLOWED)
        return OidcSettings(
            issuer=issuer,
            client_id=self._needed("OIDC_CLIENT_ID", "as it is registered at the provider"),
            client_secret=self._secret("OIDC_CLIENT_SECRET_FILE"),
            name=self.text("OIDC_NAME", "Single sign-on"),
            scopes=self._scopes(),
            name_claim=self.text("OIDC_NAME_CLAIM", "preferred_username"),
            groups_claim=self.text("OIDC_GROUPS_CLAIM", "groups"),
            rules=self._rules(rules_file),
            rules_file=rules_file,
            parameters=self._parameters(),
            leeway_s=self.integer("OIDC_LEEWAY_S", 60, 0, 600),
            ca_file=self._file("OIDC_CA_FILE"),
        )

    def _scopes(self) -> str:
        scopes = self.text("OIDC_SCOPES", "openid profile email")
        if "openid" not in scopes.split():
            self._refuse("OIDC_SCOPES", scopes, "asks for no ID token", "words joined by spaces, openid among them")
        return scopes

    def _parameters(self) -> tuple[tuple[str, str], ...]:
        raw = self.text("OIDC_PARAMETERS", "")
        pairs = tuple(parse_qsl(raw, keep_blank_values=True))
        taken = sorted({name for name, _ in pairs} & PROTOCOL_PARAMETERS)
        if taken or (raw and not pairs):
            detail = f"names {', '.join(taken)}" if taken else "has no name=value"
            self._refuse("OIDC_PARAMETERS", raw, detail, "further parameters of the log-in, as kc_idp_hint=wecom&…")
        return pairs

    def _rules(self, file: Path) -> tuple[dict[str, Any], ...]:
        if not file.is_file():
            return ()
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self._refuse("OIDC_RULES_FILE", str(file), f"cannot be read ({error})", _RULES_ALLOWED)
            return ()
        found: Any = document.get("rule")
        rules: list[Any] = found if isinstance(found, list) else []
        is_list = 1 <= len(rules) <= MOST_RULES and all(isinstance(rule, dict) for rule in rules)
        if set(document) != {"rule"} or not is_list:
            detail = f"has no list of 1 to {MOST_RULES} rules, or something beside it"
            self._refuse("OIDC_RULES_FILE", str(file), detail, _RULES_ALLOWED)
            return ()
        return tuple(rules)

    def _secret(self, name: str) -> str | None:
        file = self._file(name)
        if file is None or not file.is_file():
            return None
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(name, str(file), f"cannot be read ({error})", "a readable text file")
            return None
        if not secret:
            self._refuse(name, str(file), "is empty", "a file with the client's secret")
        return secret or None

    def _needed(self, name: str, allowed: str) -> str:
        value = self.text(name, "")
        if not value:
            self._refuse(name, None, "is needed beside OIDC_ISSUER", allowed)
        return value

    def _needed_file(self, name: str, allowed: str) -> Path:
        if not self._needed(name, allowed):
            return Path()
        return self._file(name) or Path()


def is_safe_address(url: str) -> bool:
    """Say whether secrets may travel to an address: HTTPS, or this very machine."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or not has_port:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Whether a host's name means this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
