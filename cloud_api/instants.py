"""Instants at the edge: RFC 3339 in, UTC microseconds inside, RFC 3339 with microseconds and `Z` out."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer

from cloud_api.problems import parameter_invalid

ALLOWED = "an RFC 3339 instant with its offset, as 2026-01-31T08:00:00Z or 2026-01-31T16:00:00.123456+08:00"
UNIT_US = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}

# 2026-01-31T08:00:00.123456Z
INSTANT_WIDTH = 27
_THREE_DIGITS = np.frombuffer("".join(f"{number:03}" for number in range(1000)).encode(), "V3")
_FEW = 64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)


def parse_instant(text: str, field: str) -> int:
    """Read an RFC 3339 instant as UTC microseconds; a Problem says what is wrong with it."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        # A '+' in an address means a space; say so instead of leaving the caller to wonder.
        hint = "; write + as %2B in an address" if re.search(r" \d{2}:\d{2}$", text) else ""
        raise parameter_invalid(field, text, f"is not an RFC 3339 instant{hint}", ALLOWED)
    day, clock, fraction, offset = match.groups()
    if offset is None:
        raise parameter_invalid(field, text, "has no offset from UTC", ALLOWED)
    if fraction and len(fraction.rstrip("0")) > 6:
        raise parameter_invalid(field, text, "is finer than a microsecond", ALLOWED)
    zone = "+00:00" if offset in "Zz" else offset
    try:
        at = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}{zone}")
    except ValueError as error:
        raise parameter_invalid(field, text, f"is not an instant ({error})", ALLOWED) from error
    if not _EARLIEST <= at < _LATEST:
        raise parameter_invalid(field, text, "is out of range", "an instant from 1900 to 2261")
    return to_us(at)


def format_interval(interval_us: int) -> str:
    """Write an interval in its largest whole unit; `us` where no other fits."""
    for unit, size_us in reversed(UNIT_US.items()):
        if interval_us % size_us == 0:
            return f"{interval_us // size_us}{unit}"
    return f"{interval_us}us"


def format_span(span_us: int) -> str:
    """Write a length of time roughly, for people."""
    units = [(unit, size_us) for unit, size_us in UNIT_US.items() if size_us <= span_us and unit != "w"]
    unit, size_us = units[-1] if units else ("ms", UNIT_US["ms"])
    return f"{span_us / size_us:.3g} {unit}"


def to_us(at: datetime) -> int:
    """Count the microseconds since the Unix epoch of an aware datetime, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def to_datetime(time_us: int) -> datetime:
    """Make an aware UTC datetime from microseconds, exactly."""
    return _EPOCH + timedelta(microseconds=time_us)


def format_at(at: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# In answers that pydantic writes: RFC 3339 in UTC, as everywhere else.
Instant = Annotated[datetime, PlainSerializer(format_at, when_used="json")]


def format_us(time_us: int) -> str:
    """Write UTC microseconds as RFC 3339."""
    return format_at(to_datetime(time_us))


def format_column(times_us: NDArray[np.int64]) -> list[str]:
    """Write many instants at once."""
    if len(times_us) < _FEW:
        return [text + "Z" for text in np.datetime_as_string(times_us.view("datetime64[us]"), unit="us").tolist()]
    laid = np.empty((len(times_us), INSTANT_WIDTH), np.uint8)
    lay_instants(times_us, laid)
    # One text, cut: twenty times cheaper than as many texts out of an array.
    whole = laid.tobytes().decode("ascii")
    return [whole[at : at + INSTANT_WIDTH] for at in range(0, len(whole), INSTANT_WIDTH)]


def lay_instants(times_us: NDArray[np.int64], target: NDArray[np.uint8], at: int = 0) -> None:
    """Write instants as ASCII into uint8[rows, width], from column `at` on: parts out of tables."""
    if not len(times_us):
        return
    rows = target.view(_parts(at, target.shape[1])).ravel()
    first, last = int(times_us.min()) // UNIT_US["d"], int(times_us.max()) // UNIT_US["d"]
    if first == last:
        within = times_us - first * UNIT_US["d"]
        rows["date"] = _day_texts(np.array([first]))
    else:
        days = times_us // UNIT_US["d"]
        within = times_us - days * UNIT_US["d"]
        dates, place = _dates(days, first, last)
        rows["date"] = dates.take(place)
    thousands = within // 1000
    rest = within - thousands * 1000
    seconds = thousands // 1000
    rows["clock"] = _clock().take(seconds)
    rows["thousands"] = _THREE_DIGITS.take(thousands - seconds * 1000)
    # Few sources measure finer than a millisecond.
    rows["rest"] = _THREE_DIGITS.take(rest) if rest.any() else _THREE_DIGITS[0]
    target[:, at + INSTANT_WIDTH - 1] = ord("Z")


def _dates(days: NDArray[np.int64], first: int, last: int) -> tuple[NDArray[np.void], NDArray[np.intp]]:
    """The texts of days, and which of them each day is."""
    if last - first <= len(days):
        distinct, place = np.arange(first, last + 1), days - first
    else:
        distinct, place = np.unique(days, return_inverse=True)
    return _day_texts(distinct), place


def _day_texts(days: NDArray[np.int64]) -> NDArray[np.void]:
    return np.datetime_as_string(days.astype("datetime64[D]"), unit="D").astype("S10").view("V10")


@cache
def _parts(at: int, width: int) -> np.dtype[np.void]:
    """Where the parts of an instant stand in a row."""
    return np.dtype(
        {
            "names": ["date", "clock", "thousands", "rest"],
            "formats": ["V10", "V10", "V3", "V3"],
            "offsets": [at, at + 10, at + 20, at + 23],
            "itemsize": width,
        }
    )


@cache
def _clock() -> NDArray[np.void]:
    """Every second of a day as `T08:00:00.`."""
    texts = [
        f"T{hour:02}:{minute:02}:{second:02}." for hour in range(24) for minute in range(60) for second in range(60)
    ]
    return np.frombuffer("".join(texts).encode(), "V10")
