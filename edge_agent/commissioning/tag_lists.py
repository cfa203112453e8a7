"""Browsed points as a list to review, in TOML or CSV, and what has changed on the server since (pure)."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.contract import BrowsedPoint
from edge_agent.commissioning.screen import value_text
from schemas.sample import path_problem

MAX_LEVEL = 100
MAX_LEVELS = 12
_FORBIDDEN = str.maketrans(dict.fromkeys("/*?#+", "_"))


@dataclass(frozen=True, slots=True)
class ListedTag:
    """One line of a tag list: the tag's name, its point, and what the server says of it."""

    name: str
    point: Mapping[str, str | int | float | bool]
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    description: str | None = None
    remark: str = ""

    @property
    def identity(self) -> str:
        """The point as a text: the same point keeps it, whatever its tag is called."""
        return " ".join(f"{key}={value}" for key, value in sorted(self.point.items()))


@dataclass(frozen=True, slots=True)
class Drift:
    """What a frozen list and the server do not agree on."""

    new: Sequence[ListedTag]
    missing: Sequence[ListedTag]
    changed: Sequence[tuple[ListedTag, Sequence[str]]]

    @property
    def is_none(self) -> bool:
        """Whether they agree."""
        return not (self.new or self.missing or self.changed)


@dataclass(slots=True)
class _Names:
    """Tag names that were given away already."""

    taken: set[str] = field(default_factory=set[str])

    def free(self, wanted: str) -> str:
        """The wanted name, or the next one that is free."""
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = _suffixed(wanted, f" ({number})")
        self.taken.add(name)
        return name


def _suffixed(name: str, suffix: str) -> str:
    """A last level that is as long as it may be gives way to the suffix."""
    levels, _, last = name.rpartition("/")
    last = f"{last[: MAX_LEVEL - len(suffix)].rstrip()}{suffix}"
    return f"{levels}/{last}" if levels else last


def listed(points: Iterable[BrowsedPoint]) -> list[ListedTag]:
    """The points as tags whose names can be used: no forbidden characters, not too many levels, none twice."""
    names = _Names()
    return [_tag(point, names.free(tag_name(point.path))) for point in points]


def tag_name(path: Sequence[str]) -> str:
    """A name of these levels that a tag may have."""
    levels = [_level(level) for level in path if level.strip()] or ["unnamed"]
    if len(levels) > MAX_LEVELS - 4:  # the device's own path comes before it
        levels = [*levels[: MAX_LEVELS - 5], _level(".".join(levels[MAX_LEVELS - 5 :]))]
    return "/".join(levels)


def toml_tag(tag: ListedTag) -> str:
    """One [[device.tag]] table."""
    lines = [f"name = {quoted(tag.name)}" + (f"  # {tag.remark}" if tag.remark else "")]
    lines += [f"{key} = {quoted(value)}" for key, value in tag.point.items()]
    lines += [f"{key} = {quoted(value)}" for key, value in _extras(tag).items()]
    return "\n".join(["[[device.tag]]", *lines, ""])


def csv_list(tags: Sequence[ListedTag]) -> str:
    """A list for tags_csv."""
    keys = list(dict.fromkeys(key for tag in tags for key in tag.point))
    extras = ["unit", "low", "high", "description"]
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["name", *keys, *extras])
    for tag in tags:
        own = _extras(tag)
        writer.writerow([tag.name, *(tag.point.get(key, "") for key in keys), *(own.get(key, "") for key in extras)])
    return content.getvalue()


def quoted(value: object) -> str:
    """A TOML value; a JSON string is a TOML basic string as long as DEL is escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def frozen(tables: Iterable[Mapping[str, Any]], point_keys: Iterable[str]) -> list[ListedTag]:
    """The tags of a list that was written before: of a TOML file's tables or of a CSV's rows."""
    keys = tuple(point_keys)
    return [
        ListedTag(
            name=str(table.get("name", "")),
            point={key: table[key] for key in keys if table.get(key) not in (None, "")},
            unit=str(table["unit"]) if table.get("unit") else None,
            low=_float(table.get("low")),
            high=_float(table.get("high")),
        )
        for table in tables
    ]


def drift(before: Sequence[ListedTag], now: Sequence[ListedTag]) -> Drift:
    """Compare by point: a tag that was renamed in the list is the same tag."""
    old = {tag.identity: tag for tag in before}
    new = {tag.identity: tag for tag in now}
    changed = [
        (tag, differences)
        for identity, tag in new.items()
        if identity in old and (differences := _differences(old[identity], tag))
    ]
    return Drift(
        new=[tag for identity, tag in new.items() if identity not in old],
        missing=[tag for identity, tag in old.items() if identity not in new],
        changed=changed,
    )


def _tag(point: BrowsedPoint, name: str) -> ListedTag:
    has_range = point.low is not None and point.high is not None
    tag = ListedTag(
        name=name,
        point=point.point,
        unit=(point.unit or "")[:64] or None,
        description=(point.description or "")[:1000] or None,
        remark=", ".join(_remarks(point)),
    )
    if has_range and math.isfinite(point.low) and math.isfinite(point.high) and point.low < point.high:  # type: ignore[arg-type,operator]
        return replace(tag, low=point.low, high=point.high)
    return tag


def _remarks(point: BrowsedPoint) -> Iterable[str]:
    if point.kind is not None:
        yield str(point.kind)
    if point.value is not None:
        yield f"was {value_text(point.value)}"
    if point.is_writable:
        yield "the server lets it be written"


def _extras(tag: ListedTag) -> Mapping[str, object]:
    found = {"unit": tag.unit, "low": tag.low, "high": tag.high, "description": tag.description}
    return {key: value for key, value in found.items() if value is not None}


def _level(level: str) -> str:
    text = "".join(letter if letter.isprintable() else "_" for letter in level.translate(_FORBIDDEN)).strip()
    text = text[:MAX_LEVEL] or "_"
    return text if path_problem(text) is None else "".join(c if c.isascii() and c.isalnum() else "_" for c in text)


def _float(value: object) -> float | None:
    try:
        return None if value in (None, "") else float(str(value))
    except ValueError:
        return None


def _differences(before: ListedTag, now: ListedTag) -> list[str]:
    return [
        f"{key} {was if was is not None else 'none'} -> {is_now if is_now is not None else 'none'}"
        for key, was, is_now in (
            ("unit", before.unit, now.unit),
            ("low", before.low, now.low),
            ("high", before.high, now.high),
        )
        if was != is_now
    ]
