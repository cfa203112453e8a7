"""A device table out of a template, what the plant's file says of its own, and a line of a list (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Table: TypeAlias = Mapping[str, Any]

ABOUT = "profile"
"""The template's own table: title, source, notes; it is not a part of the device."""

_PLACE = re.compile(r"\{(\w+)(?::(\d{1,2}))?\}")


@dataclass(frozen=True, slots=True)
class Instance:
    """A device's own table, its tags, and what is wrong with how they were asked for: key path, value, problem."""

    device: Table
    tags: Sequence[Table]
    problems: Sequence[tuple[str, object, str]] = field(default_factory=tuple)


def from_template(template: Table, own: Table) -> Instance:
    """The template's device with the plant's own keys over it; a tag of the same name is laid over, key by key."""
    device = {key: value for key, value in template.items() if key not in (ABOUT, "tag")}
    if isinstance(scan := device.get("scan"), Mapping) and isinstance(own.get("scan"), Mapping):
        own = {**own, "scan": {**scan, **own["scan"]}}
    device |= {key: value for key, value in own.items() if key != "tag"}
    without = own.get("without")
    left_out = [str(pattern) for pattern in without] if isinstance(without, list) else []
    tags = [tag for tag in template.get("tag", ()) if not _is_any(str(tag.get("name")), left_out)]
    return Instance(device, _laid_over(tags, own.get("tag", ())))


def of_line(base: Instance, line: Mapping[str, str], number: int, known: frozenset[str]) -> Instance:
    """The device of one line: cells are keys, `TAG.KEY` cells are keys of a tag, and {column} stands for a cell."""
    cells = {"number": str(number), **line}
    problems: list[tuple[str, object, str]] = []
    used: set[str] = set()

    def filled(value: object) -> object:
        return _filled(value, cells, used, problems) if isinstance(value, str) else value

    device = {key: filled(value) for key, value in base.device.items()}
    of_tags = {key: value for key, value in line.items() if "." in key}
    device |= {
        key: filled(value) for key, value in line.items() if key not in of_tags and (key in known or key not in used)
    }
    tags = {str(tag.get("name")): dict(tag) for tag in base.tags}
    for column, cell in of_tags.items():
        name, _, key = column.rpartition(".")
        if name in tags:
            tags[name][key] = cell
        else:
            problems.append((column, cell, f"there is no tag {name!r}; allowed: {', '.join(tags)}"))
    return Instance(device, list(tags.values()), problems)


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _laid_over(tags: Sequence[Table], own: Any) -> list[Table]:
    merged = {str(tag.get("name")): tag for tag in tags}
    nameless: list[Table] = []
    for tag in own if isinstance(own, list) else ():
        if not isinstance(tag, Mapping):
            continue
        if "name" not in tag:
            nameless.append(tag)  # its check says what is missing
            continue
        name = str(tag["name"])
        merged[name] = {**merged.get(name, {}), **tag}
    return [*merged.values(), *nameless]


def _filled(text: str, cells: Mapping[str, str], used: set[str], problems: list[tuple[str, object, str]]) -> str:
    def cell(place: re.Match[str]) -> str:
        if place[1] not in cells:
            problems.append((place[0], text, f"no such column in this line; allowed: {', '.join(cells)}"))
            return place[0]
        used.add(place[1])
        return cells[place[1]].zfill(int(place[2] or 0))

    return _PLACE.sub(cell, text)
