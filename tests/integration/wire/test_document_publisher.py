"""The publisher printed in docs/wire-protocol.md runs as it is, against the real cloud."""

import os
import subprocess
import sys
from pathlib import Path

from tests.contracts.wire_document import blocks
from tests.fixtures.stack import Stack

AGENT = "my-gateway"


def test_the_printed_publisher_stores_its_samples(stack: Stack, tmp_path: Path) -> None:
    stack.cloud.start()
    stack.wait_until_ready()
    ((_, script),) = blocks("runs")
    (tmp_path / "publisher.py").write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "publisher.py"],
        cwd=tmp_path,
        env=os.environ | {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(stack.broker.port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "stored through 1 rejected []\n"
    rows = [(row.path, row.value, row.status) for row in stack.rows(AGENT)]
    assert sorted(rows) == [
        ("workshop/lathe/door/open", 0.0, 0),
        ("workshop/lathe/spindle/speed", 1480.5, 0),
        ("workshop/lathe/spindle/speed", 1481.0, 0),
    ]
