"""API keys: `ms_<prefix>_<secret>`; the prefix finds a key, the secret proves it, only its hash is kept (pure)."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

PREFIX_BYTES = 5
SECRET_BYTES = 32
FORM = "ms_<prefix>_<secret>"

_TOKEN = re.compile(r"ms_([0-9a-f]{10})_([0-9a-f]{64})", re.ASCII)
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Token:
    """A key in its two parts."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        """Show the key as its owner sends it."""
        return f"ms_{self.prefix}_{self.secret}"

    def __repr__(self) -> str:
        """Show no secret in logs and tracebacks."""
        return f"Token({self.prefix!r})"


def make_token(random: Callable[[int], bytes]) -> Token:
    """Make a key from `random`, which gives that many bytes that nobody can guess."""
    return Token(random(PREFIX_BYTES).hex(), random(SECRET_BYTES).hex())


def parse_token(text: str) -> Token | None:
    """Read a key, None when it has not the form of one."""
    match = _TOKEN.fullmatch(text)
    return Token(match[1], match[2]) if match else None


def hash_secret(token: Token) -> bytes:
    """Hash the secret. It has 256 random bits, so a slow hash would only slow every request down."""
    return hashlib.sha256(token.secret.encode()).digest()


def is_proved(token: Token, kept_hash: bytes | None) -> bool:
    """Compare in constant time, also where there is nothing to compare with."""
    is_equal = hmac.compare_digest(hash_secret(token), kept_hash or _NO_HASH)
    return is_equal and kept_hash is not None
