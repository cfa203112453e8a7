"""What goes out, and what never does: signatures, secrets, addresses, texts in both languages."""

import base64
import hashlib
import hmac
import ipaddress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cloud_api.notify.configuration.channels import ServiceChannel, WebhookChannel
from cloud_api.notify.configuration.services import SERVICES, find_service, hide_secrets
from cloud_api.notify.delivery.worker import back_off_s
from cloud_api.notify.links.tokens import make_token, read_token
from cloud_api.notify.outbox.messages import Letter, write_message
from cloud_api.notify.wording import LANGUAGES, texts
from cloud_api.outbound.addresses import is_allowed
from cloud_api.outbound.signing import read_secret, sign

ID = UUID("00000000-0000-4000-8000-000000000001")
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_signature_is_that_of_standard_webhooks():
    # The example of the specification: id, timestamp and body joined by dots, base64 of HMAC-SHA256.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    own = sign("a secret that is long enough", "x", 1, b"{}")
    digest = hmac.new(b"a secret that is long enough", b"x.1.{}", hashlib.sha256).digest()
    assert own["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


@pytest.mark.parametrize("secret", ["short", "whsec_%%%", "whsec_AAAA", ""])
def test_a_secret_that_is_none_is_refused(secret: str):
    with pytest.raises(ValueError, match=r"shorter|base64"):
        read_secret(secret)


def test_secrets_and_their_parts_are_taken_out():
    address = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
    said = "POST https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ failed (slack)"
    assert hide_secrets(said, [address]) == "POST https://hooks.slack.com/services/***/***/*** failed (slack)"
    assert hide_secrets("login swordfish%21 or swordfish!", ["swordfish!"]) == "login swordfish%21 or ***"


def test_every_service_is_one_that_apprise_has():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        known = {
            scheme
            for each in apprise.Apprise().details()["schemas"]
            for scheme in (*(each["protocols"] or ()), *(each["secure_protocols"] or ()))
        }
    assert set(SERVICES) <= known


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1", "mailto://a:b@c.de", "syslog://", "wecombot://", "swordfish", "file:///x"]
)
def test_other_addresses_are_refused_without_being_shown(address: str):
    with pytest.raises(ValueError, match="known service") as caught:
        find_service(address)
    assert address not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "allowed", "may"),
    [
        ("8.8.8.8", "", True),
        ("2001:4860:4860::8888", "", True),
        ("10.1.2.3", "", False),
        ("172.16.0.1", "", False),
        ("192.168.0.1", "", False),
        ("127.0.0.1", "", False),
        ("169.254.169.254", "", False),
        ("100.64.0.1", "", False),
        ("0.0.0.0", "", False),
        ("224.0.0.1", "", False),
        ("::1", "", False),
        ("fe80::1", "", False),
        ("fd00::1", "", False),
        ("::ffff:10.1.2.3", "", False),
        ("64:ff9b::a01:203", "", False),
        ("2002:a01:203::1", "", False),
        ("::10.1.2.3", "", False),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
    ],
)
def test_private_addresses_need_a_setting(address: str, allowed: str, may: bool):
    networks = [ipaddress.ip_network(allowed)] if allowed else []
    assert is_allowed(ipaddress.ip_address(address), networks) is may


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://user:pass@x/", "https://x/#f", "x"])
def test_a_webhook_goes_to_a_web_address(url: str):
    with pytest.raises(ValueError, match="http"):
        WebhookChannel.model_validate({"kind": "webhook", "name": "x", "url": url, "secret": "s" * 24})


def test_a_channel_never_shows_its_secret():
    channel = ServiceChannel.model_validate({"kind": "service", "name": "x", "address": "wecombot://swordfish"})
    assert "swordfish" not in repr(channel)
    assert "swordfish" not in channel.model_dump_json()


def test_links_prove_their_message_and_no_other():
    token = make_token(b"key", ID)
    assert read_token(b"key", token) == ID
    assert read_token(b"other", token) is None
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read_token(b"key", changed) in {None, ID}
        if place < 42:  # the last character's spare bits carry nothing
            assert read_token(b"key", changed) is None


def test_waits_double_up_to_an_hour():
    assert [back_off_s(n, 10, 0) for n in (1, 2, 3, 9, 10, 30)] == [10, 20, 40, 2560, 3600, 3600]
    assert back_off_s(1, 10, 1) == 12


def alarm(**changes: Any) -> dict[str, Any]:
    usual = {
        "path": "hall/pump",
        "priority": "high",
        "value": 7.25,
        "limit": 7.0,
        "message_en": "pressure high",
        "message_zh": "压力高",
        "name": "pump",
        "event": "raise",
        "at": "2026-03-02T08:00:00+00:00",
        "who": "system",
        "comment": None,
        "count": 1,
    }
    return usual | changes


def letter(kind: str = "alarm", **changes: Any) -> Letter:
    content = {"alarms": [alarm()], "alarm_count": 1, "zone": "Asia/Shanghai"} | changes.pop("content", {})
    return Letter(ID, kind, AT, "shift", "all", "position=hall", 0, content, changes.pop("link", None))


def test_both_languages_have_the_same_texts():
    shapes = [{section: sorted(names) for section, names in texts(each).items()} for each in LANGUAGES]
    assert shapes[0] == shapes[1]
    for section, names in texts("en").items():
        for name, text in names.items():
            marks = {part.partition("}")[0] for part in text.split("{")[1:]}
            assert marks == {part.partition("}")[0] for part in texts("zh")[section][name].split("{")[1:]}, name
    for path in Path("cloud_api/notify/texts").glob("*.toml"):
        assert path.stem in LANGUAGES


@pytest.mark.parametrize("kind", ["alarm", "escalation", "flood", "flood_over", "event"])
@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_every_kind_is_written_in_every_language(kind: str, language: str):
    message = write_message(letter(kind, link="http://x/y", content={"alarms": [alarm(event="clear")]}), language)
    assert "hall/pump" in message.subject
    assert "16:00:00 CST" in message.text
    assert str(ID) in message.text
    assert message.text.count("http://x/y") == (2 if language == "both" else 1)


def test_a_long_list_is_cut_and_says_so():
    many = {"alarms": [alarm(path=f"hall/{n}") for n in range(30)], "alarm_count": 250}
    message = write_message(letter("flood", content=many), "en")
    assert message.subject.startswith("[HIGH] ALARM FLOOD: 250 alarms, first hall/0")
    assert "and 230 more" in message.text
    assert len(write_message(letter(content={"alarms": [alarm(message_en="x" * 400)]}), "en").subject) <= 180


def test_a_test_message_says_that_nothing_happened():
    message = write_message(letter("test", content={"alarms": [], "alarm_count": 0}), "both")
    assert "Nothing has happened" in message.text
    assert "没有发生" in message.text
