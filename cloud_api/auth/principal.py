"""Who calls: a bearer key becomes a Principal, or the request is refused."""

from dataclasses import dataclass

from cloud_api.auth.roles import Role, Scope
from cloud_api.auth.tokens import FORM, is_proved, parse_token
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.keys import KeyRow, select_api_key, update_api_key_used
from cloud_api.storage.pool import Connection

REALM = "millstream"


@dataclass(frozen=True, slots=True)
class Principal:
    """The key that a request came with: its number, its name, what it allows."""

    key_id: int
    name: str
    role: Role | None
    scopes: frozenset[Scope]

    @property
    def scope_of_keys(self) -> str:
        """Where this caller's idempotency keys live, apart from those of all others."""
        return f"key:{self.key_id}"


def read_bearer(header: str | None) -> str:
    """Take the key out of an Authorization header."""
    if not header:
        raise _challenge(Kinds.KEY_MISSING, "send the header `Authorization: Bearer <key>`", None)
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise _challenge(Kinds.KEY_MISSING, "only `Authorization: Bearer <key>` is read", None)
    return credentials.strip()


async def find_principal(connection: Connection, text: str) -> Principal:
    """Prove a key against the database; every refusal says the same, so that nobody learns which part was right."""
    token = parse_token(text)
    if token is None:
        raise _challenge(Kinds.KEY_INVALID, f"a key has the form {FORM}", "invalid_token")
    row = await select_api_key(connection, token.prefix)
    if not is_proved(token, row.hash if row else None) or row is None:
        raise _challenge(Kinds.KEY_INVALID, "this key is not known", "invalid_token")
    if row.revoked_at is not None:
        raise _challenge(Kinds.KEY_INVALID, "this key was revoked", "invalid_token")
    if row.is_expired:
        raise _challenge(Kinds.KEY_INVALID, "this key has expired", "invalid_token")
    if row.is_use_unnoted:
        await update_api_key_used(connection, row.id)
    return _principal(row)


def _principal(row: KeyRow) -> Principal:
    known = {scope.value for scope in Scope}
    scopes = frozenset(Scope(scope) for scope in row.scopes if scope in known)
    return Principal(row.id, row.name, Role(row.role) if row.role else None, scopes)


def _challenge(kind: Kinds, detail: str, error: str | None) -> Problem:
    challenge = f'Bearer realm="{REALM}"' + (f', error="{error}", error_description="{detail}"' if error else "")
    return Problem(kind, detail, headers={"WWW-Authenticate": challenge})
