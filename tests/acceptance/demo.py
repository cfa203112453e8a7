"""The demonstration as its user starts it, and questions to its API with the key that it has written."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil

from tests.fixtures.processes import wait_until

ANY_PORTS = ("--port", "0", "--console-port", "0", "--mqtt-port", "0")
START_S = 120.0
STOP_S = 60.0


class Demo:
    """One `millstream demo` on a data directory; what it says goes to a file."""

    def __init__(
        self,
        data: Path,
        options: Sequence[str] = (),
        command: Sequence[str | Path] = (sys.executable, "-m", "millstream"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        # A killed demonstration leaves it behind, and we would take it for the new one's.
        (data / "demo.json").unlink(missing_ok=True)
        self._output = data.with_name(data.name + ".out")
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "demo", "--data", data, *ANY_PORTS, *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=data.parent,
                env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", **(environment or {})},
            )

    @property
    def said(self) -> str:
        """Everything that it has shown so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def outcome(self) -> dict[str, str]:
        """What demo.json says."""
        return json.loads((self.data / "demo.json").read_text(encoding="utf-8"))

    @property
    def children(self) -> list[psutil.Process]:
        """All its processes but itself."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def wait_ready(self) -> "Demo":
        """Wait until it has written demo.json."""

        def is_ready() -> bool:
            assert self._process.poll() is None, self.said
            return (self.data / "demo.json").exists()

        wait_until(is_ready, f"demo.json in {self.data}", START_S)
        return self

    def child(self, words: str) -> psutil.Process:
        """The child whose command line has these words."""
        (found,) = [child for child in self.children if words in " ".join(child.cmdline())]
        return found

    @property
    def cloud(self) -> psutil.Process:
        """The cloud with all its roles but the console."""
        (found,) = [child for child in self.children if child.cmdline()[-2:] == ["cloud", "run"]]
        return found

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor alone."""
        self._process.send_signal(number)

    def wait_ended(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(STOP_S)

    def stop(self) -> int:
        """End it as Ctrl-C does, if it still runs."""
        if self._process.poll() is None:
            self.send(signal.SIGINT)
        return self.wait_ended()

    def request(self, path: str, key: str | None = None, body: object = None) -> tuple[int, Any]:
        """Ask its HTTP server: status and answer."""
        outcome = self.outcome
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(outcome["api"]).port or 0, timeout=30)
        headers = {"Authorization": f"Bearer {outcome['api_key'] if key is None else key}"}
        try:
            if body is None:
                connection.request("GET", path, headers=headers)
            else:
                content = json.dumps(body)
                connection.request("POST", path, content, {**headers, "Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(content) if is_json else content.decode()

    def ask(self, path: str, body: object = None) -> Any:
        """Ask the API something that it has to answer."""
        status, answer = self.request("/api/v1" + path, body=body)
        assert status == 200, answer
        return answer

    def latest(self, glob: str) -> dict[str, dict[str, Any]]:
        """The latest samples below a glob, by path without the hall."""
        items = self.ask(f"/latest?limit=500&path={quote(glob)}")["items"]
        return {item["path"].split("/hall-1/")[1]: item for item in items}


def are_gone(processes: Sequence[psutil.Process]) -> bool:
    """Whether none of these processes runs any more."""
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)
