"""Channels and routes over HTTP: kept, refused, audited; secrets nowhere; failures retried, dead, sent again."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.mailbox import Hook, Mailbox, text_of
from tests.integration.alarms.plant import RAISE, transition
from tests.integration.notify.plant import Plant, plant

SECRET = "swordfish-swordfish-swordfish"
NOWHERE = "00000000-0000-4000-8000-00000000000c"


class Ear(logging.Handler):
    """Hear what a process writes: a handler at the root, as the product's own.

    pytest's `caplog` hears more: it joins loggers that are cut off from the root, if they were before the test began.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def ear(caplog: pytest.LogCaptureFixture) -> Iterator[Ear]:
    """Hear all that reaches the root, down to DEBUG."""
    caplog.set_level(logging.DEBUG)
    hearing = Ear()
    logging.getLogger().addHandler(hearing)
    yield hearing
    logging.getLogger().removeHandler(hearing)


async def test_no_answer_log_or_audit_row_has_a_secret(postgres_hall: Plant, ear: Ear):
    bodies: list[dict[str, Any]] = [
        {"kind": "webhook", "name": "w", "url": "http://127.0.0.1:1/x", "secret": SECRET},
        {"kind": "service", "name": "s", "address": f"mmost://127.0.0.1:1/{SECRET}"},
        {
            "kind": "email",
            "name": "e",
            "host": "127.0.0.1",
            "port": 1,
            "security": "none",
            "username": "u",
            "password": SECRET,
            "sender": "a@b.cd",
            "to": ["c@d.ef"],
        },
    ]
    said: list[str] = []
    for body in bodies:
        made = await postgres_hall.call("POST", "/notification-channels", json=body)
        assert made["has_secret"]
        tried = await postgres_hall.call("POST", f"/notification-channels/{made['id']}/test")
        assert tried["state"] == "dead"
        assert tried["error"]
        said += [json.dumps(made), json.dumps(tried)]
        # Refusals repeat nothing either: a wrong field beside the secret, a wrong type in its place.
        key = next(name for name, value in body.items() if SECRET in str(value))
        for wrong in (body | {"color": SECRET}, body | {"name": ""}, body | {key: [SECRET]}, {**body, "kind": SECRET}):
            response = await postgres_hall.client.post("/api/v1/notification-channels", json=wrong)
            assert response.status_code == 422
            said.append(response.text)
        response = await postgres_hall.client.post(
            "/api/v1/notification-channels", content=SECRET, headers={"Content-Type": "application/json"}
        )
        said.append(response.text)
    said.append(json.dumps(await postgres_hall.call("GET", "/notification-channels")))
    said.append(json.dumps(await postgres_hall.call("GET", "/notifications")))
    said += [row[0] for row in await postgres_hall.fill.run("select audit::text from audit")]
    said += [record.getMessage() for record in ear.records if not record.name.startswith(("asyncio", "httpx"))]
    assert len(ear.records) > len(bodies), "nothing was heard at all"
    assert not [text for text in said if SECRET in text]


async def test_a_private_address_needs_the_setting(postgres_url: str, hook: Hook):
    async with plant(postgres_url, allowed_networks=()) as hall:
        tried = await hall.call("POST", f"/notification-channels/{await hall.hook_channel(hook)}/test")
        assert tried["state"] == "dead"
        assert "MILLSTREAM_NOTIFY_ALLOWED_NETWORKS" in tried["error"]
        assert hook.posts == []


async def test_the_button_tries_the_whole_way(postgres_hall: Plant, mailbox: Mailbox, hook: Hook):
    for channel in (await postgres_hall.mail_channel(mailbox), await postgres_hall.hook_channel(hook)):
        tried = await postgres_hall.call("POST", f"/notification-channels/{channel}/test")
        assert (tried["state"], tried["error"]) == ("sent", None)
    assert "Nothing has happened" in text_of(mailbox.mails[0])
    assert hook.posts[0]["type"] == "millstream.test"


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_mail_logs_in(postgres_hall: Plant):
    box = Mailbox().start(needs_login=True)
    try:
        channel = await postgres_hall.mail_channel(box, username="millstream", password="swordfish")
        tried = await postgres_hall.call("POST", f"/notification-channels/{channel}/test")
        assert tried["state"] == "sent", tried
        assert box.logins == [("millstream", "swordfish")]
    finally:
        box.stop()


async def test_what_fails_is_tried_again_then_dead_then_sent_by_hand(postgres_url: str, hook: Hook):
    async with plant(postgres_url, max_attempts=2) as hall:
        hook.statuses = [(503, {"Retry-After": "1"}), (500, {}), (204, {})]
        await hall.route(await hall.hook_channel(hook))
        await hall.happen(transition(RAISE, 1))
        (item,) = await hall.until(lambda items: [each["state"] for each in items] == ["dead"])
        assert (item["attempts"], item["last_error"]) == (2, "answered 500")
        assert (await hall.call("GET", "/notifications", params={"state": "dead"}))["items"] == [item]
        await hall.call("POST", f"/notifications/{item['id']}/resend")
        await hall.until(lambda items: items[0]["state"] == "sent")
        assert {headers["webhook-id"] for headers in hook.headers} == {item["id"]}
        await hall.call("POST", f"/notifications/{NOWHERE}/resend", expect=404)


