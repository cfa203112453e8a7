"""`millstream cloud` as a process: its settings, its start without a database, its loss of one, its end."""

import json
import os
import signal
import socket
import threading
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from tests.fixtures.broker import Broker
from tests.fixtures.database import PostgresServer
from tests.fixtures.processes import Child, Processes, find_free_port, wait_until


def cloud(processes: Processes, url: str, port: int, **more: str) -> Child:
    environment = {
        "MILLSTREAM_DATABASE_URL": url,
        "MILLSTREAM_HTTP_PORT": str(port),
        "MILLSTREAM_DATABASE_POOL_SIZE": "2",
    }
    return processes.millstream("cloud", "run", "--role", "api", **environment | more)


def ready(port: int) -> tuple[int, dict[str, Any]]:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=20)
    except httpx.TransportError:
        return 0, {}
    return answer.status_code, answer.json()


def make_key(processes: Processes, url: str, *arguments: str) -> dict[str, Any]:
    child = processes.millstream("cloud", "key", "create", "--name", *arguments, "--json", MILLSTREAM_DATABASE_URL=url)
    assert child.start().wait() == 0, child.tail()
    made: dict[str, Any] = json.loads(child.text())
    return made


def migrate(processes: Processes, url: str) -> None:
    child = processes.millstream("cloud", "migrate", MILLSTREAM_DATABASE_URL=url)
    assert child.start().wait() == 0, child.tail()


def test_all_settings_problems_are_told_at_once_and_nothing_starts(processes: Processes):
    port = find_free_port()
    child = cloud(processes, "mysql://x:hunter2@y/z", port, MILLSTREAM_QUERY_SLOTS="0", MILLSTREAM_LOG_LEVEL="loud")
    assert child.start().wait() == 2
    for name in ("MILLSTREAM_DATABASE_URL", "MILLSTREAM_QUERY_SLOTS", "MILLSTREAM_LOG_LEVEL"):
        assert name in child.text()
    assert "hunter2" not in child.text()
    assert "Traceback" not in child.text()


def test_a_port_in_use_is_said_with_its_setting(processes: Processes):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        child = cloud(processes, "postgresql://nobody@127.0.0.1:1/none", port)
        assert child.start().wait() == 2
    assert str(port) in child.text()
    assert "MILLSTREAM_HTTP_PORT" in child.text()
    assert "Traceback" not in child.text()


def test_it_waits_for_the_database_and_for_its_schema(processes: Processes, killable_postgres: PostgresServer):
    url = killable_postgres.tcp_url(killable_postgres.create_database())
    killable_postgres.kill()
    port = find_free_port()
    child = cloud(processes, url, port).start()
    child.wait_for(lambda: ready(port)[0] == 503, "answers that it is not ready")
    assert ready(port)[1]["parts"] == {"database": "unreachable"}
    killable_postgres.start()
    child.wait_for(lambda: ready(port)[1].get("parts") == {"database": "schema_outdated"}, "misses the schema")
    child.wait_for_text("run `millstream cloud migrate`")
    migrate(processes, url)
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")
    assert child.terminate() == 0, child.tail()
    assert "Traceback" not in child.text()


def test_it_survives_the_loss_of_its_database(processes: Processes, killable_postgres: PostgresServer):
    url = killable_postgres.tcp_url(killable_postgres.create_database())
    migrate(processes, url)
    headers = {"Authorization": f"Bearer {make_key(processes, url, 'eva', '--role', 'viewer')['key']}"}
    port = find_free_port()
    child = cloud(processes, url, port).start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")

    def ask() -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{port}/api/v1/series", headers=headers, timeout=60)

    assert ask().status_code == 200
    killable_postgres.kill()
    for _ in range(2):
        lost = ask()
        assert lost.status_code == 503
        assert lost.json()["type"] == "urn:millstream:problem:database-unavailable"
        assert str(killable_postgres.port) not in lost.text
    assert httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    assert ready(port)[1]["parts"]["database"] == "unreachable"
    killable_postgres.start()
    child.wait_for(lambda: ask().status_code == 200, "answers again by itself")
    child.wait_for(lambda: ready(port)[0] == 200, "is ready again")
    assert "Traceback" not in child.text()


