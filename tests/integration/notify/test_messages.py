"""From a sealed journal row to a mail or a POST, and from the link in it back to the journal."""

import asyncio
import re

from tests.fixtures.mailbox import Hook, Mailbox, subject_of, text_of
from tests.integration.alarms.plant import CLEAR, RAISE, transition
from tests.integration.notify.plant import PUBLIC, Plant

LINK = re.compile(rf"{PUBLIC}(/acknowledge/[\w-]+)")


async def test_a_raise_becomes_a_mail_and_its_link_acknowledges(hall: Plant, mailbox: Mailbox):
    await hall.route(await hall.mail_channel(mailbox))
    await hall.happen(transition(RAISE, 1))
    await hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    (mail,) = mailbox.mails
    assert subject_of(mail) == "[HIGH] hall/pump/pressure: pressure 7.25 bar above 7"
    text = text_of(mail)
    assert "value 7.25 · limit 7" in text
    (item,) = (await hall.call("GET", "/notifications"))["items"]
    assert mail["X-Millstream-Notification"] == item["id"]
    assert f"Message {item['id']}" in text
    (path,) = LINK.findall(text)

    # A mail scanner looks, as often as it likes.
    for _ in range(3):
        page = await hall.look(path)
        assert page.status_code == 200
        assert "确认" in page.text
        assert "Acknowledge" in page.text
        assert "hall/pump/pressure" in page.text
    assert await hall.fill.run("select state from alarm") == [("unacknowledged",)]

    done = await hall.client.post(path, data={"name": "李雷", "comment": "on my way"})
    assert "Acknowledged: 1." in done.text
    assert await hall.fill.run("select state, acknowledged_by, comment from alarm") == [
        ("acknowledged", "李雷 (link, shift)", "on my way")
    ]
    assert await hall.fill.run("select event, who from alarm_journal order by id desc limit 1") == [
        ("acknowledge", "李雷 (link, shift)")
    ]
    again = await hall.client.post(path, data={"name": "other"})
    assert "used before" in again.text
    assert await hall.fill.run("select count(*) from alarm_journal where event = 'acknowledge'") == [(1,)]
    ((action,),) = await hall.fill.run("select action from audit where action like 'notification.%%'")
    assert action == "notification.acknowledge"


async def test_a_link_acknowledges_nothing_that_sounded_again_since(postgres_hall: Plant, mailbox: Mailbox):
    await postgres_hall.route(await postgres_hall.mail_channel(mailbox))
    await postgres_hall.happen(transition(RAISE, 1))
    await postgres_hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    await postgres_hall.happen(transition(CLEAR, 2), transition(RAISE, 3))
    (path,) = LINK.findall(text_of(mailbox.mails[0]))
    done = await postgres_hall.client.post(path, data={"name": "x"})
    assert "Acknowledged: 0." in done.text
    assert "raised again" in done.text
    assert await postgres_hall.fill.run("select state from alarm") == [("unacknowledged",)]


async def test_links_end_and_cannot_be_made_up(postgres_hall: Plant, mailbox: Mailbox):
    await postgres_hall.route(await postgres_hall.mail_channel(mailbox))
    await postgres_hall.happen(transition(RAISE, 1))
    await postgres_hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    (path,) = LINK.findall(text_of(mailbox.mails[0]))
    forged = path[:-1] + ("A" if path[-1] != "A" else "Q")
    for wrong in (forged, "/acknowledge/x", "/acknowledge/" + "A" * 43, path + "A"):
        for answer in (await postgres_hall.client.get(wrong), await postgres_hall.client.post(wrong)):
            assert answer.status_code == 404
            assert "not valid" in answer.text
    await postgres_hall.fill.run("update notification set link_until_at = now()")
    assert (await postgres_hall.client.get(path)).status_code == 410
    assert (await postgres_hall.client.post(path, data={"name": "x"})).status_code == 410
    assert await postgres_hall.fill.run("select state from alarm") == [("unacknowledged",)]


