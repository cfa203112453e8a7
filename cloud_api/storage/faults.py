"""What a failed transaction says of its rows: nothing (try again), or that they cannot be stored."""

from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import CheckViolation, ConfigurationLimitExceeded, UniqueViolation

from cloud_api.storage.pool import DatabaseUnreachable

# COPY met a key that is there already.
KEY_EXISTS = UniqueViolation
# No partition holds the row's day: one that was known was dropped.
PARTITION_MISSING = CheckViolation
# 53400: TimescaleDB would have to decompress more than one statement may.
DECOMPRESSION_LIMITED = ConfigurationLimitExceeded

# Connection, transaction rollback (deadlock, serialization), resources, object state, operator intervention, I/O.
_PASSING_CLASSES = ("08", "25", "40", "53", "55", "57", "58")
# Cardinality, data exceptions, constraints, program limits, and what triggers raise.
_ROW_CLASSES = ("21", "22", "23", "54", "P0")


def is_passing(error: BaseException) -> bool:
    """Whether the same rows may succeed later: then they are never rejects."""
    if isinstance(error, Error) and error.sqlstate is not None:
        return error.sqlstate.startswith(_PASSING_CLASSES)
    return isinstance(error, (OperationalError, InterfaceError, DatabaseUnreachable, OSError, TimeoutError))


def is_row_fault(error: BaseException) -> bool:
    """Whether the rows themselves are what the database refuses."""
    return isinstance(error, Error) and error.sqlstate is not None and error.sqlstate.startswith(_ROW_CLASSES)
