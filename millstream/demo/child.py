"""One child process: started in a session of its own, ended by the kernel when we die, its output in a bounded log."""

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from millstream.demo.service_user import ServiceUser

LOG_BYTES = 5 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Role:
    """What a child is: its name, how it is started, asked whether it is ready, and stopped."""

    name: str
    command: list[str]
    log: Path
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str]
    user: ServiceUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when we die without a word."""
    ready_s: float = 60.0
    stop_s: float = 10.0


class Child:
    """A role that runs."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; negative is a signal."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start the process; its output is appended to its log."""
        bound_log(self.role.log)
        parent, user, orphan_signal = os.getpid(), self.role.user, self.role.orphan_signal

        def enter() -> None:
            if user is not None:
                user.become()
            die_with(parent, orphan_signal)

        with self.role.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.role.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.role.environment),
                start_new_session=True,
                preexec_fn=enter,
            )

    async def wait_ready(self) -> bool:
        """Whether it became ready: false when it ended or took too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.role.ready_s):
                while self.is_running:
                    if await self.role.is_ready():
                        return True
                    await asyncio.sleep(0.1)
        return False

    async def ended(self) -> int:
        """Wait for its end."""
        return -1 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end; when it does not, end it."""
        if self._process is None or not self.is_running:
            return
        self._send(self.role.stop_signal)
        try:
            async with asyncio.timeout(self.role.stop_s):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def die_with(parent: int, number: signal.Signals) -> None:
    """In the child: be sent a signal when the parent dies, however it dies."""
    if sys.platform != "linux":
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def bound_log(log: Path) -> None:
    """Keep a log and one predecessor within their size; who appends to it goes on undisturbed."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def last_lines(log: Path, count: int = 12) -> list[str]:
    """The end of a log."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8_192))
        return file.read().decode("utf-8", "replace").splitlines()[-count:]
    return []
