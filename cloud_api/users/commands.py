"""The sub-commands of `millstream cloud user`; exit codes 0 done, 1 no, 2 bad usage."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cloud_api import origin
from cloud_api.auth.roles import Role
from cloud_api.environment import SettingProblem, SettingsInvalid
from cloud_api.problems import Problem
from cloud_api.settings import read_database_url
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.migrate import SchemaOutdated, check_schema
from cloud_api.storage.pool import Connection, open_pool
from cloud_api.storage.users import UserRow, select_credentials, select_users, update_password
from cloud_api.users.accounts import change_user, create_user, find_user, new_password, reset_user
from cloud_api.users.models import NewUser, UserChange
from cloud_api.users.passwords import ALLOWED, Passwords, password_problem

DONE, NO, USAGE = 0, 1, 2
# Who sits at the machine of the cloud and reaches its database.
PRINCIPAL = "@command"
MOST_USERS = 100_000


def create(name: str, role: str, display_name: str | None, password_file: Path | None, *, as_json: bool) -> int:
    """Make a user and print a password for one use; with a password file that one holds, and need not be replaced."""

    async def make(connection: Connection) -> int:
        password = new_password() if password_file is None else _read_password(password_file, name)
        hashed = await Passwords().hash(password)
        row = await create_user(
            connection, NewUser(name=name, role=Role(role), display_name=display_name), hashed, PRINCIPAL
        )
        if password_file is not None:
            await update_password(connection, row.id, hashed, is_one_time=False)
        else:
            _print_password(row, password, as_json=as_json)
        return DONE

    if role not in list(Role):
        return _tell([SettingProblem("--role", role, "is not a role", ", ".join(Role))])
    return _run(make)


def show(*, as_json: bool) -> int:
    """Print every user."""

    async def read(connection: Connection) -> int:
        rows = await select_users(connection, "", MOST_USERS)
        if as_json:
            print(json.dumps([_summary(row) for row in rows], ensure_ascii=False))
        else:
            for row in rows:
                summary = _summary(row)
                last = summary["last_login_at"] or "-"
                print(f"{row.name:<24} {row.role:<12} {summary['state']:<9} last log-in: {last}")
        return DONE

    return _run(read)


def reset(name: str, *, as_json: bool) -> int:
    """Give a user a password for one use; his second factor and his sessions end."""

    async def give(connection: Connection) -> int:
        password = new_password()
        user_id = await _user_id(connection, name)
        row = await reset_user(connection, user_id, await Passwords().hash(password), PRINCIPAL)
        _print_password(row, password, as_json=as_json)
        return DONE

    return _run(give)


def set_state(name: str, state: str) -> int:
    """Let a user log in again, or no more."""

    async def change(connection: Connection) -> int:
        row = await change_user(connection, await _user_id(connection, name), UserChange(state=state), PRINCIPAL)
        print(f"{row.name}: {state}")
        return DONE

    return _run(change)


def _run(work: Callable[[Connection], Awaitable[int]]) -> int:
    origin.begin(origin.of_command())
    try:
        return asyncio.run(_in_transaction(read_database_url(os.environ), work))
    except SettingsInvalid as invalid:
        return _tell(invalid.problems)
    except SchemaOutdated as error:
        print(f"millstream cloud user: {error}", file=sys.stderr)
        return NO
    except Problem as problem:
        print(f"millstream cloud user: {problem.detail}", file=sys.stderr)
        return NO
    except UNAVAILABLE as error:
        print(f"millstream cloud user: the database cannot be reached: {' '.join(str(error).split())}", file=sys.stderr)
        return NO


async def _in_transaction(url: str, work: Callable[[Connection], Awaitable[int]]) -> int:
    pool = await open_pool(url, 1)
    async with pool, pool.connection() as connection:
        await check_schema(connection)
        async with connection.transaction():
            return await work(connection)


async def _user_id(connection: Connection, name: str) -> int:
    known = await select_credentials(connection, name)
    if known is None:
        raise SettingsInvalid(
            [SettingProblem("name", name, "is not the name of a user", "`cloud user list` shows them")]
        )
    return (await find_user(connection, known.id)).id


def _read_password(file: Path, name: str) -> str:
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        shown = f"cannot be read ({error})"
        raise SettingsInvalid([SettingProblem("--password-file", str(file), shown, "a readable text file")]) from error
    if problem := password_problem(password, (name, "millstream")):
        raise SettingsInvalid([SettingProblem("--password-file", str(file), f"its password {problem}", ALLOWED)])
    return password


def _print_password(row: UserRow, password: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"name": row.name, "role": row.role, "one_time_password": password}, ensure_ascii=False))
    else:
        print(f"{row.name} ({row.role}): password for one use, shown only now: {password}")


def _summary(row: UserRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "display_name": row.display_name,
        "role": row.role,
        "state": "enabled" if row.disabled_at is None else "disabled",
        "has_second_factor": row.has_second_factor,
        "last_login_at": None if row.last_login_at is None else row.last_login_at.isoformat(),
    }


def _tell(problems: list[SettingProblem]) -> int:
    for problem in problems:
        print(f"millstream cloud user: {problem}", file=sys.stderr)
    return USAGE
