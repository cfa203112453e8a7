"""The shipped mosquitto.conf and acl, on a real Mosquitto: agents are kept to their own topics, the cloud reads all."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.fixtures.broker import find_program, write_passwords
from tests.fixtures.processes import REPOSITORY, Processes, find_free_port, wait_until

SHIPPED = REPOSITORY / "deploy" / "mosquitto"
ROOT = "millstream/v1"
NOT_AUTHORISED = 135
AGENT_WRITES = ("batch", "backlog", "status", "health", "catalog/press-1/0", "config/report", "command/result")
AGENT_READS = ("ack", "status", "config", "command")


@dataclass
class Listener:
    """A connected client, what it heard and what was answered to its publications."""

    client: mqtt.Client
    heard: dict[str, bytes] = field(default_factory=dict)
    answers: dict[int, ReasonCode] = field(default_factory=dict)

    def publish(self, topic: str, payload: bytes) -> ReasonCode:
        """Publish with QoS 1 and return what the broker said."""
        sent = self.client.publish(topic, payload, qos=1)
        return wait_until(lambda: self.answers.get(sent.mid), f"the broker answers to {topic}")

    def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1 and wait for the broker's word."""
        granted: list[object] = []
        self.client.on_subscribe = lambda *_: granted.append(True)
        self.client.subscribe(topic, qos=1)
        wait_until(lambda: granted, f"the broker answers to the subscription of {topic}")


@pytest.fixture
def port(processes: Processes) -> int:
    """The shipped files with paths and port of this test; nothing else is changed."""
    folder = processes.folder
    number = find_free_port()
    text = (SHIPPED / "mosquitto.conf").read_text()
    text = re.sub(r"^listener 1883$", f"listener {number} 127.0.0.1", text, flags=re.MULTILINE)
    text = text.replace("/mosquitto/config/", f"{folder}/").replace("/mosquitto/data/", f"{folder}/")
    user = "user root\n" if os.geteuid() == 0 else ""
    folder.joinpath("mosquitto.conf").write_text(text + user)
    folder.joinpath("acl").write_text((SHIPPED / "acl").read_text())
    folder.joinpath("acl").chmod(0o600)
    write_passwords(folder / "passwords", {"cloud": "c", "gw-1": "one", "gw-2": "two"})
    command = [find_program("mosquitto"), "-c", folder / "mosquitto.conf"]
    processes.command("mosquitto", command).start().wait_for_port(number)
    return number


@pytest.fixture
def connect(port: int) -> Iterator["Connect"]:
    connected = Connect(port)
    yield connected
    connected.close()


class Connect:
    """Connects clients and ends them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: list[mqtt.Client] = []

    def __call__(self, user: str | None, password: str | None) -> Listener:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        listener = Listener(client)
        client.on_message = lambda _c, _d, message: listener.heard.__setitem__(message.topic, message.payload)
        client.on_publish = lambda _c, _d, mid, code, _p: listener.answers.__setitem__(mid, code)
        client.username_pw_set(user, password)
        codes: list[ReasonCode] = []
        client.on_connect = lambda _c, _d, _f, code, _p: codes.append(code)
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        self._clients.append(client)
        wait_until(lambda: codes, "the broker answers")
        if codes[0].is_failure:
            raise PermissionError(str(codes[0]))
        return listener

    def close(self) -> None:
        """End all clients."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()


def test_nobody_comes_in_without_a_password(connect: Connect) -> None:
    with pytest.raises(PermissionError):
        connect(None, None)
    with pytest.raises(PermissionError):
        connect("gw-1", "two")


def test_the_cloud_hears_all_agents_and_agents_hear_only_what_is_theirs(connect: Connect) -> None:
    cloud, first, second = connect("cloud", "c"), connect("gw-1", "one"), connect("gw-2", "two")
    for listener in (cloud, first, second):
        listener.subscribe(f"{ROOT}/#")
    for agent, listener in (("gw-1", first), ("gw-2", second)):
        for channel in AGENT_WRITES:
            assert not listener.publish(f"{ROOT}/{agent}/{channel}", agent.encode()).is_failure, channel
        for channel in ("ack", "config", "command"):
            assert not cloud.publish(f"{ROOT}/{agent}/{channel}", b"down").is_failure, channel
    everything = {
        f"{ROOT}/{agent}/{channel}" for agent in ("gw-1", "gw-2") for channel in {*AGENT_WRITES, *AGENT_READS}
    }
    wait_until(lambda: cloud.heard.keys() == everything, "the cloud hears everything")
    for agent, listener in (("gw-1", first), ("gw-2", second)):
        own = {f"{ROOT}/{agent}/{channel}" for channel in AGENT_READS}
        wait_until(
            lambda listener=listener, own=own: listener.heard.keys() == own, f"{agent} hears its own topics only"
        )


def test_an_agent_cannot_speak_for_another_or_for_the_cloud(connect: Connect) -> None:
    cloud, agent = connect("cloud", "c"), connect("gw-1", "one")
    cloud.subscribe("#")
    foreign = [f"{ROOT}/gw-2/{channel}" for channel in AGENT_WRITES]
    downward = [f"{ROOT}/gw-1/{channel}" for channel in ("ack", "config", "command")]
    for topic in [*foreign, *downward, f"{ROOT}/x", "other/topic"]:
        assert agent.publish(topic, b"forged").value == NOT_AUTHORISED, topic
    agent.publish(f"{ROOT}/gw-1/batch", b"true")
    wait_until(lambda: f"{ROOT}/gw-1/batch" in cloud.heard, "the true batch arrives")
    assert b"forged" not in cloud.heard.values()


def test_the_cloud_writes_only_downward(connect: Connect) -> None:
    cloud = connect("cloud", "c")
    for channel in ("batch", "status", "catalog/press-1/0"):
        assert cloud.publish(f"{ROOT}/gw-1/{channel}", b"forged").value == NOT_AUTHORISED, channel


def test_a_batch_of_the_largest_size_passes_and_the_limit_is_announced(connect: Connect) -> None:
    cloud, agent = connect("cloud", "c"), connect("gw-1", "one")
    cloud.subscribe(f"{ROOT}/+/batch")
    largest = b"x" * 262_144
    assert not agent.publish(f"{ROOT}/gw-1/batch", largest).is_failure
    wait_until(lambda: cloud.heard.get(f"{ROOT}/gw-1/batch") == largest, "the largest batch arrives")
