"""A sample that is too high, all the way: alarm, journal, seal, mail, link, acknowledgement, journal."""

import asyncio
import re
from datetime import UTC, datetime

from cloud_api.settings import MqttSettings, Role
from tests.fixtures.broker import Broker
from tests.fixtures.mailbox import Mailbox, text_of
from tests.integration.notify.plant import PUBLIC, plant

PATH = "hall/pump/pressure"


async def test_from_a_sample_to_a_mail_and_back_to_the_journal(postgres_url: str, mailbox: Mailbox, broker: Broker):
    roles = frozenset({Role.API, Role.INGEST, Role.ALARMS, Role.NOTIFY})
    mqtt = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    async with plant(postgres_url, roles=roles, mqtt=mqtt) as hall:
        definition = {
            "name": "pump pressure",
            "target": {"path": PATH},
            "condition": {"kind": "limit", "hi": {"limit": 7.0}},
            "priority": "high",
        }
        await hall.route(await hall.mail_channel(mailbox))
        sample = {"path": PATH, "time": datetime.now(UTC).isoformat(), "value": 6.5}
        await hall.call("POST", "/samples", json=[sample])
        await hall.call("POST", "/alarm-definitions", 201, json=definition)
        sample |= {"time": datetime.now(UTC).isoformat(), "value": 7.5}
        await hall.call("POST", "/samples", json=[sample])
        (mail,) = await asyncio.to_thread(mailbox.wait_for, 1)
        (path,) = re.findall(rf"{PUBLIC}(/acknowledge/[\w-]+)", text_of(mail))
        assert (await hall.look(path)).status_code == 200
        done = await hall.client.post(path, data={"name": "Wang Li"})
        assert "Acknowledged: 1." in done.text
        async with asyncio.timeout(60):
            events: list[tuple[str, str]] = []
            while len(events) < 2:
                rows = (await hall.call("GET", "/alarms/journal"))["items"]
                events = sorted((row["event"], row["who"]) for row in rows)
                await asyncio.sleep(0.05)
        assert events == [("acknowledge", "Wang Li (link, shift)"), ("raise", "system")]
        measured = await hall.call("GET", "/alarms/kpi")
        assert [block["annunciated"] for block in measured["positions"]] == [1]
