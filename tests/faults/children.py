"""Children that kill themselves at a line that a seed chooses; each is a fork of one that has loaded everything."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

Job = dict[str, Any]
Work = Callable[[Job], Coroutine[Any, Any, None]]


class Zygote:
    """The process that everything is forked from."""

    def __init__(self, module: str) -> None:
        command = [sys.executable, "-m", module]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, url: str, seed: int, kill_after: int | None = None, *, prepare: bool = False) -> bool:
        """Run a child to its end; True when it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"url": url, "seed": seed, "kill_after": kill_after, "prepare": prepare}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["failed"] is None, f"seed {seed}: {answer['failed']}"
        return bool(answer["killed"])

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()


def run_children(work: Work, traced: Sequence[str]) -> None:
    """Fork a child for each job that is read; what is `traced` are parts of the names of files whose lines count."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(json.loads(line), work, traced)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        failed = None if killed or os.WEXITSTATUS(status) == 0 else "the child failed, see its traceback"
        print(json.dumps({"killed": killed, "failed": failed}), flush=True)


def _child(job: Job, work: Work, traced: Sequence[str]) -> None:
    try:
        if job["kill_after"] is not None:
            _die_after(job["kill_after"], traced)
        asyncio.run(work(job))
    except BaseException:  # told to whoever started us
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _die_after(lines: int, traced: Sequence[str]) -> None:
    """SIGKILL this process when so many lines of ours have run: any line may be the last."""
    left = lines

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return local

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if any(part in frame.f_code.co_filename for part in traced) else None

    sys.settrace(call)
