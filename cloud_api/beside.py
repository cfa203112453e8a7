"""The console beside the other roles: a child process that is started again when it ends, and ends with its parent."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STOP_S = 15.0
MISCONFIGURED = 2
# -P: a directory called `schemas` where the service was started must not be taken for ours.
COMMAND = [sys.executable, "-P", "-m", "millstream", "cloud", "run", "--role", "console"]
_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


@contextlib.contextmanager
def console_beside() -> Generator[None]:
    """Keep the console running for as long as the block lasts."""
    keeper = _Keeper()
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _Keeper(threading.Thread):
    """Starts the console again after a pause that doubles, unless its settings are wrong."""

    def __init__(self) -> None:
        super().__init__(name="console", daemon=True)
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start, wait, start again."""
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            code = self._run_once()
            if self._stopping.is_set():
                return
            if code == MISCONFIGURED:
                log.error("the console does not start with these settings; MILLSTREAM_CONSOLE=off does without it")
                return
            log.warning("the console has ended (%d), it is started again in %g s", code, pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def stop(self) -> None:
        """End the console in good order, or else at once."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self.join(STOP_S)

    def _run_once(self) -> int:
        parent = os.getpid()
        self._process = subprocess.Popen(COMMAND, preexec_fn=lambda: _die_with(parent))  # noqa: S603, PLW1509 nothing here comes from outside
        return self._process.wait()


def _die_with(parent: int) -> None:
    """In the child: end when the parent ends, however it does."""
    if sys.platform == "linux":
        # The death of the thread that started it counts, and that thread lives as long as the process.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
