"""Channels that are signed and encrypted, certificates on both sides, users with passwords."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.opcua.certificates import VALIDITY, own_certificates, thumbprint
from connectors.opcua.channel import _BEST_FIRST
from connectors.opcua.config import DEPRECATED
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.conftest import Connect, Subscribe, point
from tests.integration.connectors.opcua.servers import StartServer, TestServer, server_maker

ENCRYPTED = "Basic256Sha256/SignAndEncrypt"


def own_certificate(folder: Path) -> bytes:
    return (folder / "own" / "certificate.der").read_bytes()


@pytest.mark.parametrize(
    "security",
    [
        "None",
        "Basic256Sha256/Sign",
        ENCRYPTED,
        "Aes128Sha256RsaOaep/SignAndEncrypt",
        "Aes256Sha256RsaPss/SignAndEncrypt",
    ],
)
async def test_delivers_over_each_policy(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe, tmp_path: Path, security: str
) -> None:
    connector = connect(shared_server.url, [point("Item0")], security=security, certificates=tmp_path)
    running = await subscribe(connector)
    await running.delivered.wait_for(lambda: running.delivered.values(0) == [0.0], "the first value has come")
    shared_server.tell(set="Item0", type="Double", value=6.25)
    await running.delivered.wait_for(lambda: running.delivered.values(0) == [0.0, 6.25], "a change has come")
    shared_server.tell(set="Item0", type="Double", value=0.0)


async def test_our_certificate_stays_the_same(shared_server: TestServer, connect: Connect, tmp_path: Path) -> None:
    connector = connect(shared_server.url, [point("Item0")], security=ENCRYPTED, certificates=tmp_path)
    await connector.open()
    first = own_certificate(tmp_path)
    await connector.open()
    assert own_certificate(tmp_path) == first
    assert connector.certificate_files() == {"client": tmp_path / "own" / "certificate.der"}
    assert connect(shared_server.url, [point("Item0")], security="None").certificate_files() == {}
    assert (tmp_path / "own" / "private_key.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["own", "trusted"]


async def test_a_pinned_server_is_known_by_its_thumbprint(
    shared_server: TestServer, connect: Connect, tmp_path: Path
) -> None:
    config = {"security": ENCRYPTED, "certificates": tmp_path}
    pinned = "0123456789ABCDEF0123456789ABCDEF01234567"
    stranger = connect(shared_server.url, [point("Item0")], server_thumbprint=pinned, **config)
    with pytest.raises(DeviceUnreachable, match=pinned) as refusal:
        await stranger.open()
    shown = str(refusal.value).partition("thumbprint ")[2][:40]
    friend = connect(shared_server.url, [point("Item0")], server_thumbprint=shown, **config)
    await friend.open()
    assert (await friend.read([0])).values == [0.0]


async def test_a_pinned_server_is_known_by_its_file(processes: Processes, connect: Connect, tmp_path: Path) -> None:
    server = server_maker(processes, "asyncua")(certificates=str(tmp_path / "pki"))
    certificate = tmp_path / "pki" / "server.der"
    config = {"security": ENCRYPTED, "certificates": tmp_path}
    friend = connect(server.url, [point("Double")], server_certificate=certificate, **config)
    await friend.open()
    assert (await friend.read([0])).values == [0.1]
    await friend.close()
    another = tmp_path / "own" / "certificate.der"
    wrong = connect(server.url, [point("Double")], server_certificate=another, timeout="1s", **config)
    with pytest.raises(DeviceUnreachable):
        await wrong.open()


async def test_a_server_that_does_not_trust_us_says_what_to_do(
    processes: Processes, connect: Connect, tmp_path: Path
) -> None:
    server = server_maker(processes, "node-opcua")(certificates=str(tmp_path / "pki"), trusting=False)
    connector = connect(server.url, [point("Double")], security=ENCRYPTED, certificates=tmp_path)
    with pytest.raises(DeviceUnreachable, match="trust list"):
        await connector.open()
    assert not (tmp_path / "trusted").exists()  # it has proved nothing yet
    rejected = tmp_path / "pki" / "pki" / "rejected"
    assert [thumbprint(own_certificate(tmp_path)).lower() in name.name.lower() for name in rejected.iterdir()] == [True]


async def test_a_renewed_certificate_waits_until_the_server_trusts_it(
    processes: Processes, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = server_maker(processes, "node-opcua")(certificates=str(tmp_path / "pki"), trusting=False)
    connector = connect(server.url, [point("Double")], security=ENCRYPTED)
    ten_years_ago = datetime.now(UTC) - VALIDITY
    (old,) = await asyncio.to_thread(own_certificates, tmp_path, ten_years_ago + timedelta(days=20))
    with pytest.raises(DeviceUnreachable, match="trust list") as refusal:
        await connector.open()
    pairs = await asyncio.to_thread(own_certificates, tmp_path, datetime.now(UTC))
    assert [pair.thumbprint for pair in pairs[1:]] == [old.thumbprint]
    new = pairs[0].thumbprint
    assert new in str(refusal.value)
    trusted, rejected = tmp_path / "pki" / "pki" / "trusted" / "certs", tmp_path / "pki" / "pki" / "rejected"
    for renewed, answers in ((old.thumbprint, "until then the old one serves"), (new, "")):
        for file in list(rejected.iterdir()):
            if renewed.lower() in file.name.lower():
                file.rename(trusted / file.name)
        await asyncio.to_thread(server.child.kill)
        await asyncio.to_thread(server.start)
        caplog.clear()
        await connector.open()
        assert (await connector.read([0])).values == [0.1]
        said = [record.getMessage() for record in caplog.records if "our renewed certificate" in record.getMessage()]
        assert bool(said) == bool(answers)
        in_use = {"client": pairs[1 if answers else 0].certificate_file}
        assert connector.certificate_files() == in_use  # what the health of the agent tells the end of
        assert all(new in line and answers in line for line in said)


async def test_a_policy_that_is_not_offered(start_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    server = start_server()
    connector = connect(server.url, [point("Double")], security=ENCRYPTED, certificates=tmp_path)
    with pytest.raises(DeviceUnreachable, match="it offers None/None"):
        await connector.open()


async def test_auto_takes_the_best_and_never_none(
    shared_server: TestServer, start_server: StartServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="connectors.opcua")
    connector = connect(shared_server.url, [point("Item0")], security="auto")
    await connector.open()
    assert (await connector.read([0])).values == [0.0]
    assert "Aes256Sha256RsaPss/SignAndEncrypt, our certificate" in caplog.text
    bare = connect(start_server().url, [point("Double")], security="auto")
    with pytest.raises(DeviceUnreachable, match="has to be asked for"):
        await bare.open()


async def test_another_certificate_than_the_first_is_refused(
    processes: Processes, connect: Connect, tmp_path: Path
) -> None:
    server = server_maker(processes, "asyncua")(certificates=str(tmp_path / "pki"))
    connector = connect(server.url, [point("Double")], security=ENCRYPTED)
    await connector.open()
    await connector.close()
    server.child.kill()
    for file in (tmp_path / "pki").iterdir():
        file.unlink()
    server.start()
    with pytest.raises(DeviceUnreachable, match="accept it: mv") as refusal:
        await connector.open()
    source, target = str(refusal.value).rpartition("mv ")[2].split()
    Path(source).rename(target)
    await connector.open()
    assert (await connector.read([0])).values == [0.1]


async def test_a_redundant_server_stands_in(processes: Processes, connect: Connect, subscribe: Subscribe) -> None:
    make = server_maker(processes, "asyncua")
    first, second = make(), make()
    second.tell(set="Double", type="Double", value=22.0)
    connector = connect(first.url, [point("Double")], fallback_urls=[second.url], timeout="2s")
    running = await subscribe(connector)
    await running.delivered.wait_for(lambda: running.delivered.values(0) == [0.1], "the first server delivers")
    first.child.kill()
    assert isinstance(await running.outcome(), DeviceUnreachable)
    again = await subscribe(connector)
    await again.delivered.wait_for(lambda: again.delivered.values(0) == [22.0], "the second one delivers")
    assert connector.counters["server_switches"] == 1


async def test_withdrawn_policies_serve_when_they_are_written_and_only_then(
    processes: Processes, connect: Connect, tmp_path: Path
) -> None:
    names = [f"{policy}_{mode}" for policy in ("Basic256", "Basic128Rsa15") for mode in ("Sign", "SignAndEncrypt")]
    server = server_maker(processes, "asyncua")(certificates=str(tmp_path / "pki"), more_policies=names)
    for name in names:
        old = connect(server.url, [point("Double")], security=name.replace("_", "/"), certificates=tmp_path)
        await old.open()
        assert (await old.read([0])).values == [0.1]
        await old.close()
    assert not DEPRECATED & set(_BEST_FIRST), "auto never chooses them"


async def test_logs_in_by_user_name(
    start_server: StartServer, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(users={"line-1": "geheim 密码"}, certificates=str(tmp_path / "pki"))
    secret = tmp_path / "password"
    secret.write_text("geheim 密码\n", encoding="utf-8")
    monkeypatch.setenv("CELL_PASSWORD", "wrong")
    config = {"security": ENCRYPTED, "certificates": tmp_path, "username": "line-1"}
    welcome = connect(server.url, [point("Double")], password_file=secret, **config)
    await welcome.open()
    assert (await welcome.read([0])).values == [0.1]
    await welcome.close()
    wrong = connect(server.url, [point("Double")], password_env="CELL_PASSWORD", **config)
    with pytest.raises(DeviceUnreachable, match="user name"):
        await wrong.open()
    monkeypatch.setenv("CELL_PASSWORD", "geheim 密码")
    await wrong.open()
    await wrong.close()
    anonymous = connect(server.url, [point("Double")])
    with pytest.raises(DeviceUnreachable):
        await anonymous.open()
    assert server.tell()["sessions"] == 0


@pytest.mark.parametrize("security", ["None", ENCRYPTED, "Aes256Sha256RsaPss/SignAndEncrypt"])
async def test_logs_in_by_a_token_that_somebody_else_issued(
    processes: Processes, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    token = f"eyJhbGciOiJSUzI1NiJ9.{'x' * 600}.c2lnbmF0dXJl"  # longer than one block of RSA
    server = server_maker(processes, "asyncua")(token=token, certificates=str(tmp_path / "pki"))
    secret = tmp_path / "token"
    secret.write_text(f"{token}\n")
    bearer = connect(server.url, [point("Double")], token_file=secret, security=security, certificates=tmp_path)
    await bearer.open()
    assert (await bearer.read([0])).values == [0.1]
    await bearer.close()
    await bearer.open()
    await bearer.close()
    monkeypatch.setenv("CELL_TOKEN", "expired")
    late = connect(server.url, [point("Double")], token_env="CELL_TOKEN", security=security, certificates=tmp_path)
    with pytest.raises(DeviceUnreachable, match="token"):
        await late.open()
    nobody = connect(server.url, [point("Double")], security=security, certificates=tmp_path)
    with pytest.raises(DeviceUnreachable):
        await nobody.open()


def test_a_secret_that_cannot_be_read_is_a_configuration_error(connect: Connect, tmp_path: Path) -> None:
    for source in ({"password_file": tmp_path / "missing"}, {"password_env": "MILLSTREAM_NO_SUCH_VARIABLE"}):
        with pytest.raises(ConfigInvalid, match=next(iter(source))):
            connect("opc.tcp://127.0.0.1:4840", [], username="line-1", **source)
    for source in ({"token_file": tmp_path / "missing"}, {"token_env": "MILLSTREAM_NO_SUCH_VARIABLE"}):
        with pytest.raises(ConfigInvalid, match=next(iter(source))):
            connect("opc.tcp://127.0.0.1:4840", [], **source)


async def test_logs_in_by_the_certificate_of_a_user(processes: Processes, connect: Connect, tmp_path: Path) -> None:
    """The user's pair is one of ours here; the server knows users by the thumbprint of their certificate."""
    (own,) = await asyncio.to_thread(own_certificates, tmp_path / "user", datetime.now(UTC))
    options = {"certificates": str(tmp_path / "pki"), "user_thumbprints": [own.thumbprint]}
    server = server_maker(processes, "asyncua")(**options)
    user = {"user_certificate": own.certificate_file, "user_key": own.key_file}
    connector = connect(server.url, [point("Double")], security=ENCRYPTED, **user)
    await connector.open()
    assert (await connector.read([0])).values == [0.1]
    (stranger,) = await asyncio.to_thread(own_certificates, tmp_path / "stranger", datetime.now(UTC))
    user = {"user_certificate": stranger.certificate_file, "user_key": stranger.key_file}
    refused = connect(server.url, [point("Double")], security=ENCRYPTED, **user)
    with pytest.raises(DeviceUnreachable):
        await refused.open()
    missing = {"user_certificate": tmp_path / "none.der", "user_key": tmp_path / "none.pem"}
    unreadable = connect(server.url, [point("Double")], security=ENCRYPTED, **missing)
    with pytest.raises(DeviceUnreachable, match="user_certificate"):
        await unreadable.open()


@pytest.mark.parametrize("security", ["None", "auto"])
async def test_a_server_that_does_not_know_its_own_address(
    processes: Processes, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture, security: str
) -> None:
    elsewhere = "opc.tcp://plc-of-the-integrator.invalid:14840/path"
    options = {"certificates": str(tmp_path / "pki"), "advertised": elsewhere}
    server = server_maker(processes, "asyncua")(**options)
    connector = connect(server.url, [point("Double")], security=security)
    for _ in range(2):
        await connector.open()
        assert (await connector.read([0])).values == [0.1]
    assert connector.counters["advertised_elsewhere"] == 1
    explained = [record for record in caplog.records if elsewhere in record.getMessage()]
    assert len(explained) == 1
    assert "we stay with the configured url" in explained[0].getMessage()
