"""Passwords: Argon2id hashes, what counts as one that is hard to guess, and passwords for one use."""

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from cloud_api.problems import Kinds, Problem

LEAST_CHARACTERS, MOST_CHARACTERS = 10, 256
# 0 to 4; 3 is "safely unguessable" online, after the paper by Wheeler (USENIX Security 2016).
LEAST_SCORE = 3
_LOOKED_AT_CHARACTERS = 72
# One hash takes 64 MiB; a flood of log-ins must not take them all at once.
HASHES_AT_ONCE = 2
MOST_WAITING = 50
# No 0 O 1 I L: it is read from a screen or a slip of paper. 16 of 31 are 79 bits.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_GROUPS, _GROUP_CHARACTERS = 4, 4

ALLOWED = (
    f"{LEAST_CHARACTERS} to {MOST_CHARACTERS} characters that are hard to guess: several words that do not belong "
    "together, no name, no date, no row of keys"
)


def one_time_password(choose: Callable[[Sequence[str]], str]) -> str:
    """Make a password such as 7KQD-M2VX-9TRA-HW4E; `choose` takes one of a sequence so that nobody can guess which."""
    groups = ("".join(choose(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def password_problem(password: str, words: Sequence[str]) -> str | None:
    """Say why this is no password to take, None when it is one; `words` are what an attacker would try first."""
    text = unicodedata.normalize("NFC", password)
    if not LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS:
        return f"has {len(text)} characters"
    if int(zxcvbn(text[:_LOOKED_AT_CHARACTERS], user_inputs=list(words))["score"]) < LEAST_SCORE:
        return "is easy to guess"
    return None


class Passwords:
    """Hashes and verifies, beside the event loop and few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._slots = asyncio.Semaphore(HASHES_AT_ONCE)
        self._turns = asyncio.Semaphore(HASHES_AT_ONCE)
        self._waiting = 0
        self._of_nobody: str | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Let few log-ins be looked at at once and some wait; Problem too-many-requests for those behind them."""
        if self._waiting >= MOST_WAITING:
            raise Problem(Kinds.TOO_MANY_REQUESTS, "too many log-ins wait", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """Hash a password, in the PHC string form."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Verify; where there is no hash it takes as long as where there is one, and is wrong."""
        async with self._slots:
            return await asyncio.to_thread(self._verify, kept, _normal(password))

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str | None, password: str) -> bool:
        if self._of_nobody is None:
            self._of_nobody = self._hasher.hash("nobody has this password")
        try:
            self._hasher.verify(kept or self._of_nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None


def _normal(password: str) -> str:
    # The same keys on another keyboard may send é as one character or as two.
    return unicodedata.normalize("NFC", password)
