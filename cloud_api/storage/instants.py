"""Microseconds and datetimes: storage binds instants as timestamptz, everything else counts microseconds."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# What timestamptz and datetime both hold.
FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999


def at_us(time_us: int) -> datetime:
    """The instant; what lies outside the years 1 to 9999 is moved to their edge."""
    return _EPOCH + timedelta(microseconds=min(max(time_us, FIRST_US), LAST_US))


def us_of(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - _EPOCH) // MICROSECOND
