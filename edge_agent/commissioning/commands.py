"""The commissioning sub-commands of `millstream edge`, as plain functions that return the exit code."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from connectors.contract import AnyKind, BrowsedPoint, Interpretation, LookOptions
from connectors.errors import ConfigInvalid, ConnectorError
from edge_agent.clock import AgentClock
from edge_agent.commissioning.browsing import (
    ListInvalid,
    browse,
    connection,
    device_head,
    file_text,
    frozen_list,
    tree,
)
from edge_agent.commissioning.globs import matches
from edge_agent.commissioning.probing import Candidate, last_digit, narrow, rank, side_by_side, tag_table
from edge_agent.commissioning.scanning import TargetInvalid, addresses, described, scan, spots, units
from edge_agent.commissioning.screen import Progress, columns, json_value, time_text, value_text
from edge_agent.commissioning.snapshot import TagNow, TagUnknown, chosen, read_once
from edge_agent.commissioning.tag_lists import Drift, drift, listed
from edge_agent.commissioning.writing import WriteRefused, find, write_tag
from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused
from schemas import status
from schemas.sample import Kind, Value

DONE, NO, BAD_USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What `edge probe` is asked for."""

    kind: str
    url: str
    range: str
    settings: Sequence[str] = ()
    near: str | None = None
    name: str = "unnamed"
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What `edge scan` is asked for."""

    targets: Sequence[str]
    ports: Sequence[str] = ()
    units: str = "1"
    timeout_s: float = 1.0
    pause_s: float = 0.1
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class BrowseOptions:
    """What `edge browse` is asked for."""

    url: str
    settings: Sequence[str] = ()
    match: str | None = None
    write: Path | None = None
    drift: Path | None = None


def read(config: Path, tags: Sequence[str], as_json: bool) -> int:
    """Read every (named) tag once; 1 when something is Bad, 2 when the configuration or a name is wrong."""
    loaded = _loaded(config)
    if loaded is None:
        return BAD_USAGE
    try:
        points = chosen(loaded, tags)
    except TagUnknown as error:
        return _said(error, BAD_USAGE)
    with Progress() as progress:
        answer = asyncio.run(read_once(loaded, points, AgentClock(), progress))
    if as_json:
        print(json.dumps([_as_dict(now) for now in answer.tags], ensure_ascii=False))
    else:
        header = ("PATH", "VALUE", "STATUS", "RAW", "TIME")
        print("\n".join(columns([header, *(_cells(now) for now in answer.tags)])))
    for device, trouble in answer.troubles.items():
        print(f"{device}: {trouble}", file=sys.stderr)
    return NO if any(status.is_bad(now.status) for now in answer.tags) else DONE


def write(config: Path, tag: str, value: str) -> int:
    """Write one value to one tag marked writable; 1 when it is refused or does not stay."""
    loaded = _loaded(config)
    if loaded is None:
        return BAD_USAGE
    try:
        device, point = find(loaded, tag)
    except TagUnknown as error:
        return _said(error, BAD_USAGE)
    try:
        written = asyncio.run(write_tag(device, point, value, AgentClock()))
    except (WriteRefused, ConnectorError) as error:
        return _said(f"not written: {error}", NO)
    unit = f" {written.after.unit}" if written.after.unit else ""
    print(f"{tag}: {value_text(written.before.value)} -> {value_text(written.after.value)}{unit}, read back")
    return DONE


def browse_device(options: BrowseOptions) -> int:
    """Show what a device has, write it as a list, or say what changed since a list; 1 for drift or no answer."""
    if options.write is not None and options.write.exists():
        return _said(f"{options.write} is there already; choose another file", NO)
    try:
        kind, config = connection(options.url, options.settings)
        before = None if options.drift is None else frozen_list(options.drift, kind, options.url)
    except (ConfigInvalid, ListInvalid) as error:
        return _said(error, BAD_USAGE)
    try:
        with Progress() as progress:
            points = asyncio.run(browse(kind, config, options.match, AgentClock(), progress))
    except ConnectorError as error:
        return _said(error, NO)
    if not points:
        return _said(f"{options.url} told of no points" + (" of that pattern" if options.match else ""), NO)
    if before is not None:
        before = [tag for tag in before if options.match is None or matches(options.match, tag.name)]
        return _print_drift(drift(before, listed(points)))
    return _write_or_print(options, kind, points)


def probe(options: ProbeOptions, again: Iterable[str] = ()) -> int:
    """Show what a range could mean; with `near` rank it, again for each further value; 1 where nothing fits."""
    try:
        kind, config = connection(options.url, options.settings, options.kind)
        if kind.probe is None:
            raise ConfigInvalid(f"kind {kind.name} has nothing to interpret; see: edge browse")
        panel = None if options.near is None else _panel(options.near)
        clock = AgentClock()
        found = asyncio.run(kind.probe(config, options.range, clock))
        if options.near is None or panel is None:
            return _print_interpretations(options, found)
        candidates = rank(found, panel, last_digit(options.near))
        _print_candidates(candidates)
        for text in again:
            found = asyncio.run(kind.probe(config, options.range, clock))
            candidates = narrow(candidates, found, _panel(text), last_digit(text))
            _print_candidates(candidates)
    except (ConfigInvalid, ValueError) as error:
        return _said(error, BAD_USAGE)
    except ConnectorError as error:
        return _said(error, NO)
    if not candidates:
        return NO
    print(tag_table(candidates[0], options.name))
    return DONE


def scan_network(options: ScanOptions) -> int:
    """Look for devices at the named addresses, one after the other; 1 where there are none."""
    try:
        hosts = [host for target in options.targets for host in addresses(target)]
        where = spots(hosts, options.ports)
        look = LookOptions(options.timeout_s, options.pause_s, units(options.units))
    except TargetInvalid as error:
        return _said(error, BAD_USAGE)
    with Progress() as progress:
        found = asyncio.run(scan(where, look, progress))
    if options.as_json:
        print(
            json.dumps(
                [{"url": each.url, "name": each.name, "details": dict(each.details)} for each in found],
                ensure_ascii=False,
            )
        )
    elif found:
        print("\n".join(described(found)))
    print(f"{len(found)} found at {len(where)} ports of {len(hosts)} addresses", file=sys.stderr)
    return DONE if found else NO


def further_values() -> Iterator[str]:
    """What the panel shows later, line by line; asked for on a terminal, ends with an empty line."""
    while True:
        if sys.stdin.isatty():
            print("Let the value move, then type what the panel shows (Enter ends): ", end="", file=sys.stderr)
        line = sys.stdin.readline().strip()
        if not line:
            return
        yield line


def _panel(text: str) -> float:
    value = float(text)
    if value == 0.0:
        raise ValueError("0 fits everywhere; wait until the panel shows something else")
    return value


def _print_interpretations(options: ProbeOptions, found: Sequence[Interpretation]) -> int:
    if options.as_json:
        print(
            json.dumps(
                [{**each.point, "raw": each.raw, "value": json_value(each.value)} for each in found],
                ensure_ascii=False,
            )
        )
    elif found:
        print("\n".join(columns(side_by_side(found))))
    return DONE if found else _said(f"{options.url}: nothing in {options.range} could be read", NO)


def _print_candidates(candidates: Sequence[Candidate]) -> None:
    if not candidates:
        print("nothing fits", file=sys.stderr)
    rows = [(f"{place}.", each.words, f"{each.value:.10g}") for place, each in enumerate(candidates[:10], start=1)]
    print("\n".join(f"# {line}" for line in columns(rows)))


def init(path: Path) -> int:
    """Write a starter file that passes `edge check`; 1 where there is a file already."""
    if path.exists():
        return _said(f"{path} is there already; it was not touched", NO)
    starter = files("edge_agent.commissioning").joinpath("starter.toml").read_text(encoding="utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(starter, encoding="utf-8")
    except OSError as error:
        return _said(f"{path} cannot be written: {error.strerror}", NO)
    print(f"{path} is written; next: millstream edge check -c {path}")
    return DONE


def _write_or_print(options: BrowseOptions, kind: AnyKind, points: Sequence[BrowsedPoint]) -> int:
    if options.write is None:
        print("\n".join(tree(points)))
        return DONE
    options.write.parent.mkdir(parents=True, exist_ok=True)
    head = device_head(kind, options.url, options.settings)
    options.write.write_text(file_text(options.write, head, listed(points)), encoding="utf-8")
    print(f"{len(points)} tags in {options.write}")
    return DONE


def _print_drift(found: Drift) -> int:
    for tag in found.new:
        print(f"+ {tag.name}  {tag.identity}  {tag.remark}")
    for tag in found.missing:
        print(f"- {tag.name}  {tag.identity}")
    for tag, differences in found.changed:
        print(f"~ {tag.name}  {tag.identity}  {', '.join(differences)}")
    print(f"{len(found.new)} new, {len(found.missing)} missing, {len(found.changed)} changed", file=sys.stderr)
    return DONE if found.is_none else NO


def _loaded(config: Path) -> AgentConfig | None:
    try:
        return load(config)
    except ConfigRefused as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return None


def _said(error: object, code: int) -> int:
    print(error, file=sys.stderr)
    return code


def _cells(now: TagNow) -> tuple[str, ...]:
    unit = f" {now.unit}" if now.unit and now.value is not None else ""
    value = f"{value_text(now.value)}{unit}"
    return now.path, value, status.name(now.status), value_text(now.raw), time_text(now.time_us)


def _as_dict(now: TagNow) -> dict[str, object]:
    value: Value | object = json_value(now.value)
    if now.kind is Kind.JSON and isinstance(now.value, str):
        value = json.loads(now.value)
    return {
        "path": now.path,
        "value": value,
        "status": status.name(now.status),
        "quality": str(now.quality),
        "source_time": time_text(now.time_us),
    }
