"""Array parameters that are laid out already: numpy writes their bytes, psycopg hands them over as they are."""

from psycopg import AsyncConnection, postgres, pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.rows import TupleRow


class WireArray:
    """The binary form of a PostgreSQL array."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Int4Array(WireArray):
    """int4[]."""


class Float8Array(WireArray):
    """float8[]."""


class TimestamptzArray(WireArray):
    """timestamptz[]."""


class _WireArrayDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: WireArray) -> Buffer | None:
        return obj.data


class _Int4ArrayDumper(_WireArrayDumper):
    oid = postgres.types["int4"].array_oid


class _Float8ArrayDumper(_WireArrayDumper):
    oid = postgres.types["float8"].array_oid


class _TimestamptzArrayDumper(_WireArrayDumper):
    oid = postgres.types["timestamptz"].array_oid


def register_wire_arrays(connection: AsyncConnection[TupleRow]) -> None:
    """Teach one connection these parameters: a connection copies what is known when it is made."""
    connection.adapters.register_dumper(Int4Array, _Int4ArrayDumper)
    connection.adapters.register_dumper(Float8Array, _Float8ArrayDumper)
    connection.adapters.register_dumper(TimestamptzArray, _TimestamptzArrayDumper)
