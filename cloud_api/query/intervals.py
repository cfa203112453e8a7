"""What people call an interval: a length, a calendar unit in a named time zone, or the shifts of a day (pure)."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.instants import UNIT_US
from cloud_api.problems import body_invalid
from cloud_api.query.buckets import CLOCK_ORIGIN_US, Align, Buckets, Window, buckets_by_edges, buckets_by_length
from cloud_api.wall_clocks import Zone, find_zone, is_zone

ALLOWED = (
    "a whole number and a unit of ms, s, m, h, d, w, mo or y, as 100ms, 15m, 1d, 1mo; "
    "or shifts with `time_zone`, as 06:00-14:00 or 06:00-14:00,14:00-22:00,22:00-06:00"
)
ZONE_ALLOWED = "a name of the IANA time zone database, as Asia/Shanghai, Europe/Berlin or UTC"
DAY_US = UNIT_US["d"]
MINUTE_US = UNIT_US["m"]
MAX_STEP_US = 400 * 366 * DAY_US
MAX_EDGES = 1_000_000
MAX_SHIFTS = 12

_LENGTH = re.compile(r"([1-9]\d{0,9})(ms|s|m|h|d|w|mo|y)", re.ASCII)
_SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)
_MONTHS = {"mo": 1, "y": 12}
# Longest day, for the room that a window needs on either side.
_WIDE_DAY_US = DAY_US + 26 * UNIT_US["h"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An interval as it was asked for, with the field's text for refusals."""

    text: str
    align: Align
    zone: Zone | None


def read_zone(name: str | None) -> Zone | None:
    """Find a time zone; a Problem names the field when there is none of that name."""
    if name is None:
        return None
    if not is_zone(name):
        raise body_invalid("time_zone", name, "is not a time zone", ZONE_ALLOWED)
    return find_zone(name)


def buckets_by_interval(window: Window, text: str, align: Align, zone: Zone | None = None) -> Buckets:
    """Cut the window into what `text` names; without a zone days and weeks are lengths, on the clock of UTC."""
    asked = Asked(text, align, zone)
    if ":" in text:
        return _by_shifts(window, asked)
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise body_invalid("interval", text, "is not an interval", ALLOWED)
    count, unit = int(match[1]), match[2]
    if count * (UNIT_US.get(unit) or _MONTHS[unit] * 30 * DAY_US) > MAX_STEP_US:
        raise body_invalid("interval", text, "is longer than 400 years", ALLOWED)
    if unit in _MONTHS:
        return _by_months(window, count * _MONTHS[unit], asked)
    step_us = count * UNIT_US[unit]
    if zone is None:
        return buckets_by_length(window, step_us, align)
    if unit in {"d", "w"}:
        return _by_days(window, step_us, zone, asked)
    return buckets_by_length(window, step_us, align) if align is Align.FROM else _by_clock(window, step_us, zone, asked)


def _by_days(window: Window, step_us: int, zone: Zone, asked: Asked) -> Buckets:
    """Days and weeks on the wall clock of a zone; a day with a change of offset is shorter or longer."""
    origin_us = _wall(zone, window.from_us) if asked.align is Align.FROM else CLOCK_ORIGIN_US
    walls = _steps(window, zone, origin_us, step_us)
    return _buckets(window, zone.to_utc(walls), asked)


def _by_clock(window: Window, step_us: int, zone: Zone, asked: Asked) -> Buckets:
    """Parts of a day on the wall clock of a zone: a six-hour bucket begins at six whatever the night has done."""
    if DAY_US % step_us:
        allowed = "a length that divides a day, or align: from, or no `time_zone`"
        raise body_invalid("interval", asked.text, "does not divide a day of a time zone's clock", allowed)
    if zone.is_constant(window.from_us - _WIDE_DAY_US, window.to_us + _WIDE_DAY_US):
        offset_us = _wall(zone, window.from_us) - window.from_us
        return Buckets(window, step_us, CLOCK_ORIGIN_US - offset_us)
    if window.span_us // step_us > MAX_EDGES:
        detail = f"makes more than {MAX_EDGES} buckets over a change of the clock"
        raise body_invalid("interval", asked.text, detail, "a longer interval, a shorter window, or no `time_zone`")
    walls = _steps(window, zone, CLOCK_ORIGIN_US, step_us)
    once = zone.to_utc(walls)
    again = zone.to_utc_again(walls)
    # Hours that come twice are two buckets where the length fits between them; else one that is longer.
    is_apart = np.isin(again - step_us, np.concatenate((once, again)), assume_unique=False)
    return _buckets(window, np.concatenate((once, again[is_apart])), asked)


