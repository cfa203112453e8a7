"""Sessions of people: `mss_<secret>`, kept as a hash; and what proves that a page of ours sent a request (pure)."""

import hashlib
import hmac
import re
from collections.abc import Callable

SECRET_BYTES = 32
PREFIX = "mss_"
COOKIE = "millstream_session"
PROOF_HEADER = "X-Millstream-CSRF"

_FORM = re.compile(rf"{PREFIX}[0-9a-f]{{64}}", re.ASCII)


def make_session_token(random: Callable[[int], bytes]) -> str:
    """Make a token from `random`, which gives that many bytes that nobody can guess."""
    return PREFIX + random(SECRET_BYTES).hex()


def is_session_token(text: str) -> bool:
    """Whether a text has the form of a session's token."""
    return _FORM.fullmatch(text) is not None


def hash_session_token(token: str) -> bytes:
    """Hash a token. It has 256 random bits, so a slow hash would only slow every request down."""
    return hashlib.sha256(token.encode()).digest()


def proof_of(token: str) -> str:
    """What a page sends in the header X-Millstream-CSRF: made of the cookie, which pages of others cannot read."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_proof(token: str, given: str | None) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(proof_of(token), given or "")
