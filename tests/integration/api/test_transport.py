"""The way to the API: HTTPS, safe headers, slow and greedy clients, proxies that are believed or not."""

import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.fixtures.certificates import authority
from tests.fixtures.processes import Child, Processes, find_free_port
from tests.integration.api.service import serve_api
from tests.integration.api.test_process import cloud, ready

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def answers(port: int) -> bool:
    return ready(port)[0] == 503


def started(processes: Processes, port: int, **settings: str) -> Child:
    return cloud(processes, NOWHERE, port, **settings).start()


def test_https_with_a_certificate_of_ones_own(processes: Processes, tmp_path: Path):
    plant = authority(tmp_path)
    cert_file, key_file = plant.issue("cloud")
    port = find_free_port()
    files = {"MILLSTREAM_HTTP_CERT_FILE": str(cert_file), "MILLSTREAM_HTTP_KEY_FILE": str(key_file)}
    child = started(processes, port, **files)
    child.wait_for_text("https://127.0.0.1")
    trusting = ssl.create_default_context(cafile=str(plant.ca_file))
    with httpx.Client(verify=trusting, base_url=f"https://127.0.0.1:{port}") as client:
        answer = client.get("/health/live")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{port}/health/live")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health/live")


def test_a_listener_that_others_reach_unencrypted_is_said(processes: Processes):
    child = started(processes, find_free_port(), MILLSTREAM_HTTP_HOST="0.0.0.0")
    child.wait_for_text("others can reach this address, unencrypted")


def test_a_client_that_stops_sending_is_let_go(processes: Processes):
    port = find_free_port()
    child = started(processes, port, MILLSTREAM_BODY_TIMEOUT_S="0.3")
    child.wait_for(lambda: answers(port), "answers")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        head = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        slow.sendall(head.encode() + b'{"name": ')
        received = b""
        while part := slow.recv(4096):
            received += part
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"urn:millstream:problem:request-timeout" in received
    assert ready(port)[0] == 503


@pytest.mark.parametrize(("proxies", "is_secure"), [("127.0.0.1", True), ("", False)])
async def test_only_a_named_proxy_is_believed(postgres_url: str, processes: Processes, proxies: str, is_secure: bool):
    async with serve_api(postgres_url) as api:
        port = find_free_port()
        child = cloud(processes, api.fill.url, port, MILLSTREAM_HTTP_PROXIES=proxies).start()
        child.wait_for(lambda: ready(port)[0] == 200, "is ready")
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.77"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=forwarded) as client:
            answer = await client.post("/api/v1/login", json={"name": "nobody", "password": "wrong"}, timeout=30)
        assert answer.status_code == 401
        assert ("strict-transport-security" in answer.headers) == is_secure
        ((address,),) = await api.fill.run("select address from audit where action = 'login.refuse'")
        assert address == ("192.0.2.77" if is_secure else "127.0.0.1")


async def test_every_answer_has_safe_headers_and_no_page_of_others_may_read_it(postgres_url: str):
    async with serve_api(postgres_url) as api:
        foreign = {"Origin": "https://elsewhere.example"}
        for path in ("/health/live", "/api/v1/series", "/api/v1/nothing", "/docs", "/openapi.json"):
            answer = await api.client.get(path, headers=foreign)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert policy.startswith("default-src 'self'" if path == "/docs" else "default-src 'none'")
            assert ("cache-control" in answer.headers) == (path != "/docs")
            assert not [name for name in answer.headers if name.startswith("access-control-")]
        preflight = await api.client.options(
            "/api/v1/query", headers=foreign | {"Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 405


async def test_one_caller_has_a_pace_and_the_others_have_theirs(postgres_url: str):
    async with serve_api(postgres_url, rate_per_minute=5) as api:
        other = {"Authorization": f"Bearer {await api.fill.key('viewer')}"}
        statuses = [(await api.client.get("/api/v1/me")).status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = await api.client.get("/api/v1/me")
        assert refused.json()["type"] == "urn:millstream:problem:too-many-requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert (await api.client.get("/api/v1/me", headers=other)).status_code == 200
        assert (await api.client.get("/health/live")).status_code == 200
