"""A publisher in a process of its own: `python -m tests.benchmarks.publish <port> <agent> <file of payloads>`."""

import sys
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from schemas.topics import Topics


def main() -> None:
    """Send every payload with QoS 1, as fast as the broker takes them."""
    port, agent, file = sys.argv[1:]
    data, payloads, at = Path(file).read_bytes(), list[bytes](), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        payloads.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(50)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    sent = [client.publish(Topics().batch(agent), payload, qos=1) for payload in payloads]
    for info in sent:
        info.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
