"""Who calls: an API key or a person's session becomes a Principal, or the request is refused."""

from dataclasses import dataclass, field
from datetime import timedelta

from cloud_api import origin
from cloud_api.auth.reach import Reach, read_reach
from cloud_api.auth.roles import Role, Scope
from cloud_api.auth.session_tokens import hash_session_token, is_session_token
from cloud_api.auth.tokens import FORM, is_proved, parse_token
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.keys import KeyRow, select_api_key, update_api_key_used
from cloud_api.storage.pool import Connection
from cloud_api.storage.sessions import SessionRow, select_session, update_session_seen

REALM = "millstream"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from: a key or a person, by name, and what that allows.

    `key_id` is None for a person, `user_id` and `session_id` are None for a key. No key has the name of a person.
    """

    name: str
    role: Role | None
    scopes: frozenset[Scope]
    reach: Reach = field(default_factory=Reach)
    key_id: int | None = None
    user_id: int | None = None
    session_id: int | None = None
    must_change_password: bool = False

    @property
    def scope_of_keys(self) -> str:
        """Where this caller's idempotency keys live, apart from those of all others."""
        return f"key:{self.key_id}" if self.key_id is not None else f"user:{self.user_id}"


def read_bearer(header: str | None) -> str:
    """Take the key out of an Authorization header."""
    if not header:
        raise _challenge(Kinds.KEY_MISSING, "send the header `Authorization: Bearer <key>`, or log in", None)
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise _challenge(Kinds.KEY_MISSING, "only `Authorization: Bearer <key>` is read", None)
    return credentials.strip()


async def find_principal(connection: Connection, text: str, idle: timedelta) -> Principal:
    """Prove a key or a session; every refusal says the same, so that nobody learns which part was right.

    `idle` is how long a session may rest before it ends.
    """
    if is_session_token(text):
        return await _of_session(connection, text, idle)
    token = parse_token(text)
    if token is None:
        raise _challenge(Kinds.KEY_INVALID, f"a key has the form {FORM}", "invalid_token")
    row = await select_api_key(connection, token.prefix)
    if row is not None:
        origin.present().claim(row.name, f"key:{token.prefix}")
    if not is_proved(token, row.hash if row else None) or row is None:
        raise _challenge(Kinds.KEY_INVALID, "this key is not known", "invalid_token")
    if row.revoked_at is not None:
        raise _challenge(Kinds.KEY_INVALID, "this key was revoked", "invalid_token")
    if row.is_expired:
        raise _challenge(Kinds.KEY_INVALID, "this key has expired", "invalid_token")
    if row.is_use_unnoted:
        await update_api_key_used(connection, row.id)
    origin.present().prove(row.name, f"key:{token.prefix}")
    return _of_key(row)


async def _of_session(connection: Connection, token: str, idle: timedelta) -> Principal:
    row = await select_session(connection, hash_session_token(token), idle)
    if row is None:
        raise _challenge(Kinds.KEY_INVALID, "this session has ended; log in again", "invalid_token")
    if row.is_sight_unnoted:
        await update_session_seen(connection, row.id)
    origin.present().prove(row.name, f"session:{row.id}")
    return _of_person(row)


def _of_person(row: SessionRow) -> Principal:
    return Principal(
        name=row.name,
        role=Role(row.role),
        scopes=frozenset(),
        reach=read_reach(row.reach),
        user_id=row.user_id,
        session_id=row.id,
        must_change_password=row.must_change_password,
    )


def _of_key(row: KeyRow) -> Principal:
    known = {scope.value for scope in Scope}
    scopes = frozenset(Scope(scope) for scope in row.scopes if scope in known)
    role = Role(row.role) if row.role else None
    return Principal(row.name, role, scopes, read_reach(row.reach), key_id=row.id)


def _challenge(kind: Kinds, detail: str, error: str | None) -> Problem:
    challenge = f'Bearer realm="{REALM}"' + (f', error="{error}", error_description="{detail}"' if error else "")
    return Problem(kind, detail, headers={"WWW-Authenticate": challenge})