def _by_months(window: Window, months: int, asked: Asked) -> Buckets:
    """Months and years on the wall clock of a zone (UTC where none is named)."""
    zone = asked.zone or find_zone("UTC")
    wall_us = _wall(zone, window.from_us)
    month = int(_month_of(np.array([wall_us]))[0])
    first = month if asked.align is Align.FROM else month // months * months
    last = int(_month_of(np.array([_wall(zone, window.to_us)]))[0])
    numbers = np.arange(first, last + 2 * months, months, dtype=np.int64)
    starts = numbers.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    if asked.align is Align.FROM:
        # The 31st is the last day where a month is shorter.
        ends = (numbers + 1).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
        start_us = month_start_us(month)
        within_us = (wall_us - start_us) % DAY_US
        starts = np.minimum(starts + (wall_us - start_us - within_us), ends - DAY_US) + within_us
    return _buckets(window, zone.to_utc(starts), asked)


def _by_shifts(window: Window, asked: Asked) -> Buckets:
    shifts = _read_shifts(asked.text)
    if asked.zone is None:
        raise body_invalid("time_zone", None, "is missing, and shifts are times of a wall clock", ZONE_ALLOWED)
    days = _steps(window, asked.zone, CLOCK_ORIGIN_US, DAY_US)
    begins = asked.zone.to_utc(np.concatenate([days + start for start, _ in shifts]))
    ends = asked.zone.to_utc(np.concatenate([days + end for _, end in shifts]))
    edges = np.unique(np.concatenate((begins, ends)))
    shown = np.isin(edges[:-1], begins[begins < ends])
    return buckets_by_edges(window, edges, shown, asked.text)


def _read_shifts(text: str) -> list[tuple[int, int]]:
    """Read shifts as microseconds of the day; one that ends before it begins ends on the next day."""
    parts = text.split(",")
    if len(parts) > MAX_SHIFTS:
        raise body_invalid("interval", text, f"has {len(parts)} shifts", f"at most {MAX_SHIFTS}")
    shifts: list[tuple[int, int]] = []
    for part in parts:
        match = _SHIFT.fullmatch(part.strip())
        if match is None:
            raise body_invalid("interval", text, f"has {part.strip()!r}, which is no shift", ALLOWED)
        start_hour, start_minute, *rest = match.groups()
        end_hour, end_minute = [part for part in rest if part is not None]
        start = (int(start_hour) * 60 + int(start_minute)) * MINUTE_US
        end = (int(end_hour) * 60 + int(end_minute)) * MINUTE_US
        shifts.append((start, end if end > start else end + DAY_US))
    shifts.sort()
    following = [*shifts[1:], (shifts[0][0] + DAY_US, 0)]
    if any(end > start for (_, end), (start, _) in zip(shifts, following, strict=True)):
        raise body_invalid("interval", text, "has shifts that overlap", "shifts that follow each other")
    return shifts


def _steps(window: Window, zone: Zone, origin_us: int, step_us: int) -> NDArray[np.int64]:
    """Wall clock times of equal steps, from one before the window to one behind it."""
    first = (_wall(zone, window.from_us) - _WIDE_DAY_US - origin_us) // step_us
    last = -((origin_us - _wall(zone, window.to_us) - _WIDE_DAY_US) // step_us)
    return origin_us + np.arange(first, last + 1, dtype=np.int64) * step_us


def _buckets(window: Window, edges_us: NDArray[np.int64], asked: Asked) -> Buckets:
    edges = np.unique(edges_us)
    if asked.align is Align.FROM:
        # `from` itself may be an hour that comes twice; it is an edge in any case.
        edges = np.concatenate(([window.from_us], edges[edges > window.from_us]))
    return buckets_by_edges(window, edges, None, asked.text)


def _wall(zone: Zone, time_us: int) -> int:
    return int(zone.to_local(np.array([time_us], np.int64))[0])


def _month_of(walls_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Months since 1970-01."""
    return walls_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def month_start_us(month: int) -> int:
    """The wall clock microseconds at which a month since 1970-01 begins."""
    return int(np.array(month, "datetime64[M]").astype("datetime64[us]").astype(np.int64))
