"""The embedded MQTT broker: its configuration and its process, `python -m millstream.demo.broker FILE`."""

import logging
import sys

MAX_PAYLOAD_BYTES = 1024 * 1024


def broker_config(port: int, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> str:
    """rumqttd's configuration: MQTT 5 on loopback alone, and no more history in memory than it needs.

    Its own defaults are MQTT 3.1.1 on all interfaces, packets of 16 kB and up to a gigabyte kept for each filter.
    """
    return f"""\
id = 0

[router]
id = 0
max_connections = 200
max_outgoing_packet_count = 200
max_segment_size = {8 * 1024 * 1024}
max_segment_count = 4

[v5.1]
name = "loopback"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {max_payload_bytes}
max_inflight_count = 100
dynamic_filters = true
"""


def main(config: str) -> None:
    """Run the broker until it is killed; it has no other way to stop."""
    from iotcore.iotcore import IotCoreBroker

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Its tracing spans come out as an ERROR record for every packet.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=config).run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
