"""The agent and a broker that prove to each other who they are."""

from pathlib import Path

from tests.fixtures.broker import Mosquitto
from tests.fixtures.certificates import authority
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Processes
from tests.integration.edge_agent.gateway import Gateway, counting


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
