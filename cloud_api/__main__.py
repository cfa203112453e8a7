"""The sub-commands of `millstream cloud`: run, migrate, key; exit codes 0 done, 1 no, 2 bad configuration."""

import asyncio
import getpass
import json
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from cloud_api import origin
from cloud_api.auth.roles import Role as KeyRole
from cloud_api.auth.roles import Scope
from cloud_api.auth.tokens import Token, hash_secret, make_token
from cloud_api.environment import SettingProblem, SettingsInvalid
from cloud_api.settings import CONSOLE_ALONE, CloudSettings, ConsoleMode, Role, read_database_url, read_settings
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.keys import NewKey, insert_api_key, update_api_key_revoked
from cloud_api.storage.migrate import SchemaOutdated, check_schema
from cloud_api.storage.migrate import migrate as migrate_schema
from cloud_api.storage.pool import open_pool
from cloud_api.telemetry import set_up_logs

DONE, NO, USAGE = 0, 1, 2


def run(roles: Sequence[str]) -> int:
    """Serve these roles (none given: all) until a signal ends it."""
    # Only this command needs the whole application; the others start without it.
    from cloud_api.beside import console_beside
    from cloud_api.serving import serve

    try:
        chosen = _roles(roles)
        settings = read_settings(os.environ, chosen)
        here, has_console_beside = _placed(chosen, settings, is_asked=bool(roles))
        listener = _listen(settings, here)
        set_up_logs(settings.log_level)
        with console_beside() if has_console_beside else nullcontext():
            ends = serve(settings, here, listener)
    except SettingsInvalid as invalid:
        return _tell_settings(invalid)
    for reason in ends:
        print(f"millstream cloud run: {reason}", file=sys.stderr)
    return NO if ends else DONE


def migrate() -> int:
    """Bring the database to the newest schema."""
    try:
        version = migrate_schema(read_database_url(os.environ))
    except SettingsInvalid as invalid:
        return _tell_settings(invalid)
    except UNAVAILABLE as error:
        return _tell_unreachable(error)
    print(f"the database schema is at version {version}")
    return DONE


def create_key(
    name: str,
    role: str | None,
    *,
    as_json: bool = False,
    scopes: Sequence[str] = (),
    days: int | None = None,
) -> int:
    """Make an API key and print it, once: only its hash is kept."""
    try:
        url = read_database_url(os.environ)
        _check_key(name, role, scopes, days)
    except SettingsInvalid as invalid:
        return _tell_settings(invalid)
    token = make_token(secrets.token_bytes)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    key = NewKey(name, token.prefix, hash_secret(token), role, tuple(scopes), expires_at)
    try:
        asyncio.run(_insert(url, key))
    except SchemaOutdated as error:
        print(f"millstream cloud key: {error}", file=sys.stderr)
        return NO
    except UNAVAILABLE as error:
        return _tell_unreachable(error)
    _print_key(token, key, as_json=as_json)
    return DONE


def revoke_key(prefix: str) -> int:
    """Revoke the key with this prefix (its part between the underscores)."""
    try:
        is_revoked = asyncio.run(_revoke(read_database_url(os.environ), prefix.removeprefix("ms_").partition("_")[0]))
    except SettingsInvalid as invalid:
        return _tell_settings(invalid)
    except UNAVAILABLE as error:
        return _tell_unreachable(error)
    print(f"{prefix}: {'revoked' if is_revoked else 'no such key, or revoked before'}")
    return DONE if is_revoked else NO


def _roles(names: Sequence[str]) -> frozenset[Role]:
    known = {role.value for role in Role}
    unknown = [name for name in names if name not in known]
    if unknown:
        problem = SettingProblem("--role", ", ".join(unknown), "is not a role", ", ".join(sorted(known)))
        raise SettingsInvalid([problem])
    return frozenset(Role(name) for name in names) or frozenset(Role)


def _placed(chosen: frozenset[Role], settings: CloudSettings, *, is_asked: bool) -> tuple[frozenset[Role], bool]:
    """Say which roles run here, and whether the console runs beside them: never in one process with others."""
    others = chosen - CONSOLE_ALONE
    if not others:
        return chosen, False
    is_wanted = Role.CONSOLE in chosen and (is_asked or settings.console.mode is ConsoleMode.BESIDE)
    return others, is_wanted


def _listen(settings: CloudSettings, roles: frozenset[Role]) -> socket.socket:
    """Bind before anything starts, so that a port in use is said at once and plainly."""
    part, host, port = "HTTP", settings.http_host, settings.http_port
    if roles == CONSOLE_ALONE:
        part, host, port = "CONSOLE", settings.console.host, settings.console.port
    allowed = f"a free port; MILLSTREAM_{part}_HOST and MILLSTREAM_{part}_PORT choose it"
    place = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        problem = SettingProblem(f"MILLSTREAM_{part}_PORT", place, f"cannot be listened on ({error.strerror})", allowed)
        raise SettingsInvalid([problem]) from error
    return listener


def _check_key(name: str, role: str | None, scopes: Sequence[str], days: int | None) -> None:
    problems: list[SettingProblem] = []
    if not name.strip() or len(name) > 100 or not name.isprintable():
        problems.append(SettingProblem("name", name, "is not a name", "1 to 100 printable characters"))
    if role is not None and role not in list(KeyRole):
        problems.append(SettingProblem("--role", role, "is not a role", ", ".join(KeyRole)))
    problems += [
        SettingProblem("--scope", scope, "is not a scope", ", ".join(Scope))
        for scope in scopes
        if scope not in list(Scope)
    ]
    if role is None and not scopes:
        problems.append(SettingProblem("--role", None, "is missing, and so is --scope", "one of the two, or both"))
    if days is not None and not 1 <= days <= 36_500:
        problems.append(SettingProblem("--days", str(days), "is out of range", "1 to 36500"))
    if problems:
        raise SettingsInvalid(problems)


async def _insert(url: str, key: NewKey) -> None:
    pool = await open_pool(url, 1)
    async with pool, pool.connection() as connection:
        await check_schema(connection)
        async with connection.transaction():
            await insert_api_key(connection, key)
            detail = {"name": key.name, "role": key.role, "scopes": key.scopes, "expires_at": key.expires_at}
            await insert_audit(connection, _who(), "api_key.create", key.prefix, detail)


async def _revoke(url: str, prefix: str) -> bool:
    pool = await open_pool(url, 1)
    async with pool, pool.connection() as connection, connection.transaction():
        is_revoked = await update_api_key_revoked(connection, prefix)
        if is_revoked:
            await insert_audit(connection, _who(), "api_key.revoke", prefix, {})
        return is_revoked


def _who() -> str:
    """Who sits at the machine of the cloud; the audit names him and the machine."""
    origin.begin(origin.of_command())
    return f"command:{getpass.getuser()}"


def _print_key(token: Token, key: NewKey, *, as_json: bool) -> None:
    if as_json:
        expires_at = None if key.expires_at is None else key.expires_at.isoformat()
        shown = {"key": str(token), "prefix": key.prefix, "name": key.name, "role": key.role}
        print(json.dumps(shown | {"scopes": list(key.scopes), "expires_at": expires_at}))
        return
    print(str(token))
    print("Keep it now: it is shown once, and only its hash is stored.", file=sys.stderr)


def _tell_settings(invalid: SettingsInvalid) -> int:
    for problem in invalid.problems:
        print(f"millstream cloud: {problem}", file=sys.stderr)
    return USAGE


def _tell_unreachable(error: Exception) -> int:
    print(f"millstream cloud: the database cannot be reached: {' '.join(str(error).split())}", file=sys.stderr)
    return NO
