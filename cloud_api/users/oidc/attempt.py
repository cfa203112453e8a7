"""One attempt to log in: what travels to the provider and back, all made of one secret in the browser's cookie (pure).

State, nonce and PKCE verifier are HMACs of the secret, so nothing is kept here while somebody types a password there,
and an answer counts only in the browser that asked.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

SECRET_BYTES = 32
LASTS_S = 600
COOKIE_PREFIX = "millstream_oidc_"
RETURN_CHARACTERS = 500
RETURN_ALLOWED = f"a path of this service, as /console/alarms, at most {RETURN_CHARACTERS} characters of ASCII"

# Browsers take a backslash for a slash and leave out tabs and line ends: //, /\ and /<tab>/ lead to other sites.
_RETURN = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", re.ASCII)
_STATE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COOKIE = re.compile(r"([0-9a-f]{64})\.(\d{1,12})\.([A-Za-z0-9_-]{0,700})", re.ASCII)
_NAME_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An attempt, in the browser that makes it; `began_s` are seconds since 1970."""

    secret: str
    began_s: int
    return_to: str

    @property
    def state(self) -> str:
        """What must come back. It is made of the whole attempt, so neither its age nor its aim can be changed."""
        return self._derived(f"state\n{self.began_s}\n{self.return_to}").hex()

    @property
    def nonce(self) -> str:
        """What must stand in the ID token."""
        return self._derived("nonce").hex()

    @property
    def verifier(self) -> str:
        """What proves to the provider that the code was asked for by us (RFC 7636)."""
        return _base64url(self._derived("verifier"))

    @property
    def challenge(self) -> str:
        """The verifier's hash, which may be seen."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def cookie_name(self) -> str:
        """Each attempt has a cookie of its own, so that two tabs do not disturb each other."""
        return cookie_name(self.state)

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return f"{self.secret}.{self.began_s}.{_base64url(self.return_to.encode())}"

    def is_over(self, now_s: float) -> bool:
        """Whether too much time has passed."""
        return not self.began_s - LASTS_S <= now_s <= self.began_s + LASTS_S

    def _derived(self, purpose: str) -> bytes:
        return hmac.new(bytes.fromhex(self.secret), purpose.encode(), hashlib.sha256).digest()


def begin(random: Callable[[int], bytes], now_s: float, return_to: str) -> LoginAttempt:
    """Begin an attempt with `random`, which gives that many bytes that nobody can guess."""
    return LoginAttempt(random(SECRET_BYTES).hex(), int(now_s), return_to)


def find(state: str, cookies: Mapping[str, str]) -> LoginAttempt | None:
    """Find the attempt that an answer belongs to, None where this browser made none of this state."""
    if not _STATE.fullmatch(state):
        return None
    match = _COOKIE.fullmatch(cookies.get(cookie_name(state), ""))
    return_to = _unbase64url(match[3]) if match else None
    if match is None or return_to is None or not is_return_path(return_to):
        return None
    attempt = LoginAttempt(match[1], int(match[2]), return_to)
    return attempt if hmac.compare_digest(attempt.state, state) else None


def cookie_name(state: str) -> str:
    """The name of the cookie of an attempt."""
    return COOKIE_PREFIX + state[:_NAME_CHARACTERS]


def is_return_path(path: str) -> bool:
    """Whether a browser that goes there stays with this service."""
    return len(path) <= RETURN_CHARACTERS and _RETURN.fullmatch(path) is not None


def authorization_address(
    endpoint: str, attempt: LoginAttempt, own: Mapping[str, str], more: tuple[tuple[str, str], ...]
) -> str:
    """Where the browser goes; `own` are client_id, redirect_uri and scope."""
    protocol = {
        "response_type": "code",
        **own,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(endpoint).query else "?"
    return endpoint + joint + urlencode([*protocol.items(), *more])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
