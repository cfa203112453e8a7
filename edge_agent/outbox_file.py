"""The outbox's file: SQLite that forces each commit to the disk, and tells a full disk from a damaged file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
PAGES_KEPT = 1_024
ALWAYS_CHECKED_BYTES = 256 << 20
"""A larger file is read through at start only when the agent before did not close it."""

_TABLES = ("batch", "batch_created", "progress", "gap", "dictionary", "note")
_PRAGMAS = (
    "pragma auto_vacuum = incremental",
    "pragma journal_mode = wal",
    "pragma synchronous = full",
    "pragma journal_size_limit = 4194304",
    "pragma cache_size = -1024",
)


class OutboxUnavailable(Exception):
    """The disk does not take it now: keep the samples and try again."""


class OutboxCorrupt(Exception):
    """The file is damaged: set it aside, salvage what can be read, start a new one."""


class OutboxFile:
    """One file with its tables; used by one thread at a time. Each call raises OutboxUnavailable or OutboxCorrupt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def open(self) -> None:
        """Open or create the file; OutboxCorrupt when it cannot be trusted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _translated():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is run inside is durable afterwards, or nothing of it."""
        with _translated():
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                yield
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def run(self, name: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run a named statement inside a transaction; the number of rows that it changed."""
        return self._opened().execute(statements()[name], parameters or {}).rowcount

    def run_many(self, name: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Run a named statement for each row, inside a transaction."""
        self._opened().executemany(statements()[name], rows)

    def rows(self, name: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """The rows that a named statement finds."""
        with _translated():
            return self._opened().execute(statements()[name], parameters or {}).fetchall()

    def shrink(self) -> None:
        """Give pages that a drained backlog has left back to the disk, a few at a time."""
        with _translated():
            connection = self._opened()
            (free,) = connection.execute("pragma freelist_count").fetchone()
            if free > PAGES_KEPT:
                connection.execute("pragma incremental_vacuum(512)").fetchall()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        was_unclean = self.path.with_name(f"{self.path.name}-wal").exists()
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if was_unclean or self.path.stat().st_size <= ALWAYS_CHECKED_BYTES:
            answer = connection.execute("pragma quick_check(1)").fetchone()
            if answer is None or answer[0] != "ok":
                raise OutboxCorrupt(f"{self.path}: {answer and answer[0]}")
        for table in _TABLES:
            connection.execute(statements()[f"create_{table}"])

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OutboxUnavailable(f"{self.path} is not open")
        return self._connection


@cache
def statements() -> Mapping[str, str]:
    """The statements of outbox.sql by name."""
    text = Path(__file__).with_name("outbox.sql").read_text(encoding="utf-8")
    return dict(_named(text.split("-- name: ")[1:]))


def _named(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        name, _, statement = block.partition("\n")
        yield name.strip(), statement.strip()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in CORRUPT_CODES:
            raise OutboxCorrupt(str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise OutboxUnavailable(str(error)) from error
        raise