async def test_a_webhook_is_signed_and_says_everything(hall: Plant, hook: Hook):
    await hall.route(await hall.hook_channel(hook))
    await hall.happen(transition(RAISE, 1))
    (item,) = await hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    (post,) = hook.posts
    assert hook.headers[0]["webhook-id"] == item["id"] == post["data"]["id"]
    assert post["type"] == "millstream.alarm"
    (alarm,) = post["data"]["alarms"]
    assert (alarm["path"], alarm["priority"], alarm["value"], alarm["limit"]) == ("hall/pump/pressure", "high", 7.25, 7)
    assert alarm["message_zh"] == "压力 7.25 bar 高于 7"
    assert post["data"]["link"].startswith(PUBLIC)


async def test_a_flood_is_one_message(hall: Plant, hook: Hook):
    await hall.route(await hall.hook_channel(hook))
    await hall.happen(*[transition(RAISE, 1, f"hall/{n}") for n in range(30)])
    await hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    await hall.happen(*[transition(RAISE, 2, f"hall/more-{n}") for n in range(5)])
    await hall.read_through()
    await asyncio.sleep(1.2)  # two looks at what is due; nothing may come of them
    assert [(post["type"], post["data"]["alarm_count"]) for post in hook.posts] == [("millstream.flood", 30)]
    # Ten minutes later nothing new has come: what was held is told at last, in one message.
    await hall.fill.run(
        "update notification_item set since_at = since_at - interval '11 minutes', due_at = now()"
        " where due_at is not null"
    )
    await hall.fill.run("update notification_item set since_at = since_at - interval '11 minutes' where due_at is null")
    await hall.until(lambda items: len(items) == 2 and items[0]["state"] == "sent")
    assert [(post["type"], post["data"]["alarm_count"]) for post in hook.posts[1:]] == [("millstream.flood_over", 5)]


async def test_late_transitions_notify_nobody(postgres_hall: Plant, hook: Hook):
    await postgres_hall.route(await postgres_hall.hook_channel(hook), events=["raise", "clear"])
    await postgres_hall.happen(transition(RAISE, 1, is_late=True), transition(CLEAR, 2, is_late=True))
    await postgres_hall.happen(transition(RAISE, 3, "hall/other"))
    items = await postgres_hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    assert items[0]["alarm_count"] == 1
    assert hook.posts[0]["data"]["alarms"][0]["path"] == "hall/other"


async def test_escalation_goes_on_until_somebody_acknowledges(postgres_hall: Plant, hook: Hook, mailbox: Mailbox):
    steps = [
        {"channels": [await postgres_hall.mail_channel(mailbox)]},
        {"after": "1s", "channels": [await postgres_hall.hook_channel(hook)]},
        {"after": "1d", "channels": [await postgres_hall.hook_channel(hook, name="boss")]},
    ]
    await postgres_hall.route(steps=steps)
    await postgres_hall.happen(transition(RAISE, 1))
    await postgres_hall.until(lambda items: [item["kind"] for item in items] == ["escalation", "alarm"])
    (post,) = await asyncio.to_thread(hook.wait_for, 1)
    assert post["type"] == "millstream.escalation"
    assert post["data"]["step"] == 1
    (path,) = LINK.findall(post["data"]["link"])
    await postgres_hall.client.post(path, data={"name": "x"})
    await postgres_hall.seal()
    await postgres_hall.read_through()
    assert await postgres_hall.fill.run("select closed_because, due_at from notification_item") == [
        ("acknowledged", None)
    ]


async def test_who_was_told_hears_what_became_of_it(postgres_hall: Plant, hook: Hook):
    await postgres_hall.route(await postgres_hall.hook_channel(hook), events=["raise", "clear", "acknowledge"])
    await postgres_hall.happen(transition(RAISE, 1))
    await postgres_hall.until(lambda items: [item["state"] for item in items] == ["sent"])
    await postgres_hall.happen(transition(CLEAR, 2))
    await postgres_hall.until(lambda items: [item["kind"] for item in items] == ["event", "alarm"])
    posts = await asyncio.to_thread(hook.wait_for, 2)
    assert posts[1]["data"]["alarms"][0]["event"] == "clear"
    assert posts[1]["data"]["subject"] == "Returned to normal: hall/pump/pressure"
