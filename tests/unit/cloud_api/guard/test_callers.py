"""What answers show of callers, and where alarms about them stand."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.callers import CallerWatch
from cloud_api.guard.desk import block_of
from cloud_api.guard.kinds import ROOT, TELLINGS, EventKind, definition_of, place_of
from cloud_api.guard.recent import Recent
from cloud_api.origin import Origin
from cloud_api.witness import Answer
from schemas.sample import path_problem


def answer(status: int, path: str = "/api/v1/x", problem: str | None = None, **origin: Any) -> Answer:
    known: dict[str, Any] = {"address": "192.0.2.1"} | origin
    return Answer(Origin(**known), "GET", path, path, "", status, "application/json", problem)


def test_guessing_at_one_name_and_from_one_address():
    watch = CallerWatch(GuardSettings(logins_per_name=3, logins_per_address=5, window_s=100.0))
    refused = answer(401, problem="login-refused", name="li.na")
    seen = [[each.kind for each in watch.see(refused, now_s)] for now_s in (0.0, 1.0, 2.0, 3.0)]
    assert seen == [[], [], [EventKind.LOGINS_OF_NAME], [EventKind.LOGINS_OF_NAME]]
    (found,) = watch.see(answer(401, problem="login-refused"), 4.0)
    assert (found.kind, found.subject) == (EventKind.LOGINS_FROM_ADDRESS, "192.0.2.1")
    assert watch.see(refused, 1_000.0) == [], "long ago"
    # One who has the password and types the code a moment later is nobody to call for.
    watch = CallerWatch(GuardSettings(logins_per_name=1, logins_per_address=1, scan_refusals=1, scan_places=1))
    assert watch.see(answer(401, problem="second-factor-needed", name="li.na"), 0.0) == []


def test_many_refusals_at_many_places_are_a_scan():
    watch = CallerWatch(GuardSettings(scan_refusals=10, scan_places=5))
    assert not any(watch.see(answer(404), float(now_s)) for now_s in range(50)), "a page that asks for one thing"
    found = [watch.see(answer(404, f"/api/v1/series/{number}"), 60.0) for number in range(20)]
    assert any(each and each[0].kind is EventKind.SCAN for each in found)
    assert not any(watch.see(answer(200, f"/{number}", address="198.51.100.1"), 0.0) for number in range(50))


@given(st.sampled_from(EventKind), st.text(max_size=200))
def test_every_subject_has_a_place_that_is_a_path(kind: EventKind, subject: str):
    place = place_of(kind, subject)
    assert place.startswith(f"{ROOT}/{kind}/")
    assert path_problem(place) is None


def test_every_kind_is_told_in_both_languages_under_its_own_id():
    assert set(TELLINGS) == set(EventKind)
    assert len({definition_of(kind) for kind in EventKind}) == len(EventKind)
    assert definition_of("scan") == UUID(str(definition_of("scan")))
    for telling in TELLINGS.values():
        for message in (telling.message_en, telling.message_zh):
            assert "x, y" in message.format(subject="s", detail="x, y")


def test_addresses_of_one_network_of_ipv6_are_one():
    assert block_of("2001:db8:1:2:3:4:5:6") == block_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert block_of("192.0.2.1") == "192.0.2.1"
    assert block_of("not an address\n") == "not an address?"


def test_memory_is_bounded():
    recent = Recent(100.0, limit=3, keys_max=10)
    for number in range(1_000):
        recent.add(number, 0.0)
    assert len(recent._times) == 10
    assert [recent.add("x", 0.0)[0] for _ in range(5)] == [1, 2, 3, 3, 3]
