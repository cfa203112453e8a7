"""The agent and a broker that prove to each other who they are; when that ends is told."""

from pathlib import Path

from cryptography import x509

from tests.fixtures.broker import Mosquitto
from tests.fixtures.certificates import authority
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.integration.edge_agent.gateway import Gateway, counting
from tests.integration.edge_agent.peer import Peer


def test_agent_proves_itself_by_certificate_and_refuses_a_broker_it_cannot_trust(
    processes: Processes, counting_device: CountingDevice, tmp_path: Path
) -> None:
    plant, stranger = authority(tmp_path), authority(tmp_path, "stranger")
    broker_file, broker_key = plant.issue("broker")
    own_file, own_key = plant.issue("gateway")
    extra = f"cafile {plant.ca_file}\ncertfile {broker_file}\nkeyfile {broker_key}\nrequire_certificate true"
    broker = Mosquitto(processes, {"gw-1": "secret"}, "user gw-1\ntopic readwrite #\n", extra).start()
    password = tmp_path / "password"
    password.write_text("secret")
    login = f'username = "gw-1"\npassword_file = "{password}"\ncert_file = "{own_file}"\nkey_file = "{own_key}"\n'
    url = f"mqtts://127.0.0.1:{broker.port}"

    trusting = Gateway(processes, url, mqtt=f'{login}ca_file = "{plant.ca_file}"').write(counting(counting_device))
    trusting.start().agent.wait_for_text("broker connected")
    trusting.agent.terminate()

    wary = Gateway(processes, url, mqtt=f'{login}ca_file = "{stranger.ca_file}"').write(counting(counting_device))
    wary.start().agent.wait_for_text("CERTIFICATE_VERIFY_FAILED")
    assert "broker connected" not in wary.agent.text()
    wary.agent.terminate()

    nameless = login.replace(f'cert_file = "{own_file}"\nkey_file = "{own_key}"\n', "")
    unproven = Gateway(processes, url, mqtt=f'{nameless}ca_file = "{plant.ca_file}"').write(counting(counting_device))
    unproven.start().agent.wait_for_text("broker is unreachable")
    assert "broker connected" not in unproven.agent.text()
    unproven.agent.terminate()


def test_the_ends_of_certificates_are_told_and_the_configuration_in_short(
    processes: Processes, counting_device: CountingDevice, tmp_path: Path
) -> None:
    plant, port = authority(tmp_path), find_free_port()
    broker_file, broker_key = plant.issue("broker")
    own_file, own_key = plant.issue("gateway")
    extra = f"cafile {plant.ca_file}\ncertfile {broker_file}\nkeyfile {broker_key}\nrequire_certificate true"
    passwords = {"gw-1": "secret", "peer": "secret"}
    acl = "user gw-1\ntopic readwrite #\nuser peer\ntopic readwrite #\n"
    broker = Mosquitto(processes, passwords, acl, f"{extra}\nlistener {port} 127.0.0.1").start()
    password = tmp_path / "password"
    password.write_text("secret")
    login = f'username = "gw-1"\npassword_file = "{password}"\ncert_file = "{own_file}"\nkey_file = "{own_key}"\n'
    gateway = Gateway(
        processes, f"mqtts://127.0.0.1:{broker.port}", mqtt=f'{login}ca_file = "{plant.ca_file}"\nhealth = "200ms"'
    )
    secured = (
        f'[[device]]\nname = "safe"\nkind = "modbus"\nurl = "tls://127.0.0.1:{find_free_port()}"\n'
        f'cert_file = "{own_file}"\nkey_file = "{tmp_path / "gone.key"}"\nca_file = "{tmp_path / "gone.pem"}"\n'
        '[[device.tag]]\nname = "a"\naddress = "holding:0"\n'
    )
    peer = Peer(f"mqtt://peer:secret@127.0.0.1:{port}")
    gateway.write(counting(counting_device), secured).start()
    wait_until(lambda: peer.health and len(peer.health[-1].certificates) == 4, "certificates are told")
    own, ca = (x509.load_pem_x509_certificate(file.read_bytes()) for file in (own_file, plant.ca_file))
    assert {(each.use, each.devices): each.not_after or each.error for each in peer.health[-1].certificates} == {
        ("modbus_ca", ("safe",)): "cannot be read: No such file or directory",
        ("modbus_client", ("safe",)): own.not_valid_after_utc,
        ("mqtt_ca", ()): ca.not_valid_after_utc,
        ("mqtt_client", ()): own.not_valid_after_utc,
    }
    status = peer.statuses[-1]
    told = status.config
    assert told is not None
    assert told.digest.startswith(status.config_revision or "?")
    assert (told.files, told.devices, told.tags, told.kinds) == (1, 2, counting_device.counters + 1, {"modbus": 2})
    assert told.written_at is not None
    assert round(told.written_at.timestamp(), 3) == round(gateway.config.stat().st_mtime, 3)
    gateway.agent.terminate()
    peer.close()
