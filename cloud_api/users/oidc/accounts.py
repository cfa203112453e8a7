"""Accounts of people whom an identity provider proves: found by issuer and subject, made when first seen, audited."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloud_api.storage.audit import insert_audit
from cloud_api.storage.identities import (
    Identity,
    insert_identity,
    insert_identity_user,
    select_identity_user_id,
)
from cloud_api.storage.pool import Connection
from cloud_api.storage.sessions import delete_sessions
from cloud_api.storage.users import UserRow, lock_users, select_user, update_user
from cloud_api.users.oidc.refusals import LoginRefused, Why
from cloud_api.users.oidc.rules import Grant

PRINCIPAL = "@oidc"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a provider has proved, and what the rules give; `grant` is None for nothing."""

    identity: Identity
    name: str | None
    display_name: str | None
    grant: Grant | None


async def admit_person(connection: Connection, person: Person) -> UserRow:
    """Find or make the account inside the caller's transaction, as the provider and the rules say today.

    LoginRefused; the caller notes it, in a transaction that is not rolled back.
    """
    await lock_users(connection)
    user_id = await select_identity_user_id(connection, person.identity)
    user = None if user_id is None else await select_user(connection, user_id)
    who = person.identity.subject if user is None else user.name
    if person.grant is None:
        raise LoginRefused(Why.NO_ROLE, who=who)
    if user is None:
        return await _create(connection, person, person.grant)
    if user.disabled_at is not None:
        raise LoginRefused(Why.DISABLED, who=who)
    return await _renew(connection, user, person, person.grant)


async def shut_out(connection: Connection, identity: Identity) -> None:
    """End the sessions of somebody to whom the provider and the rules give nothing any more."""
    user_id = await select_identity_user_id(connection, identity)
    if user_id is not None:
        await delete_sessions(connection, user_id)


async def _create(connection: Connection, person: Person, grant: Grant) -> UserRow:
    if person.name is None:
        raise LoginRefused(Why.NO_NAME, who=person.identity.subject)
    user_id = await insert_identity_user(connection, person.name, grant.role, person.display_name, grant.reach)
    if user_id is None:
        # Whoever chose that name at the provider must not become who has it here.
        raise LoginRefused(Why.NAME_TAKEN, person.name, person.identity.subject)
    await insert_identity(connection, person.identity, user_id)
    detail: Mapping[str, Any] = {
        "role": grant.role,
        "reach": grant.reach,
        "issuer": person.identity.issuer,
        "subject": person.identity.subject,
    }
    await insert_audit(connection, PRINCIPAL, "user.create", person.name, detail)
    made = await select_user(connection, user_id)
    assert made is not None
    return made


async def _renew(connection: Connection, user: UserRow, person: Person, grant: Grant) -> UserRow:
    """The provider decides: role, reach and name follow it at each log-in."""
    after: dict[str, Any] = {
        "role": grant.role.value,
        "reach": list(grant.reach),
        "display_name": person.display_name or user.display_name,
    }
    before = {name: getattr(user, name) for name in after}
    if before == after:
        return user
    changed = replace(user, **after)
    await update_user(connection, changed)
    await insert_audit(connection, PRINCIPAL, "user.change", user.name, {"from": before, "to": after})
    return changed
