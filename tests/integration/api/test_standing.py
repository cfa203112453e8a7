"""A stream ends when its caller may not have it any more."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from cloud_api.auth.principal import Principal, find_principal
from cloud_api.auth.standing import Standing
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.api.service import Api

IDLE = timedelta(hours=8)
CHANGES = {
    "revoked": "update api_key set revoked_at = now() where prefix = %s",
    "expired": "update api_key set expires_at = now() where prefix = %s",
    "another role": "update api_key set role = 'operator' where prefix = %s",
    "another reach": "update api_key set reach = '{hall-2/**}' where prefix = %s",
}


async def ticks() -> AsyncGenerator[bytes]:
    while True:
        yield b": alive\n\n"
        await asyncio.sleep(0)


async def caller_of(pool: Pool, key: str) -> Principal:
    async with pool.connection() as connection:
        return await find_principal(connection, key, IDLE)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_key_that_changes_ends_its_streams_and_no_others(postgres_api: Api, change: str):
    key, other = await postgres_api.fill.key(), await postgres_api.fill.key()
    async with await open_pool(postgres_api.fill.url, 1) as pool, asyncio.timeout(30):
        standing = Standing(lambda: pool, IDLE, every_s=0.0)
        stream = standing.while_standing(await caller_of(pool, key), ticks())
        stays = standing.while_standing(await caller_of(pool, other), ticks())
        for each in (stream, stays, stream, stays):
            assert await anext(each)
        await postgres_api.fill.run(CHANGES[change], key[3:13])
        assert [event async for event in stream] == []
        assert await anext(stays)
        await stays.aclose()


async def test_a_session_that_ends_takes_its_streams_with_it(postgres_api: Api):
    fill, client = postgres_api.fill, postgres_api.client
    admin = {"Authorization": f"Bearer {await fill.key('admin')}"}
    made = await client.post("/api/v1/users", json={"name": "wang.li", "role": "viewer"}, headers=admin)
    assert made.status_code == 201, made.text
    login = {"name": "wang.li", "password": made.json()["one_time_password"]}
    answer = await client.post("/api/v1/login", json=login)
    assert answer.status_code == 200, answer.text
    async with await open_pool(fill.url, 1) as pool, asyncio.timeout(30):
        standing = Standing(lambda: pool, IDLE, every_s=0.0)
        caller = await caller_of(pool, next(iter(answer.cookies.values())))
        stream = standing.while_standing(caller, ticks())
        assert await anext(stream)
        await fill.run("update principal set disabled_at = now() where name = 'wang.li'")
        assert [event async for event in stream] == []
