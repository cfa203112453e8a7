"""Keys: which are good, how long, and what a refusal gives away. Who may do what: verdicts.toml."""

from datetime import timedelta

import httpx

from tests.integration.api.service import START, Api, running, serve_api, settings_for


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_keys_that_are_wrong_expired_or_revoked(postgres_api: Api):
    fill = postgres_api.fill
    good = await fill.key()
    other = await fill.key()
    details: dict[str, str] = {}
    for name, key in {
        "unknown": "ms_" + "0" * 10 + "_" + "1" * 64,
        "wrong secret": good[:-64] + other[-64:],
        "no key": "swordfish",
        "expired": await fill.key(expires_at=START - timedelta(days=1)),
        "revoked": await fill.key(revoked_at=START),
    }.items():
        response = await postgres_api.client.get("/api/v1/series", headers=bearer(key))
        assert response.status_code == 401, name
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        details[name] = response.json()["detail"]
        assert key not in response.text
    assert details["unknown"] == details["wrong secret"]
    assert "expired" in details["expired"]
    assert "revoked" in details["revoked"]


async def test_a_key_works_until_it_expires_or_is_revoked(postgres_api: Api):
    key = await postgres_api.fill.key(expires_at=START + timedelta(days=36_000))
    assert (await postgres_api.client.get("/api/v1/series", headers=bearer(key))).status_code == 200
    await postgres_api.fill.run("update api_key set revoked_at = now() where prefix = %s", key[3:13])
    assert (await postgres_api.client.get("/api/v1/series", headers=bearer(key))).status_code == 401


async def test_use_is_noted_and_never_the_key_itself(postgres_api: Api):
    key = await postgres_api.fill.key("operator")
    await postgres_api.client.get("/api/v1/series", headers=bearer(key))
    ((row, used),) = await postgres_api.fill.run(
        "select api_key::text, last_used_at is not null from api_key where prefix = %s", key[3:13]
    )
    assert used
    assert key[14:] not in row


async def test_metrics_are_for_loopback_and_for_keys_with_the_scope(postgres_api: Api):
    fill, client = postgres_api.fill, postgres_api.client
    scraper = await fill.key(None, ["metrics"])
    assert (await client.get("/metrics", headers=bearer(scraper))).status_code == 200
    assert (await client.get("/metrics", headers=bearer(await fill.key("admin")))).status_code == 200
    assert (await client.get("/metrics")).status_code == 403
    assert (await client.get("/api/v1/series", headers=bearer(scraper))).status_code == 403
    app = client._transport.app
    loopback = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=loopback, base_url="http://millstream") as local:
        answer = await local.get("/metrics")
        assert answer.status_code == 200
        assert "millstream_http_requests_total{" in answer.text
        assert 'route="/series"' in answer.text
        # Behind a proxy on this machine everybody has a loopback address.
        assert (await local.get("/metrics", headers={"X-Forwarded-For": "192.0.2.9"})).status_code == 401


async def test_documentation_needs_no_other_host(postgres_api: Api):
    page = (await postgres_api.client.get("/docs")).text
    assert "cdn" not in page
    assets = [part.split('"')[0] for part in page.split('"/')[1:] if part.startswith("static-offline-docs/")]
    assert len(assets) >= 3
    for asset in assets:
        assert (await postgres_api.client.get(f"/{asset}")).status_code == 200


async def test_health_names_the_part_and_no_internals():
    from cloud_api.app import create_app
    from cloud_api.settings import Role

    nowhere = "postgresql://user:hunter2@127.0.0.1:1/plant"
    app = create_app(settings_for(nowhere), frozenset({Role.API}))
    async with running(app) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json() == {"status": "not_ready", "parts": {"database": "unreachable"}, "days_to_full": None}
        refused = await client.get("/api/v1/series", headers=bearer("ms_" + "0" * 10 + "_" + "1" * 64))
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:millstream:problem:database-unavailable"
        assert refused.headers["retry-after"]
        for answer in (ready, refused):
            assert "hunter2" not in answer.text
            assert "127.0.0.1" not in answer.text


async def test_one_connection_is_enough(postgres_url: str):
    async with serve_api(postgres_url, database_pool_size=1) as api:
        series_id = await api.fill.series("one")
        import asyncio

        answers = await asyncio.gather(*(api.get(f"/series/{series_id}/samples") for _ in range(20)))
        assert [answer["items"] for answer in answers] == [[]] * 20
