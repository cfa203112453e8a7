"""Sealed rows reach other systems: syslog by every way, a signed webhook; through failures, from a stored cursor."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from cloud_api.audit.duty import AuditDuty, AuditTimes, AuditWork
from cloud_api.audit.exporting import verify_lines
from cloud_api.audit.forwarding.forwarder import Forwarder
from cloud_api.audit.forwarding.targets import Target, Webhook, syslog_target
from cloud_api.audit_settings import AuditHookSettings, SyslogSettings, SyslogWay
from cloud_api.leases import LeaseTimes
from cloud_api.storage.audit import insert_audit, select_audit_forward
from cloud_api.storage.pool import Pool, transaction
from cloud_api.telemetry import Telemetry
from tests.fixtures.certificates import authority
from tests.fixtures.collector import Collector
from tests.fixtures.mailbox import Hook

QUICK = AuditTimes(seal_s=0.02, anchor_s=0.05, lease=LeaseTimes(ttl_s=10.0, renew_s=1.0, ask_s=0.02))
HERE = [ip_network("127.0.0.0/8")]


@asynccontextmanager
async def duty(pool: Pool, targets: Sequence[Target], anchor_file: Path | None = None) -> AsyncGenerator[Telemetry]:
    telemetry = Telemetry()
    forwarders = [Forwarder(pool, target, telemetry, first_wait_s=0.05) for target in targets]
    running = asyncio.create_task(AuditDuty(pool, AuditWork(None, anchor_file, forwarders), QUICK).run())
    try:
        yield telemetry
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def write(pool: Pool, *subjects: str) -> None:
    for subject in subjects:
        async with transaction(pool) as connection:
            await insert_audit(connection, "李娜", "series.change", subject, {"to": {"unit": "V"}})


def numbers(messages: Sequence[bytes]) -> list[int]:
    return [json.loads(message.partition(b"\xef\xbb\xbf")[2])["number"] for message in messages]


@pytest.mark.parametrize("way", list(SyslogWay))
async def test_syslog_by_every_way(postgres_pool: Pool, tmp_path: Path, way: SyslogWay):
    plant = authority(tmp_path)
    context = None
    if way is SyslogWay.TLS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*plant.issue("collector"))
    kind = socket.SOCK_DGRAM if way is SyslogWay.UDP else socket.SOCK_STREAM
    collector = Collector(kind, context)
    ca_file = plant.ca_file if way is SyslogWay.TLS else None
    target = syslog_target(SyslogSettings(way, "127.0.0.1", collector.port, ca_file))
    await write(postgres_pool, "1", "2")
    async with duty(postgres_pool, [target]):
        await write(postgres_pool, "3")
        messages = await asyncio.to_thread(collector.wait_for, 3)
    collector.stop()
    assert numbers(messages) == [1, 2, 3]
    assert messages[0].startswith(b"<109>1 ")
    assert 'who="李娜"'.encode() in messages[0]


async def test_a_collector_that_is_not_trusted_gets_nothing(postgres_pool: Pool, tmp_path: Path):
    plant, stranger = authority(tmp_path), authority(tmp_path, "stranger")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*stranger.issue("collector"))
    collector = Collector(socket.SOCK_STREAM, context)
    target = syslog_target(SyslogSettings(SyslogWay.TLS, "127.0.0.1", collector.port, plant.ca_file))
    await write(postgres_pool, "1")
    async with duty(postgres_pool, [target]):
        assert "certificate" in await failure(postgres_pool, "syslog")
    collector.stop()
    assert collector.messages == []


async def failure(pool: Pool, target: str) -> str:
    async with asyncio.timeout(60):
        while True:
            async with pool.connection() as connection:
                found = await connection.execute(b"select failure from audit_forward where target = %s", (target,))
                row = await found.fetchone()
            if row is not None and row[0] is not None:
                return str(row[0])
            await asyncio.sleep(0.02)


async def test_a_collector_that_dies_misses_nothing(postgres_pool: Pool):
    first = Collector(socket.SOCK_STREAM)
    target = syslog_target(SyslogSettings(SyslogWay.TCP, "127.0.0.1", first.port, None))
    async with duty(postgres_pool, [target]):
        await write(postgres_pool, "1", "2")
        await asyncio.to_thread(first.wait_for, 2)
        first.stop()
        await write(postgres_pool, "3", "4")
        await failure(postgres_pool, "syslog")
        second = Collector(socket.SOCK_STREAM, port=first.port)
        await write(postgres_pool, "5")
        async with asyncio.timeout(60):
            while 5 not in numbers(second.messages):
                await asyncio.sleep(0.02)
    second.stop()
    # What was written shortly before the connection broke comes again; nothing is missing, and in order.
    found = numbers(second.messages)
    assert found == sorted(found)
    assert {3, 4, 5} <= set(found)
    assert set(numbers(first.messages)) | set(found) == {1, 2, 3, 4, 5}


async def test_a_webhook_gets_every_row_signed_and_again_until_it_is_taken(postgres_pool: Pool, hook: Hook):
    hook.statuses = [(500, {}), (503, {})]
    settings = AuditHookSettings(hook.url, hook.secret)
    async with duty(postgres_pool, [Webhook(settings, HERE)]) as telemetry:
        await write(postgres_pool, *map(str, range(150)))
        async with asyncio.timeout(60):
            while True:
                async with postgres_pool.connection() as connection:
                    if await select_audit_forward(connection, "webhook") == 150:
                        break
                await asyncio.sleep(0.02)
    assert telemetry.registry.get_sample_value("millstream_audit_forwarded_rows_total", {"target": "webhook"}) == 150.0
    ids = [each["webhook-id"] for each in hook.headers]
    assert ids[0] == ids[1] == ids[2], "the same rows under the same id"
    lines = {json.loads(line)["number"]: line for post in hook.posts for line in post["lines"]}
    assert sorted(lines) == list(range(1, 151))
    # What the other system keeps can be verified by itself.
    found = verify_lines([lines[number].encode() for number in sorted(lines)], None)
    assert (found.findings, found.end.number) == ((), 150)
    # Another process goes on where this one was.
    count = len(hook.posts)
    async with duty(postgres_pool, [Webhook(settings, HERE)]):
        await write(postgres_pool, "more")
        await asyncio.to_thread(hook.wait_for, count + 1)
    assert (hook.posts[-1]["first"], hook.posts[-1]["last"]) == (151, 151)


async def test_private_addresses_are_refused_unless_allowed(postgres_pool: Pool, hook: Hook):
    await write(postgres_pool, "1")
    async with duty(postgres_pool, [Webhook(AuditHookSettings(hook.url, hook.secret), [])]):
        reason = await failure(postgres_pool, "webhook")
    assert "private address" in reason
    assert "MILLSTREAM_NOTIFY_ALLOWED_NETWORKS" in reason
    assert hook.posts == []


async def test_ends_of_the_chain_are_noted_down_outside_of_the_database(postgres_pool: Pool, tmp_path: Path):
    file = tmp_path / "anchors"
    async with duty(postgres_pool, [], file):
        await write(postgres_pool, "1", "2")
        async with asyncio.timeout(60):
            while not (file.exists() and " 2:" in file.read_text(encoding="ascii")):
                await asyncio.sleep(0.02)
    at, anchor = file.read_text(encoding="ascii").split("\n")[-2].split()
    assert at.endswith("+00:00")
    assert len(anchor.partition(":")[2]) == 64
