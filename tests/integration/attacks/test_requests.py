"""Requests that want to be read as something else: SQL in globs, paths that climb, line ends, foreign tokens."""

import base64
import json
from collections.abc import AsyncGenerator

import pytest

from cloud_api.auth.session_tokens import COOKIE
from tests.integration.api.service import Api, serve_api

METACHARACTERS = (
    *(
        "' or 1=1 --",
        "'; drop table series; --",
        "%",
        "_",
        "a%' escape '\\",
        "\\",
        "$$",
        "a\\'b",
        "(?i).*",
        ".*",
        "[a-z]",
    ),
    *("a|b", "^", "$1", "{0}", "%s", "%(path)s", "\u2019 or 1=1", "*/../**", "..", "a/../../b"),
)


def unsigned(header: dict[str, str], claims: dict[str, object]) -> str:
    """A token as other systems have them."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join((*parts, ""))


@pytest.fixture
async def api(postgres_url: str) -> AsyncGenerator[Api]:
    async with serve_api(postgres_url) as served:
        yield served


async def test_globs_mean_characters_and_nothing_else(api: Api):
    await api.fill.series("plant/press/speed")
    await api.fill.series("plant/100%_sure/it's")
    for text in METACHARACTERS:
        for parameter in ("path", "q", "asset"):
            answer = await api.client.get("/api/v1/series", params={parameter: text})
            assert answer.status_code in {200, 400, 404}, (parameter, text, answer.text)
            if answer.status_code == 200 and text not in {"%", "_"}:
                assert answer.json()["items"] == [], (parameter, text)
    exact = (await api.get("/series", path="plant/100%_sure/it's"))["items"]
    assert [item["path"] for item in exact] == ["plant/100%_sure/it's"]
    assert (await api.get("/series", path="plant/100%_sur_/*"))["items"] == []
    assert len((await api.get("/series", path="**"))["items"]) == 2, "everything is still there"


async def test_paths_do_not_climb_out_of_their_folder(api: Api):
    for path in (
        *("/static-offline-docs/../../../etc/passwd", "/static-offline-docs/%2e%2e/%2e%2e/etc/passwd"),
        *("/static-offline-docs/..%2f..%2f..%2fetc%2fpasswd", "/static-offline-docs//etc/passwd"),
        *("/docs/..;/metrics", "/api/v1/../../etc/passwd", "/static-offline-docs/..\\..\\pyproject.toml"),
        "/static-offline-docs/%00",
    ):
        answer = await api.client.get(path)
        assert answer.status_code in {400, 401, 404}, (path, answer.status_code)
        assert "root:" not in answer.text


async def test_foreign_tokens_and_mixed_ones_open_nothing(api: Api):
    admin = await api.fill.key("admin")
    secret = admin.rpartition("_")[2]
    tokens = (
        unsigned({"alg": "none"}, {"sub": "admin", "role": "admin"}),
        unsigned({"alg": "HS256"}, {"sub": "admin"}) + "AAAA",
        *(
            f"mss_{secret}",
            f"ms_{'0' * 10}_{secret}",
            admin.upper(),
            admin + " ",
            admin[:-1],
            f"{admin},{admin}",
            "null",
            "mss_" + "0" * 64,
        ),
    )
    for token in tokens:
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Authorization": "", "Cookie": f"{COOKIE}={token.strip(' ,')}"},
        ):
            answer = await api.client.get("/api/v1/users", headers=headers)
            is_the_key = token.strip() == admin and "Cookie" not in headers
            assert answer.status_code == (200 if is_the_key else 401), (token, headers)
    # A key is no session: in a cookie, where pages of others make browsers send it, it must not change anything.
    cookie = {"Authorization": "", "Cookie": f"{COOKIE}={admin}"}
    changed = await api.client.post("/api/v1/users", json={"name": "x", "role": "admin"}, headers=cookie)
    assert changed.status_code in {401, 403}


async def test_line_ends_reach_neither_headers_nor_logs(api: Api, caplog: pytest.LogCaptureFixture):
    planted = "x\r\nSet-Cookie: planted=1\r\n2026-11-27T00:00:00Z CRITICAL forged line"
    for path, parameters in (
        ("/series", {"path": planted}),
        ("/series", {"cursor": planted}),
        ("/login/oidc", {"return_to": planted}),
        ("/audit", {"who": planted}),
    ):
        answer = await api.client.get(f"/api/v1{path}", params=parameters)
        assert "planted" not in str(answer.headers).lower()
        assert "set-cookie" not in answer.headers
    await api.client.post("/api/v1/login", json={"name": planted[:60], "password": "x"})
    assert not any(record.getMessage().startswith("2026-11-27") for record in caplog.records)
    assert not any("\n" in record.getMessage() and "forged" in record.getMessage() for record in caplog.records)


async def test_texts_that_no_database_holds_are_refused_by_name(api: Api):
    series_id = await api.fill.series("plant/press/speed")
    for path in ("/series", "/assets", "/gaps", "/rejects", "/rejects/groups", "/audit"):
        for name in ("q", "path", "agent", "device", "reason", "who"):
            answer = await api.client.get(f"/api/v1{path}", params={name: "a\x00b"})
            assert (answer.status_code, answer.json()["field"]) == (400, name), (path, answer.text)
    assert (await api.client.get("/api/v1/agents/a%00b/delivery")).status_code == 400
    headers = {"Authorization": f"Bearer {await api.fill.key('admin')}", "Content-Type": "application/json"}
    for text in (r"a\u0000b", r"a\ud800b"):
        for method, path, body, field in (
            ("PATCH", f"/series/{series_id}", '{"unit": "%s"}', "unit"),
            ("POST", "/asset-templates", '{"name": "T", "tags": [{"tag": "a", "unit": "%s"}]}', "tags.0.unit"),
            ("POST", "/rejects/preview", '{"select": {"agent": "%s"}, "mapping": {}}', "select.agent"),
            ("POST", "/query", '{"series": ["x"], "from": "%s", "to": "", "interval": "1m"}', "from"),
        ):
            answer = await api.client.request(method, f"/api/v1{path}", content=body % text, headers=headers)
            problem = answer.json()
            assert (answer.status_code, problem["field"], problem["value"]) == (422, field, text), answer.text


async def test_numbers_and_names_beyond_every_column_are_refused_by_name(api: Api):
    answer = await api.client.get("/api/v1/assets", params={"template_id": "99999999999999999999"})
    assert (answer.status_code, answer.json()["field"]) == (400, "template_id")
    asked = {"asset": "", "from": "2026-01-31T08:00:00Z", "to": "2026-01-31T09:00:00Z", "interval": "1m"}
    answer = await api.client.get("/api/v1/query", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, "asset")
