"""Log-in by an identity provider: a real one, its rules, and everything that somebody could put in its place."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud_api.app import create_app
from cloud_api.auth.session_tokens import COOKIE, PROOF_HEADER
from cloud_api.settings import Role, read_settings
from cloud_api.storage.migrate import migrate
from tests.fixtures.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    StartProvider,
    Visitor,
    question_of,
)
from tests.integration.api.service import Api, Fill, running, wait_ready

PUBLIC = "http://millstream"
BEGIN, CALLBACK = "/api/v1/login/oidc", "/api/v1/login/oidc/callback"
RULES = """
[[rule]]
group = "/plants/admins"
role = "admin"

[[rule]]
group = "press"
role = "operator"
reach = ["hangzhou/press-shop/**"]

[[rule]]
group = "paint"
role = "operator"
reach = ["hangzhou/paint-shop/**"]

[[rule]]
group = "visitors"
role = "viewer"
"""
ACCOUNTS = {
    "s-1": {"preferred_username": "wang.li", "name": "王丽", "groups": ["press", "paint", "visitors"]},
    "s-2": {"preferred_username": "boss", "groups": ["/plants/admins"]},
    "s-3": {"preferred_username": "nobody", "groups": ["canteen"]},
    "s-4": {"preferred_username": "admin", "groups": ["visitors"]},
}


@dataclass
class Door:
    """A service that trusts one provider, and people at browsers."""

    api: Api
    provider: IdentityProvider

    async def begin(self, return_to: str = "/") -> tuple[str, dict[str, str]]:
        """Press the button; returns where the browser goes, and the cookies it got."""
        client = self.api.client
        client.cookies.clear()
        answer = await client.get(BEGIN, params={"return_to": return_to}, headers={"Authorization": ""})
        assert answer.status_code == 303, answer.text
        cookies = dict(client.cookies)
        client.cookies.clear()
        return answer.headers["location"], cookies

    async def finish(self, place: str | dict[str, str], cookies: dict[str, str], **headers: str) -> httpx.Response:
        """Come back from the provider."""
        question = question_of(place) if isinstance(place, str) else place
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return await self.api.client.get(
            CALLBACK, params=question, headers={"Authorization": "", "Cookie": cookie, **headers}
        )

    async def come_back(self, subject: str) -> tuple[str, dict[str, str]]:
        """Log in at the provider; returns the address it sends the browser to, and the cookies."""
        address, cookies = await self.begin()
        return await Visitor(self.provider).log_in(address, subject), cookies

    async def log_in(self, subject: str) -> httpx.Response:
        """The whole way."""
        return await self.finish(*await self.come_back(subject))

    async def session(self, subject: str) -> dict[str, str]:
        """Log in and return the header that carries the session."""
        answer = await self.log_in(subject)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {session_of(answer)}"}

    async def me(self, session: dict[str, str]) -> httpx.Response:
        """Who that is."""
        return await self.api.client.get("/api/v1/me", headers=session)

    async def refusal(self, subject: str = "s-1") -> str:
        """Log in, expect a refusal without session, and return its reason; the audit has the cause."""
        return reason(await self.log_in(subject))

    async def cause(self) -> str:
        """What the audit says of the newest refusal."""
        rows = await self.api.fill.run(
            "select detail->>'cause' from audit where action = 'login.refuse' order by id desc limit 1"
        )
        return str(rows[0][0])


def session_of(answer: httpx.Response) -> str:
    (line,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE + "=")]
    return line.partition("=")[2].partition(";")[0]


def reason(answer: httpx.Response) -> str:
    assert answer.status_code == 401, answer.text
    assert not any(each.startswith(COOKIE) for each in answer.headers.get_list("set-cookie"))
    problem = answer.json()
    assert problem["type"].endswith(":login-refused")
    return str(problem["reason"])


OpenDoor = Callable[..., Awaitable[Door]]


@asynccontextmanager
async def opened_door(url: str, provider: IdentityProvider, folder: Path, **more: str) -> AsyncGenerator[Door]:
    """A service on this database."""
    await asyncio.to_thread(migrate, url)
    fill = Fill(url)
    await fill.run("insert into principal (name, role) values ('admin', 'admin') on conflict do nothing")
    (folder / "rules.toml").write_text(RULES)
    (folder / "secret").write_text(CLIENT_SECRET + "\n")
    environ = {
        "MILLSTREAM_DATABASE_URL": url,
        "MILLSTREAM_HTTP_PORT": "0",
        "MILLSTREAM_PUBLIC_URL": PUBLIC,
        "MILLSTREAM_OIDC_ISSUER": provider.issuer,
        "MILLSTREAM_OIDC_CLIENT_ID": CLIENT_ID,
        "MILLSTREAM_OIDC_CLIENT_SECRET_FILE": str(folder / "secret"),
        "MILLSTREAM_OIDC_SCOPES": "openid profile email groups",
        "MILLSTREAM_OIDC_RULES_FILE": str(folder / "rules.toml"),
        "MILLSTREAM_OIDC_NAME": "工厂登录",
        **more,
    }
    app = create_app(read_settings(environ, frozenset({Role.API})), frozenset({Role.API}))
    async with running(app) as client:
        await wait_ready(client)
        yield Door(Api(client, fill), provider)


@pytest.fixture
async def door(postgres_url: str, start_provider: StartProvider, tmp_path: Path) -> AsyncGenerator[Door]:
    """A service and its provider, whose claims are at the userinfo endpoint."""
    async with opened_door(postgres_url, start_provider(PUBLIC, ACCOUNTS), tmp_path) as door:
        yield door


async def test_somebody_new_gets_an_account_with_the_role_and_reach_of_the_groups(
    engine_url: str, start_provider: StartProvider, tmp_path: Path
):
    async with opened_door(engine_url, start_provider(PUBLIC, ACCOUNTS), tmp_path) as door:
        doors = (await door.api.client.get("/api/v1/login")).json()
        assert doors == {"local": "everyone", "oidc": {"name": "工厂登录", "address": BEGIN}}
        me = (await door.me(await door.session("s-1"))).json()
        assert (me["name"], me["display_name"], me["role"]) == ("wang.li", "王丽", "operator")
        assert me["reach"] == ["hangzhou/press-shop/**", "hangzhou/paint-shop/**"]
        assert not me["must_change_password"]
        assert (await door.me(await door.session("s-1"))).json()["name"] == "wang.li"
        boss = await door.session("s-2")
        users = (await door.api.client.get("/api/v1/users", headers=boss)).json()["items"]
        assert [(user["name"], user["has_identity"]) for user in users] == [
            ("admin", False),
            ("boss", True),
            ("wang.li", True),
        ]
        logged = await door.api.fill.run("select principal from audit where action = 'login'")
        assert sorted(who for (who,) in logged) == ["boss", "wang.li", "wang.li"]


async def test_the_session_comes_by_a_page_and_is_like_any_other(door: Door):
    address, cookies = await door.begin("/console/alarms?state=active&q=a'\"%3Cb")
    ((name, _),) = cookies.items()
    assert name.startswith("millstream_oidc_")
    answer = await door.finish(await Visitor(door.provider).log_in(address, "s-2"), cookies)
    assert 'content="0;url=/console/alarms?state=active&amp;q=a&#x27;&quot;%3Cb"' in answer.text
    lines = answer.headers.get_list("set-cookie")
    (session,) = [line for line in lines if line.startswith(COOKIE + "=")]
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    (gone,) = [line for line in lines if line.startswith(name)]
    assert "Max-Age=0" in gone
    client = door.api.client
    client.cookies.set(COOKIE, session_of(answer))
    series = await door.api.fill.series("a/b")
    forged = await client.patch(f"/api/v1/series/{series}", json={"unit": "V"})
    assert forged.json()["type"].endswith(":forged-request")
    proof = {PROOF_HEADER: (await client.get("/api/v1/me")).json()["csrf"]}
    assert (await client.patch(f"/api/v1/series/{series}", json={"unit": "V"}, headers=proof)).status_code == 200
    token = {"Authorization": f"Bearer {session_of(answer)}"}
    for column in ("seen_at", "expires_at"):
        fresh = await door.session("s-2")
        assert (await door.me(fresh)).status_code == 200
        await door.api.fill.run(f"update login_session set {column} = now() - interval '9 hours'")
        assert (await door.me(fresh)).status_code == 401
    assert (await door.me(token)).status_code == 401
    ((hashed,),) = await door.api.fill.run("select token_hash from login_session limit 1")
    assert len(hashed) == hashlib.sha256().digest_size


async def test_claims_in_the_id_token_under_a_path(postgres_url: str, start_provider: StartProvider, tmp_path: Path):
    accounts = {"u": {"preferred_username": "li na+x@plant.example", "realm_access": {"roles": ["visitors", "x"]}}}
    provider = start_provider(
        PUBLIC, accounts, in_id_token=True, client={"token_endpoint_auth_method": "client_secret_basic"}
    )
    more = {"MILLSTREAM_OIDC_GROUPS_CLAIM": "realm_access.roles", "MILLSTREAM_OIDC_PARAMETERS": "kc_idp_hint=wecom"}
    async with opened_door(postgres_url, provider, tmp_path, **more) as door:
        address, _ = await door.begin()
        assert question_of(address)["kc_idp_hint"] == "wecom"
        me = (await door.me(await door.session("u"))).json()
        assert (me["name"], me["role"], me["reach"]) == ("li-na-x@plant.example", "viewer", ["**"])


async def test_the_provider_decides_at_each_log_in(door: Door):
    session = await door.session("s-1")
    door.provider.set_accounts({"s-1": {"preferred_username": "renamed", "groups": ["visitors"]}})
    me = (await door.me(await door.session("s-1"))).json()
    assert (me["name"], me["role"], me["reach"]) == ("wang.li", "viewer", ["**"])
    assert (await door.me(session)).json()["role"] == "viewer", "in the older session too"
    door.provider.set_accounts({"s-1": {"groups": []}})
    assert await door.refusal("s-1") == "no-role"
    assert (await door.me(session)).status_code == 401, "who has no role any more is out everywhere"
    assert await door.refusal("s-3") == "no-role"
    ((count,),) = await door.api.fill.run("select count(*) from principal where name = 'nobody'")
    assert count == 0


async def test_who_was_disabled_stays_out(door: Door):
    session, boss = await door.session("s-1"), await door.session("s-2")
    ((user_id,),) = await door.api.fill.run("select id from principal where name = 'wang.li'")
    client = door.api.client
    changed = await client.patch(f"/api/v1/users/{user_id}", json={"state": "disabled"}, headers=boss)
    assert changed.status_code == 200, changed.text
    assert (await door.me(session)).status_code == 401
    assert await door.refusal("s-1") == "disabled"
    reset = await client.post(f"/api/v1/users/{user_id}/reset", headers=boss)
    assert reset.status_code == 409, "a password would be a way around the provider"


async def test_a_name_that_is_taken_is_not_taken_over(door: Door):
    assert await door.refusal("s-4") == "name-taken"
    await door.api.fill.key("admin", name="robot")
    door.provider.set_accounts({"s-9": {"preferred_username": "robot", "groups": ["/plants/admins"]}} | ACCOUNTS)
    assert await door.refusal("s-9") == "name-taken"
    boss, client = await door.session("s-2"), door.api.client
    made = (await client.post("/api/v1/users", json={"name": "old.hand", "role": "admin"}, headers=boss)).json()
    place = f"/api/v1/users/{made['user']['id']}/identity"
    assert (await client.put(place, json={"subject": "s-5"}, headers=boss)).status_code == 204
    assert (await client.put(place, json={"subject": "s-6"}, headers=boss)).status_code == 409
    login = {"name": "old.hand", "password": made["one_time_password"]}
    assert (await client.post("/api/v1/login", json=login)).status_code == 401
    door.provider.set_accounts({"s-5": {"preferred_username": "x", "groups": ["visitors"]}} | ACCOUNTS)
    joined = await door.session("s-5")
    me = (await door.me(joined)).json()
    assert (me["name"], me["role"]) == ("old.hand", "viewer")
    ((admin_id,),) = await door.api.fill.run("select id from principal where name = 'admin'")
    glass = await client.put(f"/api/v1/users/{admin_id}/identity", json={"subject": "s-7"}, headers=boss)
    assert glass.status_code == 409
    assert (await client.delete(place, headers=boss)).status_code == 204
    assert (await door.me(joined)).status_code == 401
    assert (await client.delete(place, headers=boss)).status_code == 404


async def test_log_out_here_and_there(door: Door):
    boss, client = await door.session("s-2"), door.api.client
    made = (await client.post("/api/v1/users", json={"name": "by.hand", "role": "viewer"}, headers=boss)).json()
    login = {"name": "by.hand", "password": made["one_time_password"]}
    token = (await client.post("/api/v1/login", json=login)).json()["token"]
    client.cookies.clear()
    out = await client.post("/api/v1/logout/oidc", headers={"Authorization": f"Bearer {token}"})
    assert out.json() == {"end_session_url": None}, "a password's session"
    address, cookies = await door.begin()
    visitor = Visitor(door.provider)
    token = session_of(await door.finish(await visitor.log_in(address, "s-2"), cookies))
    session = {"Authorization": f"Bearer {token}"}
    out = await door.api.client.post("/api/v1/logout/oidc", headers=session)
    assert out.status_code == 200, out.text
    assert (await door.me(session)).status_code == 401
    assert await visitor.log_out(out.json()["end_session_url"]) == f"{PUBLIC}/"
    assert door.provider.ended_sessions == 1
    door.provider.child.kill()
    assert (await door.api.client.get(BEGIN, headers={"Authorization": ""})).status_code == 303, "it is remembered"


async def test_without_passwords_but_for_the_one_behind_glass(
    postgres_url: str, start_provider: StartProvider, tmp_path: Path
):
    more = {"MILLSTREAM_LOCAL_LOGIN": "break_glass", "MILLSTREAM_BREAK_GLASS_USER": "keeper"}
    async with opened_door(postgres_url, start_provider(PUBLIC, ACCOUNTS), tmp_path, **more) as door:
        boss, client = await door.session("s-2"), door.api.client
        assert (await client.get("/api/v1/login")).json()["local"] == "break_glass"
        for name, role, status in (("keeper", "admin", 200), ("other", "admin", 401)):
            made = (await client.post("/api/v1/users", json={"name": name, "role": role}, headers=boss)).json()
            login = {"name": name, "password": made["one_time_password"]}
            answer = await client.post("/api/v1/login", json=login)
            assert answer.status_code == status, name
        await door.api.fill.run("update principal set role = 'engineer' where name = 'keeper'")
        keeper = await client.post("/api/v1/login", json={"name": "keeper", "password": "x"})
        assert keeper.status_code == 401


async def test_answers_count_once_and_in_the_browser_that_asked(door: Door):
    place, cookies = await door.come_back("s-1")
    _, others = await door.begin()
    assert reason(await door.finish(place, {})) == "no-attempt"
    assert reason(await door.finish(place, others)) == "no-attempt", "another browser's cookie"
    ((name, value),) = cookies.items()
    for wrong in (value[:-1] + "A" * 4, value.replace(".", "..", 1), "x", value[1:], f"{'0' * 64}{value[64:]}"):
        assert reason(await door.finish(place, {name: wrong})) == "no-attempt"
    secret, began, aim = value.split(".")
    for wrong in (f"{secret}.{int(began) + 60}.{aim}", f"{secret}.{began}.L3g"):
        assert reason(await door.finish(place, {name: wrong})) == "no-attempt", "age and aim belong to the state"
    assert reason(await door.finish(question_of(place) | {"state": "0" * 64}, cookies)) == "no-attempt"
    assert (await door.finish(place, cookies)).status_code == 200
    assert reason(await door.finish(place, cookies)) == "no-attempt", "the same answer once more"
    await door.api.fill.run("delete from login_answered")
    assert reason(await door.finish(place, cookies)) == "not-proved", "the provider does not take its code again"
    assert await door.cause() == "the code was refused: invalid_grant"
    stolen, _ = await door.come_back("s-2")
    place, cookies = await door.come_back("s-1")
    mixed = question_of(place) | {"code": question_of(stolen)["code"]}
    assert reason(await door.finish(mixed, cookies)) == "not-proved", "somebody else's code: PKCE"
    assert await door.cause() == "the code was refused: invalid_grant"


async def test_an_attempt_does_not_last(door: Door, monkeypatch: pytest.MonkeyPatch):
    place, cookies = await door.come_back("s-1")
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr("cloud_api.users.oidc.login.time.time", lambda: now + 700)
        assert reason(await door.finish(place, cookies)) == "no-attempt"
    assert (await door.finish(place, cookies)).status_code == 200


FORGERIES: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "0" * 64}},
    "no nonce": {"without": ["nonce"]},
    "another audience": {"claims": {"aud": "other-client"}},
    "several audiences, another party": {"claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
    "several audiences, no party": {"claims": {"aud": [CLIENT_ID, "other"]}},
    "another party": {"claims": {"azp": "other"}},
    "no audience": {"without": ["aud"]},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": int(time.time()) - 120}},
    "never expires": {"without": ["exp"]},
    "expires when a text says": {"claims": {"exp": "2100-01-01"}},
    "issued tomorrow": {"claims": {"iat": int(time.time()) + 86_400}},
    "not yet valid": {"claims": {"nbf": int(time.time()) + 3_600}},
    "no subject": {"without": ["sub"]},
    "an empty subject": {"claims": {"sub": ""}},
    "a number as subject": {"claims": {"sub": 7}},
    "alg none": {"sign": "none"},
    "alg nOnE": {"sign": "none", "header": {"alg": "nOnE"}},
    "the public key as a secret": {"sign": "public"},
    "the client's secret as a key": {"sign": "client"},
    "another key of the same name": {"sign": "strange"},
    "a key nobody publishes": {"header": {"kid": "nowhere"}},
    "a key that the token brings": {"sign": "strange", "header": {"jwk": {"kty": "oct", "k": "AAAA"}}},
    "a critical header that nobody knows": {"header": {"crit": ["plant"], "plant": True}},
    "a broken signature": {"sign": "cut"},
    "no ID token": {"sign": "absent"},
    "userinfo of somebody else": {"userinfo": {"sub": "s-2"}},
}


async def test_forged_id_tokens_prove_nothing(door: Door):
    slash = {"an issuer with a slash more": {"claims": {"iss": door.provider.issuer + "/"}}}
    for name, forgery in (FORGERIES | slash).items():
        door.provider.forge(**forgery)
        assert await door.refusal("s-1") == "not-proved", name
        assert await door.cause(), name
    door.provider.forge()
    ((count,),) = await door.api.fill.run("select count(*) from principal where name <> 'admin'")
    assert count == 0
    ((logged,),) = await door.api.fill.run("select count(*) from audit where action = 'login.refuse'")
    assert logged == len(FORGERIES | slash)
    assert (await door.log_in("s-1")).status_code == 200, "and an honest one does"


async def test_clocks_may_differ_by_a_minute(door: Door):
    now = int(time.time())
    for claims in ({"exp": now - 30}, {"iat": now + 30, "nbf": now + 30}):
        door.provider.forge(claims=claims)
        assert (await door.log_in("s-1")).status_code == 200


async def test_keys_are_changed_and_taken_back(door: Door, monkeypatch: pytest.MonkeyPatch):
    assert (await door.log_in("s-1")).status_code == 200
    monkeypatch.setattr("cloud_api.users.oidc.provider.LEAST_BETWEEN_KEYS_S", -1)
    door.provider.forge(sign="rotated", keys=["own", "rotated"])
    assert (await door.log_in("s-1")).status_code == 200
    door.provider.forge(sign="own", keys=["rotated"])
    monkeypatch.setattr("cloud_api.users.oidc.provider.KNOWN_FOR_S", -1)
    assert await door.refusal("s-1") == "not-proved", "a key that was taken back"


async def test_answers_of_another_provider_are_not_mixed_in(door: Door):
    place, cookies = await door.come_back("s-1")
    question = question_of(place)
    assert question["iss"] == door.provider.issuer
    without = {name: value for name, value in question.items() if name != "iss"}
    assert reason(await door.finish(without, cookies)) == "not-proved"
    assert reason(await door.finish(question | {"iss": "https://evil.example"}, cookies)) == "not-proved"
    assert (await door.finish(question, cookies)).status_code == 200
    address, cookies = await door.begin()
    error = {"state": question_of(address)["state"], "iss": door.provider.issuer, "error": "access_denied\r\nX: y"}
    answer = await door.finish(error, cookies, Accept="text/html")
    assert answer.status_code == 401
    assert "the identity provider did not let you in" in answer.text
    assert "身份提供方未允许登录" in answer.text
    assert "access_denied" not in answer.text
    stray = await door.finish({"state": "0" * 64}, {}, Accept="text/html")
    assert stray.status_code == 401
    ((told,),) = await door.api.fill.run(
        "select count(*) from audit where action = 'login.refuse' and via = 'oidc' and detail->>'cause' is null"
    )
    assert told == 1, "strangers are in the audit too"


async def test_return_to_stays_here(door: Door):
    ask = door.api.client.get
    for bad in (
        *("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\/evil.example"),
        *(
            "/\t/evil.example",
            "/\n/evil.example",
            " /x",
            "",
            "x",
            "/x\r\nSet-Cookie: a=b",
            "/" + "x" * 500,
            "/é",
            "/%0d\\",
        ),
    ):
        answer = await ask(BEGIN, params={"return_to": bad}, headers={"Authorization": ""})
        assert (answer.status_code, answer.json()["field"]) == (400, "return_to"), bad
        assert "location" not in answer.headers
    for good in ("/", "/console", "/console/alarms?a=b&c=//d#e", "/.well-known/x"):
        assert (await door.begin(good))[0].startswith(door.provider.issuer)


STRANGE: list[dict[str, Any]] = [
    {"metadata": {"issuer": "https://evil.example"}},
    {"metadata": {"token_endpoint": "http://evil.example/token"}},
    {"metadata": {"authorization_endpoint": "javascript:alert(1)"}},
    {"metadata": {"jwks_uri": None}},
    {"raw": "no JSON"},
    {"raw": "[" * 100_000},
    {"raw": "x" * 1024, "times": 2048},
]


async def test_a_provider_that_says_what_it_should_not_or_is_away(door: Door):
    for forgery in STRANGE:
        door.provider.forge(**forgery)
        answer = await door.api.client.get(BEGIN, headers={"Authorization": ""})
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (502, "identity-provider-unavailable")
    door.provider.forge()
    place, cookies = await door.come_back("s-1")
    door.provider.child.kill()
    answer = await door.finish(place, cookies)
    assert answer.status_code == 502
    assert "cannot be reached" in answer.json()["detail"]


async def test_a_planted_session_is_not_the_one_that_begins_and_secrets_stay_where_they_are(
    door: Door, caplog: pytest.LogCaptureFixture
):
    planted = "mss_" + "0" * 64
    place, cookies = await door.come_back("s-1")
    answer = await door.finish(place, cookies | {COOKIE: planted})
    assert session_of(answer) != planted
    assert (await door.me({"Authorization": f"Bearer {planted}"})).status_code == 401
    door.provider.forge(sign="cut")
    await door.refusal("s-1")
    code, token = question_of(place)["code"], session_of(answer)
    ((audit,),) = await door.api.fill.run("select string_agg(a::text, ' ') from audit a")
    for secret in (CLIENT_SECRET, code, token, next(iter(cookies.values()))[:64]):
        assert secret not in audit + caplog.text + answer.text


async def test_without_a_provider_there_is_no_such_door(postgres_api: Api):
    assert (await postgres_api.client.get("/api/v1/login")).json() == {"local": "everyone", "oidc": None}
    for path in (BEGIN, f"{CALLBACK}?state=x"):
        assert (await postgres_api.client.get(path)).status_code == 404
