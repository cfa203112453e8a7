"""The configuration, read and checked by a process of its own: what checks it stays out of the agent's memory."""

import os
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from connectors import registry
from connectors.contract import ConnectorKind
from edge_agent.config import AgentConfig
from edge_agent.config_problems import ConfigRefused

_STDOUT, _STDERR = 1, 2


class ReadingFailed(Exception):
    """The process that reads the configuration ended without an answer."""


class Reading:
    """One reading of a file and its `devices.d`, begun at once; raises OSError where no process can be started."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "edge_agent.reading", str(path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        with self._process:
            pass  # its pipe is closed and its end awaited

    def result(self) -> AgentConfig:
        """The checked configuration; raises ConfigRefused with every problem found, or ReadingFailed."""
        answer, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise ReadingFailed(f"the configuration could not be read: exit code {self._process.returncode}")
        found = _Unpickler(BytesIO(answer)).load()
        if isinstance(found, AgentConfig):
            return found
        raise ConfigRefused(found)


def read(path: Path) -> AgentConfig:
    """Read and wait for it; raises as `result` does."""
    with Reading(path) as reading:
        return reading.result()


def _answer(path: Path) -> bytes:
    from edge_agent.config_files import load

    try:
        found: object = load(path)
    except ConfigRefused as error:
        found = error.problems
    packed = BytesIO()
    _Pickler(packed, pickle.HIGHEST_PROTOCOL).dump(found)
    return packed.getvalue()


class _Pickler(pickle.Pickler):
    """Names kinds: they are functions, which the agent loads itself."""

    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if isinstance(obj, ConnectorKind) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        return registry.kind(pid)


def main() -> None:
    """Write the answer to standard output, and nothing else."""
    answers = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)  # whatever a library prints is no answer
    with os.fdopen(answers, "wb") as file:
        file.write(_answer(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
