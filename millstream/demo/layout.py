"""Where things lie in the data directory, and the lock that makes it one demonstration's own."""

import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A socket's path has room for 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock" to the directory.
_LONGEST_SOCKET_DIRECTORY = 107 - len("/.s.PGSQL.5432.lock")


class DataUnusable(Exception):
    """The data directory cannot be used."""


class AlreadyRunning(Exception):
    """Another demonstration holds the data directory."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one data directory."""

    data: Path

    @property
    def database(self) -> Path:
        """PostgreSQL's own directory."""
        return self.data / "database"

    @property
    def agent_config(self) -> Path:
        """The agent's configuration, written anew at every start; devices.d beside it is the user's."""
        return self.data / "agent.toml"

    @property
    def cloud_settings(self) -> Path:
        """The cloud's environment, for a shell."""
        return self.data / "cloud.env"

    @property
    def broker_config(self) -> Path:
        """The broker's configuration."""
        return self.data / "broker.toml"

    @property
    def api_key(self) -> Path:
        """The API key of this demonstration."""
        return self.data / "api.key"

    @property
    def console_password(self) -> Path:
        """The password of this demonstration's user, made with the directory."""
        return self.data / "console.password"

    @property
    def alarms(self) -> Path:
        """The hall's alarm definitions, written once; from then on they are the user's."""
        return self.data / "alarms.toml"

    @property
    def outcome(self) -> Path:
        """Where everything answers, there only while it does."""
        return self.data / "demo.json"

    @property
    def logs(self) -> Path:
        """One log a child."""
        return self.data / "logs"

    def log(self, name: str) -> Path:
        """The log of one child."""
        return self.logs / f"{name}.log"

    def socket_directory(self) -> Path:
        """Where the database's socket lies: in the data directory, or outside when that path is too long."""
        inside = self.data / "run"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIRECTORY:
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside
        return Path(tempfile.mkdtemp(prefix="millstream-"))


def open_layout(data: Path) -> tuple[Layout, int]:
    """Make the directory and lock it; the lock is held as long as the descriptor is open."""
    try:
        directory = Path(os.path.abspath(data))  # noqa: PTH100 a symbolic link stays what the user has named
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout = Layout(directory)
        layout.logs.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataUnusable(error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        raise AlreadyRunning(holder) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return layout, lock


def write_private(path: Path, content: str) -> None:
    """Replace a file in one step, readable by its owner alone."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    beside.replace(path)