async def test_a_mail_server_that_is_away_comes_back(postgres_hall: Plant):
    box = Mailbox()
    channel = await postgres_hall.mail_channel(box)
    await postgres_hall.route(channel)
    await postgres_hall.happen(transition(RAISE, 1))
    (item,) = await postgres_hall.until(
        lambda items: bool(items) and items[0]["attempts"] >= 1 and items[0]["last_error"]
    )
    assert "refused" in item["last_error"]
    box.start()
    try:
        await postgres_hall.fill.run("update notification set due_at = now()")
        await asyncio.to_thread(box.wait_for, 1)
        await postgres_hall.until(lambda items: items[0]["state"] == "sent")
    finally:
        box.stop()


async def test_channels_are_changed_with_care(postgres_hall: Plant, hook: Hook):
    channel = await postgres_hall.hook_channel(hook)
    address = f"/notification-channels/{channel}"
    same = {"kind": "webhook", "name": "other", "url": hook.url}
    changed = await postgres_hall.call("PUT", address, json=same, params={"version": 1})
    assert (changed["name"], changed["version"], changed["has_secret"]) == ("other", 2, True)
    await postgres_hall.call("PUT", address, 409, json=same, params={"version": 1})
    # Who sends it elsewhere must know the secret.
    problem = await postgres_hall.call("PUT", address, 422, json=same | {"url": "http://127.0.0.1:9/x"})
    assert problem["field"] == "secret"
    route = await postgres_hall.route(channel)
    assert "all" in (await postgres_hall.call("DELETE", address, 409))["detail"]
    await postgres_hall.call("DELETE", f"/notification-routes/{route}")
    assert (await postgres_hall.call("DELETE", address))["items"] == []
    await postgres_hall.call("GET", address, 404)
    actions = [row[0] for row in await postgres_hall.fill.run("select action from audit order by id")]
    assert [action for action in actions if action.startswith("notification")] == [
        "notification_channel.create",
        "notification_channel.change",
        "notification_route.create",
        "notification_route.delete",
        "notification_channel.delete",
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": [{"channels": [NOWHERE]}]}, "steps.0.channels.0"),
        ({"steps": []}, "steps"),
        ({"match": {"paths": ["a/**b"]}}, "match.paths.0"),
        ({"calendar": {"zone": "Mars/Olympus", "shifts": [{}]}}, "calendar.zone"),
        ({"calendar": {"country": "XX", "shifts": [{}]}}, "calendar.country"),
        ({"calendar": {"country": "DE", "subdivision": "XX", "shifts": [{}]}}, "calendar.subdivision"),
        ({"calendar": {"holidays": ["2027-02-30"], "shifts": [{}]}}, "calendar.holidays.0"),
        ({"calendar": {"holidays": ["2027-02-20"]}}, "calendar.shifts"),
        ({"inhibit": [{"same": ["area"]}]}, "inhibit.0.while"),
        ({"group": {"wait": "soon"}}, "group.wait"),
        ({"repeat": {"every": "0s", "times": 1}}, "repeat.every"),
        ({"steps": [{"channels": [NOWHERE]}, {"channels": [NOWHERE]}]}, "steps"),
        ({"color": "red"}, "color"),
    ],
)
async def test_a_route_that_makes_no_sense_is_refused(
    postgres_hall: Plant, hook: Hook, change: dict[str, Any], field: str
):
    channel = await postgres_hall.hook_channel(hook)
    body = {"name": "x", "steps": [{"channels": [channel]}]}
    problem = await postgres_hall.call("POST", "/notification-routes", 422, json=body | change)
    assert problem["field"] == field


async def test_a_route_is_shown_as_it_works(postgres_hall: Plant, hook: Hook):
    channel = await postgres_hall.hook_channel(hook)
    shift = {"days": ["workday"], "from": "20:00", "to": "08:00"}
    made = await postgres_hall.call(
        "POST",
        "/notification-routes",
        json={
            "name": "nights",
            "calendar": {"zone": "Asia/Shanghai", "country": "CN", "shifts": [shift]},
            "inhibit": [{"while": {"paths": ["a/**"]}}],
            "steps": [{"channels": [channel]}, {"after": "10m", "channels": [channel]}],
        },
    )
    assert made["calendar"]["shifts"][0]["from"] == "20:00:00"
    assert made["inhibit"][0]["while"]["paths"] == ["a/**"]
    changed = {name: value for name, value in made.items() if name not in {"id", "version", "updated_at", "updated_by"}}
    again = await postgres_hall.call("PUT", f"/notification-routes/{made['id']}", json=changed)
    assert again["version"] == 2
    assert (await postgres_hall.call("GET", "/notification-routes"))["items"] == [again]
