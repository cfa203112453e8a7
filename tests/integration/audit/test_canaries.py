"""Secrets that were put wherever one can enter are found in no log, no audit, no problem document, no metric."""

import asyncio
import secrets
import socket
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
from pyotp import TOTP

from tests.fixtures.broker import Broker
from tests.fixtures.collector import Collector
from tests.fixtures.mailbox import Hook
from tests.fixtures.processes import Processes, find_free_port
from tests.integration.api.service import Fill

PASSWORD = "quartz Heron 71 lattice"
NEW_PASSWORD = "basalt Otter 58 meadow"
WRONG = "wrong-password-canary-41"
DATABASE = "database-password-canary"
BROKER = "broker-password-canary"
CHANNEL = "channel-secret-canary-of-the-hook"
MAIL = "mail-password-canary"
CHAT = "chat-token-canary-0123456789abcdef"
AUDIT_HOOK = "audit-hook-secret-canary-of-ours"


async def test_no_secret_is_found_anywhere(
    postgres_url: str, processes: Processes, broker: Broker, hook: Hook, tmp_path: Path
):
    port, collector = find_free_port(), Collector(socket.SOCK_DGRAM)
    secret_file = tmp_path / "hook"
    secret_file.write_text(AUDIT_HOOK, encoding="utf-8")
    hook.secret = CHANNEL
    fill = Fill(postgres_url)
    key = await fill.key("admin", ["ingest"])
    child = processes.millstream(
        "cloud",
        "run",
        MILLSTREAM_DATABASE_URL=f"{postgres_url}&password={DATABASE}",
        MILLSTREAM_MQTT_URL=f"mqtt://cloud:{BROKER}@127.0.0.1:{broker.port}",
        MILLSTREAM_HTTP_PORT=str(port),
        MILLSTREAM_LOG_LEVEL="debug",
        MILLSTREAM_AUDIT_SYSLOG_URL=f"udp://127.0.0.1:{collector.port}",
        MILLSTREAM_AUDIT_WEBHOOK_URL="http://127.0.0.1:1/audit",
        MILLSTREAM_AUDIT_WEBHOOK_SECRET_FILE=str(secret_file),
        MILLSTREAM_NOTIFY_ALLOWED_NETWORKS="127.0.0.0/8",
    ).start()
    child.wait_for_port(port)
    canaries = {
        PASSWORD,
        NEW_PASSWORD,
        WRONG,
        DATABASE,
        BROKER,
        CHANNEL,
        MAIL,
        CHAT,
        AUDIT_HOOK,
        key,
        key.split("_")[2],
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        planted = Planted(client, {"Authorization": f"Bearer {key}"})
        await planted.until_ready()
        canaries |= await planted.people()
        await planted.mistakes(key)
        await planted.channels(hook)
        await planted.applications()
        metrics = (await client.get("/metrics", headers=planted.admin)).text
    await asyncio.to_thread(collector.wait_for, 10)
    child.terminate()
    child.wait()
    audit = str(await fill.run("select row(a.*)::text from audit a")) + str(
        await fill.run("select * from alarm_journal")
    )
    said = {
        "log": child.text(),
        "audit": audit,
        "syslog": b"\n".join(collector.messages).decode(),
        "problems": "\n".join(planted.problems),
        "metrics": metrics,
        "security events": str(await fill.run("select * from security_event")),
    }
    collector.stop()
    assert len(planted.problems) > 20
    assert "user.create" in audit
    for where, text in said.items():
        found = {canary for canary in canaries | planted.canaries if canary in text}
        assert not found, (where, found)


class Planted:
    """Puts secrets wherever one can enter, and keeps every refusal."""

    def __init__(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        self.client = client
        self.admin = admin
        self.problems: list[str] = []
        self.canaries: set[str] = set()

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        self.client.cookies.clear()
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers or {}, **more)
        if answer.status_code >= 400:
            self.problems.append(f"{answer.text} {answer.headers}")
        return answer

    async def until_ready(self) -> None:
        async with asyncio.timeout(60):
            while (await self.client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.05)

    async def people(self) -> set[str]:
        """A person's life: one-time password, password, second factor, session, recovery."""
        made = (await self.ask("POST", "/users", self.admin, json={"name": "li.na", "role": "viewer"})).json()
        once = made["one_time_password"]
        opened = (await self.ask("POST", "/login", json={"name": "li.na", "password": once})).json()
        session = {"Authorization": f"Bearer {opened['token']}"}
        for old, new in ((once, PASSWORD), (WRONG, NEW_PASSWORD), (PASSWORD, "short"), (PASSWORD, NEW_PASSWORD)):
            await self.ask("PUT", "/me/password", session, json={"old": old, "new": new})
        setup = (await self.ask("POST", "/me/second-factor", session, json={"password": NEW_PASSWORD})).json()
        assert "secret" in setup, setup
        totp = setup["secret"]
        code = TOTP(totp).at(int(time.time()))
        confirmed = (await self.ask("PUT", "/me/second-factor", session, json={"code": code})).json()
        recovery = confirmed["recovery_codes"]
        for attempt in (
            {"password": NEW_PASSWORD},
            {"password": WRONG},
            {"password": NEW_PASSWORD, "code": recovery[0]},
        ):
            await self.ask("POST", "/login", json={"name": "li.na"} | attempt)
        await self.ask("GET", "/users", session)
        await self.ask("POST", "/logout", session)
        await self.ask("GET", "/me", session)
        await self.ask("GET", "/me", {"Cookie": f"millstream_session={opened['token']}"})
        await self.ask("POST", "/logout", {"Cookie": f"millstream_session={opened['token']}"})
        return {once, opened["token"], opened["me"]["csrf"] or once, totp, *recovery}

    async def mistakes(self, key: str) -> None:
        """Secrets in the wrong field, in the wrong shape, in the wrong header."""
        await self.ask("POST", "/login", json={"name": WRONG, "password": "x"})
        for body in (
            {"name": "li.na", "password": [WRONG]},
            {"name": "li.na", "password": {"is": WRONG}},
            {"name": "li.na", "pasword": WRONG},
            {"name": "li.na", "password": WRONG * 200},
            {"name": ["li.na"], "password": WRONG},
            {"name": "li.na", "password": WRONG, "code": {"is": WRONG}},
            [WRONG],
            WRONG,
        ):
            await self.ask("POST", "/login", json=body)
        await self.ask(
            "POST", "/login", content=f'{{"password": "{WRONG}"', headers={"Content-Type": "application/json"}
        )
        await self.ask("POST", "/login", content=f"name=li.na&password={WRONG}")
        forged = key[:-4] + "0000"
        self.canaries.add(forged)
        basic = b64encode(f"li.na:{WRONG}".encode()).decode()
        self.canaries.add(basic)
        for header in (f"Bearer {forged}", f"Bearer {key}x", f"Basic {basic}", key, f"Token {key}", f"Bearer {WRONG}"):
            await self.ask("GET", "/series", {"Authorization": header})
        await self.ask("PUT", "/me/password", self.admin, json={"old": WRONG, "new": {"is": WRONG}})

    async def channels(self, hook: Hook) -> None:
        """Secrets of channels: kept, changed, refused, tried."""
        base = {"language": "en"}
        web = base | {"kind": "webhook", "name": "hook", "url": hook.url, "secret": CHANNEL}
        made = await self.ask("POST", "/notification-channels", self.admin, json=web)
        assert made.status_code == 200, made.text
        await self.ask("POST", "/notification-channels", self.admin, json=web)
        mail = base | {"kind": "email", "name": "mail", "host": "127.0.0.1", "port": 1, "security": "none"}
        mail |= {"sender": "a@plant.example", "to": ["b@plant.example"], "username": "u", "password": MAIL}
        await self.ask("POST", "/notification-channels", self.admin, json=mail)
        await self.ask("POST", "/notification-channels", self.admin, json=mail | {"port": "x", "password": [MAIL]})
        chat = base | {"kind": "service", "name": "chat", "address": f"wecombot://{CHAT}"}
        await self.ask("POST", "/notification-channels", self.admin, json=chat)
        await self.ask("POST", "/notification-channels", self.admin, json=chat | {"address": f"nowhere://{CHAT}"})
        await self.ask("POST", f"/notification-channels/{made.json()['id']}/test", self.admin)

    async def applications(self) -> None:
        """Keys: made, rotated, revoked, used afterwards."""
        made = (await self.ask("POST", "/api-keys", self.admin, json={"name": "erp", "role": "viewer"})).json()
        assert "key" in made, made
        self.canaries |= {made["key"], made["key"].split("_")[2]}
        header = {"Authorization": f"Bearer {made['key']}"}
        await self.ask("GET", "/series", header | {"Accept": "text/csv"})
        rotated = await self.ask("POST", f"/api-keys/{made['api_key']['id']}/rotate", self.admin, json={})
        if rotated.status_code == 201:
            self.canaries.add(rotated.json()["key"])
        await self.ask("DELETE", f"/api-keys/{made['api_key']['id']}", self.admin)
        await self.ask("GET", "/series", header)
        await self.ask("GET", f"/api-keys/{secrets.token_hex(3)}", self.admin)
