"""The compose file, its images and the passwords script say what the README promises."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.broker import find_program
from tests.fixtures.database import PostgresServer
from tests.fixtures.processes import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+\S*")


@pytest.fixture
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What `deploy/prepare` makes for two agents."""
    folder = tmp_path / "secrets"
    _prepare(folder, "gw-1", "gw-2")
    return folder


def test_images_are_pinned_or_built_here(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if "build" in service:
            build = service["build"]
            assert (DEPLOY / build["context"]).resolve() == REPOSITORY, name
            assert (REPOSITORY / build["dockerfile"]).is_file(), name
        else:
            assert PINNED.fullmatch(service["image"]), f"{name}: {service['image']} has no exact version"


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_files_that_are_mounted_exist(compose: dict[str, Any], secrets: Path) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith("."):
                assert source in compose["volumes"], f"{name}: volume {source}"
            else:
                assert _on_disk(source, secrets).is_file(), f"{name}: {source}"
        for file in service.get("env_file", []):
            assert _on_disk(file, secrets).is_file(), f"{name}: {file}"


def test_services_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"


def test_the_example_agent_is_accepted(secrets: Path, tmp_path: Path) -> None:
    text = (DEPLOY / "compose-agent.toml").read_text()
    assert "/run/secrets/mqtt_password" in text
    example = tmp_path / "agent.toml"
    example.write_text(text.replace("/run/secrets/mqtt_password", str(secrets / "mqtt_gw-1_password")))
    command = [sys.executable, "-m", "millstream", "edge", "check", "-c", example]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_password_is_in_the_repository(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert "PASSWORD" not in text
    tracked = subprocess.run(["git", "ls-files", "deploy"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "deploy/secrets" not in tracked.stdout
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/secrets/cloud.env"], cwd=REPOSITORY, check=False)
    assert ignored.returncode == 0, "deploy/secrets is not ignored by git"


def test_prepare_makes_each_password_once_and_closes_the_folder(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    expected = {"cloud.env", "timescaledb.env", "mosquitto_passwords", "mqtt_gw-1_password", "mqtt_gw-2_password"}
    assert before.keys() == expected
    assert secrets.stat().st_mode & 0o077 == 0
    assert [line.split(":")[0] for line in before["mosquitto_passwords"].splitlines()] == ["cloud", "gw-1", "gw-2"]
    assert before["mqtt_gw-1_password"] != before["mqtt_gw-2_password"]
    _prepare(secrets, "gw-1", "gw-3")
    after = {path.name: path.read_text() for path in secrets.iterdir()}
    assert after.keys() - before.keys() == {"mqtt_gw-3_password"}
    assert {name: after[name] for name in before if name != "mosquitto_passwords"} == {
        name: text for name, text in before.items() if name != "mosquitto_passwords"
    }


@pytest.mark.parametrize("agent", ["cloud", "../x", "a b", "gw#1"])
def test_prepare_refuses_what_is_no_agent_id(tmp_path: Path, agent: str) -> None:
    done = subprocess.run(
        [DEPLOY / "prepare", agent], env=_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert agent in done.stderr


def test_the_database_script_makes_a_role_that_owns_its_database(
    postgres_server: PostgresServer, secrets: Path
) -> None:
    database = postgres_server.create_database()
    words = dict(line.split("=", 1) for line in (secrets / "timescaledb.env").read_text().splitlines())
    environment = _environment(secrets) | words | {"POSTGRES_DB": database} | postgres_server.client_environment()
    script = DEPLOY / "timescaledb" / "10-millstream.sh"
    subprocess.run([script], env=environment, check=True, capture_output=True, text=True)
    with postgres_server.connect(database, user="millstream") as connection:
        connection.execute("CREATE TABLE mark (id int)")
        found = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
        assert found == (False, False)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
    postgres_server.drop_database(database)
    with postgres_server.connect("postgres") as connection:
        connection.execute("DROP ROLE millstream")


@pytest.mark.parametrize("name", ["edge", "cloud"])
def test_an_image_copies_what_exists_and_runs_without_root(name: str) -> None:
    lines = _instructions(DEPLOY / f"{name}.Dockerfile")
    for instruction, arguments in lines:
        words = shlex.split(arguments)
        if instruction == "FROM":
            assert PINNED.match(words[0]) or words[0].startswith("python:3."), words
        if instruction == "COPY" and not words[0].startswith("--from"):
            assert all((REPOSITORY / word).exists() for word in words[:-1]), words
    names = [instruction for instruction, _ in lines]
    assert ("USER", "millstream") in lines
    assert names.index("ENTRYPOINT") > names.index("USER")
    assert not {"ADD", "MAINTAINER"} & set(names)
    assert all("--no-cache-dir" in arguments for key, arguments in lines if key == "RUN" and "pip install" in arguments)


def _instructions(path: Path) -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", path.read_text())
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def _on_disk(source: str, secrets: Path) -> Path:
    path = Path(source.removeprefix("./"))
    return secrets / path.relative_to("secrets") if path.parts[0] == "secrets" else DEPLOY / path


def _prepare(folder: Path, *agents: str) -> None:
    subprocess.run([DEPLOY / "prepare", *agents], env=_environment(folder), check=True, capture_output=True)


def _environment(folder: Path) -> dict[str, str]:
    tools = Path(find_program("mosquitto_passwd")).parent
    return {"PATH": f"{os.environ['PATH']}:{tools}", "MILLSTREAM_SECRETS": str(folder)}
