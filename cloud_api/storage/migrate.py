"""Brings a database to the newest schema: Alembic over plain SQL files, forward only, one at a time by a lock."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg

from cloud_api.storage.statements import statement

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "schema_version"
# Any number will do, as long as every release uses the same one.
MIGRATION_LOCK = 7_260_201

log = logging.getLogger(__name__)


class SchemaOutdated(Exception):
    """The database schema is older than this release; run `millstream cloud migrate`."""


def newest_version() -> str:
    """The version that this release brings a database to."""
    return max(path.stem.split("_")[0] for path in MIGRATIONS.glob("[0-9]*.py"))


def migrate(url: str) -> str:
    """Apply what is missing and return the version reached. Safe to call from several processes at once."""
    with psycopg.connect(url, prepare_threshold=None, autocommit=True) as connection, _locked(connection):
        _ensure_timescale(connection)
        _upgrade(connection)
    return newest_version()


async def check_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    """Refuse a schema older than this release; a newer one is fine, because old code runs on new schemas."""
    cursor = await connection.execute(statement("select_has_schema_version"))
    row = await cursor.fetchone()
    version = None
    if row is not None and row[0]:
        cursor = await connection.execute(statement("select_schema_version"))
        row = await cursor.fetchone()
        version = None if row is None else str(row[0])
    if version is None or version < newest_version():
        raise SchemaOutdated(
            f"the database schema is {version or 'empty'}, this release needs {newest_version()}: "
            "run `millstream cloud migrate`"
        )


def run_file(name: str) -> None:
    """Run a whole SQL file inside the migration's transaction (called by the migration scripts)."""
    from alembic import op

    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("migrations run through psycopg")
    script = cast("LiteralString", (MIGRATIONS / name).read_text(encoding="utf-8"))
    # Without parameters psycopg sends the simple protocol, which takes many statements at once.
    connection.execute(script)


@contextmanager
def _locked(connection: psycopg.Connection[Any]) -> Generator[None]:
    # A session lock, not a row: a killed process leaves nothing behind that somebody must remove.
    connection.execute(statement("lock_migration"), {"lock": MIGRATION_LOCK})
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(statement("unlock_migration"), {"lock": MIGRATION_LOCK})


def _ensure_timescale(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(statement("select_timescale_offered")).fetchone()
    if row is not None and row[0]:
        connection.execute(statement("create_timescale_extension"))
        _ensure_batches(connection)


def _ensure_batches(connection: psycopg.Connection[Any]) -> None:
    """Let a compressed batch hold 4,000 rows, not 1,000.

    Of 1,000 samples the values take 6 to 8 kB, of which the pages of PostgreSQL hold one such piece and waste the rest.
    No migration: the setting belongs to the role and is not in a dump of the database, so a restored one lacks it.
    """
    row = connection.execute(statement("select_batches_offered")).fetchone()
    if row is not None and row[0]:
        connection.execute(statement("set_batches"))


def _upgrade(connection: psycopg.Connection[Any]) -> None:
    # Alembic and SQLAlchemy are loaded by this command only, never by a serving process.
    import sqlalchemy
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    connection.autocommit = False
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=sqlalchemy.StaticPool
    )

    def steps(revision: Any, _context: Any) -> list[Any]:
        # What Alembic itself does for `upgrade head`; private only by name, its cookbook shows the same call.
        return script._upgrade_revs("head", revision)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    with engine.connect() as bound, EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=bound, version_table=VERSION_TABLE, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    connection.autocommit = True
    log.info("database schema is at version %s", newest_version())
