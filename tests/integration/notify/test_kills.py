"""A worker that is really killed: nothing is lost, and a second copy carries the id of the first."""

import asyncio
from collections.abc import Callable

from cloud_api.settings import Role
from cloud_api.storage.migrate import migrate
from tests.fixtures.mailbox import Hook
from tests.fixtures.processes import Processes, wait_until
from tests.integration.alarms.plant import RAISE, transition
from tests.integration.notify.plant import plant

ALARMS = 12


async def test_killed_workers_lose_nothing_and_copies_keep_their_id(
    postgres_url: str, hook: Hook, processes: Processes, free_port: Callable[[], int]
):
    await asyncio.to_thread(migrate, postgres_url)
    environment = {
        "MILLSTREAM_DATABASE_URL": postgres_url,
        "MILLSTREAM_HTTP_PORT": str(free_port()),
        "MILLSTREAM_NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    async with plant(postgres_url, roles=frozenset({Role.API})) as hall:
        await hall.route(await hall.hook_channel(hook), group={"by": ["alarm"], "wait": "0s", "interval": "0s"})
        hook.delay_s = 1.0  # so that a kill falls between leaving and being recorded
        worker = processes.millstream("cloud", "run", "--role", "notify", **environment).start()
        for number in range(ALARMS):
            count = len(hook.posts)
            await hall.happen(transition(RAISE, number, f"hall/{number}"))
            if number % 4 == 3:
                await asyncio.to_thread(wait_until, lambda count=count: len(hook.posts) > count, "a message leaves")
                await asyncio.to_thread(worker.kill)
                await asyncio.to_thread(worker.start)
        items = await hall.until(
            lambda items: len(items) == ALARMS and all(item["state"] == "sent" for item in items), limit=100
        )
        await asyncio.to_thread(worker.kill)
    told = {post["data"]["alarms"][0]["path"]: post["data"]["id"] for post in hook.posts}
    assert set(told) == {f"hall/{number}" for number in range(ALARMS)}
    ids = [headers["webhook-id"] for headers in hook.headers]
    # A second copy has the id of the first: as many ids as alarms, however many copies; and each is owned up to.
    assert set(ids) == {item["id"] for item in items}
    assert len(set(ids)) == ALARMS
    copied = {each for each in ids if ids.count(each) > 1}
    assert copied
    assert copied <= {item["id"] for item in items if item["may_be_copied"]}
