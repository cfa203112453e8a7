"""Failures of the database as callers of the API need to tell them apart."""

from psycopg import InterfaceError, OperationalError
from psycopg.errors import ConfigurationLimitExceeded, QueryCanceled, UniqueViolation

from cloud_api.storage.pool import DatabaseUnreachable

# PoolTimeout, PoolClosed and every lost connection are OperationalErrors; so is a full disk: try again later.
UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, DatabaseUnreachable)
CANCELLED: tuple[type[Exception], ...] = (QueryCanceled, ConfigurationLimitExceeded)
DOUBLED: tuple[type[Exception], ...] = (UniqueViolation,)