def test_a_signal_ends_it_after_the_running_answer(processes: Processes, postgres_url: str):
    migrate(processes, postgres_url)
    headers = {"Authorization": f"Bearer {make_key(processes, postgres_url, 'eva', '--role', 'viewer')['key']}"}
    port = find_free_port()
    child = cloud(processes, postgres_url, port).start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")
    with psycopg.connect(postgres_url) as holder, httpx.Client(timeout=60) as client:
        holder.execute("lock table series in access exclusive mode")
        answers: list[int] = []

        def ask() -> None:
            answers.append(client.get(f"http://127.0.0.1:{port}/api/v1/series", headers=headers).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(
            lambda: holder.execute("select count(*) from pg_locks where not granted").fetchone() == (1,),
            "the request waits for the table",
        )
        os.kill(child.pid, signal.SIGTERM)
        child.wait_for_text("Waiting for")
        holder.rollback()
        asking.join(60)
    assert answers == [200]
    assert child.wait() == 0, child.tail()


def test_a_key_is_shown_once_and_only_its_hash_is_kept(processes: Processes, empty_postgres_url: str):
    postgres_url = empty_postgres_url
    before = processes.millstream(
        "cloud", "key", "create", "--name", "eva", "--role", "viewer", MILLSTREAM_DATABASE_URL=postgres_url
    )
    assert before.start().wait() == 1
    assert "millstream cloud migrate" in before.text()
    migrate(processes, postgres_url)
    made = make_key(processes, postgres_url, "eva", "--role", "engineer")
    assert (made["name"], made["role"]) == ("eva", "engineer")
    with psycopg.connect(postgres_url) as connection:
        ((row,),) = connection.execute("select api_key::text from api_key").fetchall()
    assert made["key"].split("_")[1] in row
    assert made["key"].split("_")[2] not in row
    wrong = processes.millstream(
        "cloud", "key", "create", "--name", "eva", "--role", "king", MILLSTREAM_DATABASE_URL=postgres_url
    )
    assert wrong.start().wait() == 2


def test_migrate_says_that_nobody_answers(processes: Processes):
    child = processes.millstream(
        "cloud", "migrate", MILLSTREAM_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{find_free_port()}/none"
    )
    assert child.start().wait() == 1
    assert "the database cannot be reached" in child.text()
    assert "Traceback" not in child.text()


def test_all_roles_work_in_one_process_with_one_connection(processes: Processes, postgres_url: str, broker: Broker):
    migrate(processes, postgres_url)
    port = find_free_port()
    environment = {
        "MILLSTREAM_DATABASE_URL": postgres_url,
        "MILLSTREAM_DATABASE_POOL_SIZE": "1",
        "MILLSTREAM_MQTT_URL": broker.url,
        "MILLSTREAM_HTTP_PORT": str(port),
        "MILLSTREAM_CONSOLE": "off",
    }
    headers = {"Authorization": f"Bearer {make_key(processes, postgres_url, 'eva', '--role', 'engineer')['key']}"}
    child = processes.millstream("cloud", "run", **environment).start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")
    assert ready(port)[1]["parts"] == dict.fromkeys(("database", "ingest", "broker", "rollups"), "ready")
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for value in (1.5, 2.5):
        items = [{"path": "a/b", "time": time, "value": value}]
        posted = httpx.post(f"http://127.0.0.1:{port}/api/v1/samples", json=items, headers=headers, timeout=60)
        assert posted.status_code == 200, posted.text
        assert posted.json()["rejected"] == []
    assert posted.json()["overwritten"] == 1
    broker.kill()
    child.wait_for(lambda: ready(port)[1]["parts"]["broker"] == "unreachable", "misses the broker")
    broker.start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready again")
    assert child.terminate() == 0, child.tail()
    assert "Traceback" not in child.text()


def test_keys_made_and_revoked_at_the_machine_are_in_the_audit(processes: Processes, postgres_url: str):
    made = make_key(processes, postgres_url, "erp", "--role", "viewer")
    child = processes.millstream("cloud", "key", "revoke", made["prefix"], MILLSTREAM_DATABASE_URL=postgres_url)
    assert child.start().wait() == 0, child.tail()
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "select principal, via, address, action, object, detail::text from audit order by id"
        ).fetchall()
    assert [row[3:5] for row in rows] == [("api_key.create", made["prefix"]), ("api_key.revoke", made["prefix"])]
    assert {(row[0].partition(":")[0], row[1], row[2]) for row in rows} == {
        ("command", "command", socket.gethostname())
    }
    assert made["key"] not in str(rows)
