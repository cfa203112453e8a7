"""Keys of shares: `msh_<prefix>_<secret>`; the prefix finds one, the secret proves it, only its hash is kept (pure)."""

import re
from collections.abc import Callable

from cloud_api.auth.tokens import Token, make_token

FORM = "msh_<prefix>_<secret>"
LINK_PATH = "/shared/open/"

_TOKEN = re.compile(r"msh_([0-9a-f]{10})_([0-9a-f]{64})", re.ASCII)


def make_share_token(random: Callable[[int], bytes]) -> Token:
    """Make a key from `random`, which gives that many bytes that nobody can guess."""
    return make_token(random)


def write_share_token(token: Token) -> str:
    """Show a key as its holder sends it."""
    return f"msh_{token.prefix}_{token.secret}"


def parse_share_token(text: str) -> Token | None:
    """Read a key, None when it has not the form of one."""
    match = _TOKEN.fullmatch(text)
    return Token(match[1], match[2]) if match else None
