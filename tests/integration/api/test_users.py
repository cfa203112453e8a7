"""People log in: passwords, sessions, second factor, what a stranger gets, and what administrators do."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pyotp.totp import TOTP

from cloud_api.auth.session_tokens import COOKIE, PROOF_HEADER
from cloud_api.users.first import ensure_first_user
from cloud_api.users.passwords import Passwords
from tests.integration.api.service import Api

GOOD_PASSWORD = "kettle-orbit-anvil-73"


@dataclass
class People:
    """The API, an administrator's key, and people made with it."""

    api: Api
    admin: dict[str, str]

    async def create(self, name: str, role: str = "operator") -> dict[str, Any]:
        """Make a user; the answer has the one-time password."""
        answer = await self.ask("POST", "/users", {"name": name, "role": role}, self.admin)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def settled(self, name: str, role: str = "operator") -> tuple[int, dict[str, str]]:
        """Make a user who has replaced the one-time password; returns the number and a session's header."""
        made = await self.create(name, role)
        session = await self.log_in(name, made["one_time_password"])
        change = {"old": made["one_time_password"], "new": GOOD_PASSWORD}
        assert (await self.ask("PUT", "/me/password", change, session)).status_code == 204
        return made["user"]["id"], session

    async def log_in(self, name: str, password: str, **more: Any) -> dict[str, str]:
        """Open a session and return the header that carries it."""
        answer = await self.ask("POST", "/login", {"name": name, "password": password, **more}, {})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask without any key but that of `headers`, and keep no cookie."""
        client = self.api.client
        client.cookies.clear()
        answer = await client.request(
            method, f"/api/v1{path}", json=body, headers={"Authorization": "", **(headers or {})}
        )
        client.cookies.clear()
        return answer


@pytest.fixture
async def people(postgres_api: Api) -> People:
    """People on PostgreSQL."""
    return await _people(postgres_api)


@pytest.fixture
async def people_on_each(api: Api) -> People:
    """People on each engine."""
    return await _people(api)


async def _people(api: Api) -> People:
    return People(api, {"Authorization": f"Bearer {await api.fill.key('admin')}"})


def kind(answer: httpx.Response) -> str:
    return answer.json()["type"].rpartition(":")[2]


async def test_a_new_user_must_replace_the_password_first(people_on_each: People):
    people = people_on_each
    made = await people.create("wang.li")
    password = made["one_time_password"]
    session = await people.log_in("wang.li", password)
    assert kind(await people.ask("GET", "/series", None, session)) == "password-change-needed"
    me = (await people.ask("GET", "/me", None, session)).json()
    assert (me["must_change_password"], me["role"], me["permissions"]) == (
        True,
        "operator",
        ["enter", "operate", "read"],
    )
    for bad in ("short", "password1234", "wang.li.2026", password):
        refused = await people.ask("PUT", "/me/password", {"old": password, "new": bad}, session)
        assert (refused.status_code, refused.json()["field"]) == (422, "new")
        assert bad not in refused.text
    wrong = await people.ask("PUT", "/me/password", {"old": "x", "new": GOOD_PASSWORD}, session)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "old")
    other = await people.log_in("wang.li", password)
    change = {"old": password, "new": GOOD_PASSWORD}
    assert (await people.ask("PUT", "/me/password", change, session)).status_code == 204
    assert (await people.ask("GET", "/series", None, session)).status_code == 200
    assert kind(await people.ask("GET", "/me", None, other)) == "key-invalid"
    assert kind(await people.ask("POST", "/login", {"name": "wang.li", "password": password}, {})) == "login-refused"
    await people.log_in("wang.li", GOOD_PASSWORD)


async def test_a_cookie_changes_nothing_without_the_proof_of_our_own_page(people: People):
    await people.settled("li.na", "engineer")
    client = people.api.client
    del client.headers["Authorization"]
    answer = await client.post("/api/v1/login", json={"name": "li.na", "password": GOOD_PASSWORD})
    (cookie,) = [header for header in answer.headers.get_list("set-cookie") if header.startswith(COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await client.get("/api/v1/series")).status_code == 200
    series_id = await people.api.fill.series("a/b")
    address = f"/api/v1/series/{series_id}"
    for forged in ({}, {PROOF_HEADER: "0" * 64}, {PROOF_HEADER: ""}):
        refused = await client.patch(address, json={"unit": "V"}, headers=forged)
        assert (refused.status_code, kind(refused)) == (403, "forged-request")
    proof = (await client.get("/api/v1/me")).json()["csrf"]
    assert proof == answer.json()["me"]["csrf"]
    assert (await client.patch(address, json={"unit": "V"}, headers={PROOF_HEADER: proof})).status_code == 200
    assert (await client.post("/api/v1/logout", headers={PROOF_HEADER: proof})).status_code == 204
    client.cookies.set(COOKIE, answer.json()["token"])
    assert kind(await client.get("/api/v1/series")) == "key-invalid"


async def test_strangers_learn_nothing_and_are_slowed_down(people: People):
    await people.settled("known")
    answers: dict[str, list[tuple[int, str, str]]] = {"known": [], "unknown": []}
    for _ in range(7):
        for name, seen in answers.items():
            answer = await people.ask("POST", "/login", {"name": name, "password": "wrong"}, {})
            detail = answer.json()["detail"].split(";")[0]
            seen.append((answer.status_code, kind(answer), detail))
    assert answers["known"] == answers["unknown"]
    assert [status for status, _, _ in answers["known"]] == [401] * 5 + [429] * 2
    locked = await people.ask("POST", "/login", {"name": "known", "password": GOOD_PASSWORD}, {})
    assert locked.status_code == 429
    assert 1 <= int(locked.headers["retry-after"]) <= 31
    run = people.api.fill.run
    await run("update login_failure set locked_until = now() where heading like %s", "known%")
    await people.log_in("known", GOOD_PASSWORD)
    found = await run("select principal, object, address from audit where action = 'login.refuse' order by id")
    # The first of each at once, the rest as counts; a name that nobody has is not kept: it may be a password.
    assert found == [("known", "known", "192.0.2.1"), ("unknown", None, "192.0.2.1")]


async def test_guesses_at_once_are_counted_one_by_one(people: People):
    guesses = (people.ask("POST", "/login", {"name": "target", "password": f"guess-{n}"}, {}) for n in range(20))
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert statuses.count(401) <= 6
    assert set(statuses) == {401, 429}


async def test_second_factor(people_on_each: People):
    people = people_on_each
    _, session = await people.settled("chen")
    setup = (await people.ask("POST", "/me/second-factor", None, session)).json()
    assert setup["uri"].startswith("otpauth://totp/Millstream:chen?secret=")
    await people.log_in("chen", GOOD_PASSWORD)
    codes = TOTP(setup["secret"])
    assert (await people.ask("PUT", "/me/second-factor", {"code": "000"}, session)).json()["field"] == "code"
    # The code of the step to come is taken too: it is left for logging in, and neither is too old when its step ends.
    now = int(time.time())
    confirmed = await people.ask("PUT", "/me/second-factor", {"code": codes.at(now)}, session)
    recovery = confirmed.json()["recovery_codes"]
    assert len(set(recovery)) == 10
    login = {"name": "chen", "password": GOOD_PASSWORD}
    assert kind(await people.ask("POST", "/login", login, {})) == "second-factor-needed"
    assert kind(await people.ask("POST", "/login", login | {"code": codes.at(now - 3000)}, {})) == "login-refused"
    code = codes.at(now + 30)
    await people.log_in("chen", GOOD_PASSWORD, code=code)
    assert kind(await people.ask("POST", "/login", login | {"code": code}, {})) == "login-refused", "used twice"
    await people.log_in("chen", GOOD_PASSWORD, code=recovery[3])
    assert kind(await people.ask("POST", "/login", login | {"code": recovery[3]}, {})) == "login-refused"
    removal = {"password": GOOD_PASSWORD}
    assert (await people.ask("POST", "/me/second-factor/remove", removal, session)).status_code == 204
    await people.log_in("chen", GOOD_PASSWORD)


async def test_a_session_rests_ends_and_is_ended(people: People):
    user_id, session = await people.settled("zhao")
    other = await people.log_in("zhao", GOOD_PASSWORD)
    mine = (await people.ask("GET", "/me/sessions", None, session)).json()["items"]
    assert [item["is_this"] for item in mine] == [False, True]
    assert (await people.ask("DELETE", f"/me/sessions/{mine[0]['id']}", None, session)).status_code == 204
    assert (await people.ask("GET", "/me", None, other)).status_code == 401
    assert (await people.ask("DELETE", f"/me/sessions/{mine[0]['id']}", None, session)).status_code == 404
    run = people.api.fill.run
    for column in ("seen_at", "expires_at"):
        fresh = await people.log_in("zhao", GOOD_PASSWORD)
        assert (await people.ask("GET", "/me", None, fresh)).status_code == 200
        await run(f"update login_session set {column} = now() - interval '9 hours' where principal_id = %s", user_id)
        assert (await people.ask("GET", "/me", None, fresh)).status_code == 401
    ((kept,),) = await run("select count(*) from login_session where token_hash::text like %s", "%mss%")
    assert kept == 0


async def test_administrators_change_users_and_it_holds_at_once(people: People):
    user_id, session = await people.settled("sun", "viewer")
    series_id = await people.api.fill.series("s/t")
    change = ("PATCH", f"/series/{series_id}", {"unit": "A"}, session)
    assert (await people.ask(*change)).status_code == 403
    changed = await people.ask("PATCH", f"/users/{user_id}", {"role": "engineer", "display_name": "孙"}, people.admin)
    assert (changed.json()["role"], changed.json()["display_name"]) == ("engineer", "孙")
    assert (await people.ask(*change)).status_code == 200
    assert (await people.ask("GET", "/users", None, session)).status_code == 403
    await people.ask("PATCH", f"/users/{user_id}", {"state": "disabled"}, people.admin)
    assert (await people.ask(*change)).status_code == 401
    refused = await people.ask("POST", "/login", {"name": "sun", "password": GOOD_PASSWORD}, {})
    assert kind(refused) == "login-refused"
    await people.ask("PATCH", f"/users/{user_id}", {"state": "enabled"}, people.admin)
    await people.log_in("sun", GOOD_PASSWORD)
    reset = (await people.ask("POST", f"/users/{user_id}/reset", None, people.admin)).json()
    assert reset["user"]["must_change_password"]
    await people.log_in("sun", reset["one_time_password"])
    assert kind(await people.ask("PATCH", f"/users/{user_id}", {"role": None}, people.admin)) == "body-invalid"
    assert (await people.ask("PATCH", "/users/999", {"role": "viewer"}, people.admin)).status_code == 404


async def test_names_are_one_persons_or_one_keys(people: People):
    await people.create("yang")
    assert kind(await people.ask("POST", "/users", {"name": "yang", "role": "viewer"}, people.admin)) == "conflict"
    key = {"name": "yang", "role": "viewer"}
    assert kind(await people.ask("POST", "/api-keys", key, people.admin)) == "conflict"
    assert (await people.ask("POST", "/api-keys", key | {"name": "board"}, people.admin)).status_code == 201
    assert kind(await people.ask("POST", "/users", {"name": "board", "role": "viewer"}, people.admin)) == "conflict"
    for name in ("@api", "a b", "", "a/b", "e\u0301"):
        refused = await people.ask("POST", "/users", {"name": name, "role": "viewer"}, people.admin)
        assert (refused.status_code, refused.json()["field"]) == (422, "name"), name
    page = (await people.ask("GET", "/users?limit=1", None, people.admin)).json()
    assert [user["name"] for user in page["items"]] == ["admin"]
    rest = (await people.ask("GET", f"/users?limit=1&cursor={page['next']}", None, people.admin)).json()
    assert ([user["name"] for user in rest["items"]], rest["next"]) == (["yang"], None)


async def test_the_last_administrator_stays(people: People):
    users = (await people.ask("GET", "/users", None, people.admin)).json()["items"]
    (admin,) = users
    for change in ({"role": "viewer"}, {"state": "disabled"}):
        refused = await people.ask("PATCH", f"/users/{admin['id']}", change, people.admin)
        assert kind(refused) == "conflict"
    await people.create("second", "admin")
    changed = await people.ask("PATCH", f"/users/{admin['id']}", {"state": "disabled"}, people.admin)
    assert changed.status_code == 200


async def test_keys_are_made_rotated_with_overlap_and_revoked(people: People):
    body = {"name": "board", "role": "viewer", "scopes": ["metrics"], "days": 30}
    made = (await people.ask("POST", "/api-keys", body, people.admin)).json()
    old, key_id = {"Authorization": f"Bearer {made['key']}"}, made["api_key"]["id"]
    assert (await people.ask("GET", "/series", None, old)).status_code == 200
    rotated = (await people.ask("POST", f"/api-keys/{key_id}/rotate", {"overlap_hours": 1}, people.admin)).json()
    new = {"Authorization": f"Bearer {rotated['key']}"}
    assert rotated["api_key"]["scopes"] == ["metrics"]
    for headers in (old, new):
        assert (await people.ask("GET", "/series", None, headers)).status_code == 200
    await people.api.fill.run("update api_key set expires_at = now() where id = %s", key_id)
    assert (await people.ask("GET", "/series", None, old)).status_code == 401
    again = await people.ask("POST", f"/api-keys/{key_id}/rotate", {}, people.admin)
    assert kind(again) == "conflict"
    assert (await people.ask("DELETE", f"/api-keys/{rotated['api_key']['id']}", None, people.admin)).status_code == 204
    assert (await people.ask("GET", "/series", None, new)).status_code == 401
    listed = (await people.ask("GET", "/api-keys", None, people.admin)).json()["items"]
    assert [key["state"] for key in listed if key["name"] == "board"] == ["expired", "revoked"]
    assert made["key"] not in str(listed)
    assert kind(await people.ask("GET", "/me/sessions", None, people.admin)) == "conflict"


async def test_the_first_start_makes_one_administrator(people: People, capsys: pytest.CaptureFixture[str]):
    run = people.api.fill.run
    await run("delete from principal")
    from cloud_api.storage.pool import open_pool

    opened = await open_pool(people.api.fill.url, 4)
    try:
        capsys.readouterr()
        await asyncio.gather(*(ensure_first_user(opened, Passwords()) for _ in range(4)))
        shown = capsys.readouterr().err
        assert shown.count("First start") == 1
        assert await run("select name, role, is_password_one_time from principal") == [("admin", "admin", True)]
        password = shown.partition("one use ")[2].split()[0]
        session = await people.log_in("admin", password)
        assert kind(await people.ask("GET", "/users", None, session)) == "password-change-needed"
        await ensure_first_user(opened, Passwords())
        assert not capsys.readouterr().err
    finally:
        await opened.close()
