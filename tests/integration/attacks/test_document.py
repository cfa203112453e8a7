"""Schemathesis over the OpenAPI document, against a real process: no 5xx, no undocumented status, form or content."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import msgspec
import pytest

from cloud_api.ingest.rejects import KeptSamples
from cloud_api.storage.migrate import migrate
from schemas.sample import Kind
from tests.fixtures.broker import Broker
from tests.fixtures.processes import Processes, find_free_port
from tests.integration.api.halls import INSIDE, one_hall
from tests.integration.api.service import Api, Fill
from tests.integration.api.test_process import ready

MINUTES = float(os.environ.get("MILLSTREAM_ATTACK_MINUTES", "0"))
SECONDS = int(MINUTES * 60) or 12
SEED = os.environ.get("MILLSTREAM_ATTACK_SEED", "1")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
# Streams end when their reader goes; they have tests of their own.
STREAMS = ".*/stream$"
# Keys and people made here have numbers that no guess finds, so that nobody takes away the one who asks.
FAR = 9_000_000_000


@pytest.fixture
def server(processes: Processes, broker: Broker, postgres_url: str) -> tuple[str, dict[str, str]]:
    """A cloud as a process with a hall in it; its address, and a key for each who asks."""
    migrate(postgres_url)
    keys = asyncio.run(_fill(postgres_url))
    port = find_free_port()
    environment = {
        "MILLSTREAM_DATABASE_URL": postgres_url,
        "MILLSTREAM_HTTP_PORT": str(port),
        "MILLSTREAM_MQTT_URL": broker.url,
        "MILLSTREAM_RATE_PER_MINUTE": "1000000",
        "MILLSTREAM_RETENTION_RAW": "forever",
        "MILLSTREAM_RETENTION_1M": "forever",
    }
    child = processes.millstream("cloud", "run", "--role", "api", "--role", "ingest", **environment).start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")
    return f"http://127.0.0.1:{port}", keys


async def _fill(url: str) -> dict[str, str]:
    fill = Fill(url)
    for table in ("api_key", "principal"):
        await fill.run(f"alter table {table} alter column id restart with {FAR}")
    await fill.run("insert into principal (name, role) values ('admin', 'admin')")
    await one_hall(Api(httpx.AsyncClient(), fill), INSIDE, "gw-open")
    kept = msgspec.msgpack.encode(KeptSamples(Kind.F64, [0], [0], [1.0]))
    await fill.run("update reject set payload = %s", kept)
    return {
        "nobody": "",
        "admin": await fill.key("admin"),
        "limited operator": await fill.key("operator", reach=["plant/hall-1/**"]),
    }


def test_every_operation_answers_as_the_document_says(
    server: tuple[str, dict[str, str]], processes: Processes, tmp_path: Path
):
    address, keys = server
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx.get(f"{address}/openapi.json", timeout=60).content)
    for caller, key in keys.items():
        command: list[str | Path] = [
            *(sys.executable, "-m", "schemathesis.cli", "run", document, "--url", address),
            *("--checks", ",".join(CHECKS), "--exclude-path-regex", STREAMS, "--max-time", str(SECONDS)),
            *("--phases", "coverage,fuzzing", "--seed", SEED, "--no-shrink", "--continue-on-failure"),
            *("--request-timeout", "60", "--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        ]
        if key:
            command += ["--header", f"Authorization: Bearer {key}"]
        child = processes.command("schemathesis", command).start()
        code = child.wait(SECONDS + 600)
        assert code == 0, f"{caller}:\n{child.tail(400)}"
        assert "Test cases:" in child.text(), f"{caller}: nothing was asked"
