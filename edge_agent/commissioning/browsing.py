"""What a device tells of itself: its points by glob, as a tree, as a file, and beside a file of before."""

import csv
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from connectors import registry
from connectors.contract import AnyKind, BrowsedPoint, Clock
from connectors.errors import ConfigInvalid
from connectors.tables import ConnectorConfig
from edge_agent.commissioning.globs import matches
from edge_agent.commissioning.screen import Progress, value_text
from edge_agent.commissioning.sessions import opened
from edge_agent.commissioning.tag_lists import ListedTag, csv_list, frozen, quoted, tag_name, toml_tag
from edge_agent.config import DEVICES_FOLDER

_SCHEME = re.compile(r"([a-z0-9+.-]+)://")


class ListInvalid(Exception):
    """A tag list of before cannot be read."""


def connection(url: str, settings: Sequence[str], kind_name: str | None = None) -> tuple[AnyKind, ConnectorConfig]:
    """The kind that speaks this url, and its configuration; `settings` are more keys of it. Raises ConfigInvalid."""
    kind = registry.kind(kind_name) if kind_name else _kind_of(url)
    keys: dict[str, str] = {"url": url}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign or key not in kind.config_model.model_fields:
            allowed = ", ".join(sorted(kind.config_model.model_fields))
            raise ConfigInvalid(f"{setting!r} is not a setting of kind {kind.name}; allowed: KEY=VALUE with {allowed}")
        keys[key] = value
    try:
        return kind, kind.config_model.model_validate(keys)
    except ValidationError as error:
        texts = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()
        ]
        raise ConfigInvalid("; ".join(texts)) from error


async def browse(
    kind: AnyKind, config: ConnectorConfig, pattern: str | None, clock: Clock, progress: Progress
) -> list[BrowsedPoint]:
    """All points whose path the pattern names; raises what the connector raises."""
    found: list[BrowsedPoint] = []
    seen = 0
    async with opened(kind, config, (), clock) as connector:
        async for point in connector.browse():
            seen += 1
            if seen % 100 == 0:
                progress.say(f"{seen} points, {'/'.join(point.path)[:80]}")
            if pattern is None or matches(pattern, tag_name(point.path)):
                found.append(point)
    return found


def tree(points: Sequence[BrowsedPoint]) -> list[str]:
    """The points as lines, indented by level: name, kind, value, unit, range."""
    lines: list[str] = []
    above: tuple[str, ...] = ()
    for point in sorted(points, key=lambda point: point.path):
        branch = point.path[:-1]
        shared = next((place for place, (a, b) in enumerate(zip(above, branch, strict=False)) if a != b), None)
        shared = min(len(above), len(branch)) if shared is None else shared
        lines += [f"{'  ' * level}{branch[level]}/" for level in range(shared, len(branch))]
        lines.append(f"{'  ' * len(branch)}{point.path[-1]}  {_said_of(point)}")
        above = branch
    return lines


def device_head(kind: AnyKind, url: str, settings: Sequence[str]) -> Mapping[str, str]:
    """The keys of a device table that reaches this device in the same way."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", url.partition("://")[2]).strip("-")[:64] or kind.name
    parts = [setting.partition("=") for setting in settings]
    more = {key: value for key, _, value in parts}
    return {"name": name, "kind": kind.name, "url": url, **more}


def file_text(path: Path, device: Mapping[str, str], tags: Sequence[ListedTag]) -> str:
    """The list for this file: CSV by its suffix, else TOML with the device, complete where it stands alone."""
    if path.suffix == ".csv":
        return csv_list(tags)
    head = [
        f"# {len(tags)} tags of {device['url']}, as it told them. Review it: delete what nobody needs, name scan",
        "# classes and deadbands, mark what may be written with writable = true.",
        "# Then: millstream edge check -c FILE",
        "",
    ]
    if path.parent.name != DEVICES_FOLDER:
        head += ["[agent]", 'id = "gateway-1"', "", "[mqtt]", 'url = "mqtt://127.0.0.1:1883"', ""]
    head += ["[[device]]", *(f"{key} = {quoted(value)}" for key, value in device.items()), ""]
    return "\n".join([*head, *(toml_tag(tag) for tag in tags)])


def frozen_list(path: Path, kind: AnyKind, url: str) -> list[ListedTag]:
    """The tags of a file of before; of a TOML file those of the devices at this url. Raises ListInvalid."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        tables = _rows(text) if path.suffix == ".csv" else _tags(tomllib.loads(text), url)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
        raise ListInvalid(f"{path} cannot be read: {error}") from error
    return frozen(tables, kind.point_model.model_fields)


def _rows(text: str) -> list[Mapping[str, Any]]:
    return list(csv.DictReader(text.splitlines()))


def _tags(content: Mapping[str, Any], url: str) -> list[Mapping[str, Any]]:
    devices = cast("list[Mapping[str, Any]]", content.get("device", []))
    return [tag for device in devices if device.get("url") == url for tag in device.get("tag", [])]


def _kind_of(url: str) -> AnyKind:
    scheme = found[1] if (found := _SCHEME.match(url)) else ""
    known: list[str] = []
    for name in registry.kinds():
        try:
            kind = registry.kind(name)
        except ConfigInvalid:
            continue  # its library is not installed; whoever names the kind is told so
        if scheme in kind.url_schemes:
            return kind
        known += kind.url_schemes
    raise ConfigInvalid(
        f"{url!r} is no url that a connector speaks; allowed: {', '.join(f'{each}://' for each in known)}"
    )


def _said_of(point: BrowsedPoint) -> str:
    parts = [str(point.kind or "-"), value_text(point.value) + (f" {point.unit}" if point.unit else "")]
    if point.low is not None and point.high is not None:
        parts.append(f"[{point.low:g} .. {point.high:g}]")
    if point.is_writable:
        parts.append("writable")
    return "  ".join(parts)
