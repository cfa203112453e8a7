"""From TOML and CSV files to a checked configuration, or to all of their problems at once."""

import csv
import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from connectors import registry
from connectors.contract import AnyKind
from connectors.errors import ConfigInvalid
from connectors.tables import ConnectorConfig, PointConfig, plain
from edge_agent.config import (
    AgentConfig,
    DeviceConfig,
    DeviceTable,
    MqttTable,
    OutboxTable,
    RecorderTable,
    TagConfig,
    TagTable,
    watched_files,
)
from edge_agent.config_problems import ConfigRefused, Problem, shown
from edge_agent.profiles.instances import Instance, from_template, of_line
from edge_agent.profiles.templates import shipped_file, shipped_names
from edge_agent.table_check import validate
from edge_agent.tables import (
    CheckedAgent,
    CheckedBatch,
    CheckedDevice,
    CheckedMqtt,
    CheckedOutbox,
    CheckedRecorder,
    CheckedTag,
)
from schemas.limits import MAX_DEVICES
from schemas.sample import path_problem

PASSWORD_VARIABLE = "MILLSTREAM_MQTT_PASSWORD"  # noqa: S105 - the variable's name, not a secret
USERNAME_VARIABLE = "MILLSTREAM_MQTT_USERNAME"

_SECTIONS = ("agent", "mqtt", "outbox", "batch", "recorder", "device")
_SECRET_KEYS = frozenset({"password", "secret", "token", "passphrase"})
_DEVICE_KEYS = frozenset(CheckedDevice.model_fields)
_TAG_KEYS = frozenset(CheckedTag.model_fields)
ModelT = TypeVar("ModelT", bound=BaseModel)
Table: TypeAlias = Mapping[str, Any]


def load(path: Path) -> AgentConfig:
    """Read the file and its `devices.d`; raises ConfigRefused with every problem found."""
    return _Reader(path).read()


@dataclass(slots=True)
class _Source:
    """One `[[device]]` or tag as found: its content and where it stands."""

    file: Path
    key: str
    table: Table
    tags: "list[_Source] | None" = None
    """The tags where they do not stand in the table itself: those of a profile."""


@dataclass(slots=True)
class _Reader:
    path: Path
    problems: list[Problem] = field(default_factory=list[Problem])
    files: list[Path] = field(default_factory=list[Path])
    digest: Any = field(default_factory=hashlib.sha256)
    written_us: int | None = None
    tables: dict[str, TagTable] = field(default_factory=dict[str, TagTable])
    """What tags say beside their names, which most of ten thousand say alike: one object for all of those."""

    def read(self) -> AgentConfig:
        main = self._toml(self.path)
        sources = self._device_sources(self.path, main)
        for file in watched_files(self.path)[1:]:
            sources += self._device_sources(file, self._toml(file), only_devices=True)
        sources = [instance for source in sources for instance in self._instances(source)]
        self._unknown_sections(main)
        agent = self._section(main, "agent", CheckedAgent)
        mqtt = self._section(main, "mqtt", CheckedMqtt)
        outbox = self._section(main, "outbox", CheckedOutbox)
        batch = self._section(main, "batch", CheckedBatch)
        recorder = self._section(main, "recorder", CheckedRecorder)
        devices = [device for source in sources if (device := self._device(source)) is not None]
        self._doubled(sources, devices)
        password = self._password(mqtt)
        self._readable(mqtt)
        if self.problems or not (agent and mqtt and outbox and batch and recorder):
            raise ConfigRefused(self.problems)
        return AgentConfig(
            agent=plain(agent),
            mqtt=replace(plain(mqtt), **self._mqtt_updates(mqtt)),
            outbox=replace(plain(outbox), path=self._absolute(outbox.path)),
            batch=plain(batch),
            recorder=replace(plain(recorder), path=self._recordings(recorder, outbox)),
            devices=tuple(devices),
            revision=self.digest.hexdigest()[:16],
            files=tuple(self.files),
            password=password,
            digest=self.digest.hexdigest(),
            written_us=self.written_us,
            software=_version(),
        )

    def _toml(self, file: Path) -> Table:
        content = self._bytes(file)
        try:
            return tomllib.loads(content.decode()) if content is not None else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self._problem(file, "", None, f"is not TOML: {error}")
            return {}

    def _bytes(self, file: Path) -> bytes | None:
        try:
            content = file.read_bytes()
            written_us = file.stat().st_mtime_ns // 1000
        except OSError as error:
            self._problem(file, "", None, f"cannot be read: {error.strerror}")
            return None
        self.files.append(file)
        self.written_us = max(written_us, self.written_us or 0)
        self.digest.update(file.name.encode() + b"\0" + content)
        return content

    def _section(self, main: Table, name: str, model: type[ModelT]) -> ModelT | None:
        if not main and self.problems:
            return None  # the file itself could not be read: one problem is enough
        table = main.get(name, {})
        if not isinstance(table, dict):
            self._problem(self.path, name, table, f"should be a table: [{name}]")
            return None
        plain = self._without_secrets(_Source(self.path, name, cast("Table", table)))
        return validate(model, plain, (self.path, name), self.problems)

    def _unknown_sections(self, main: Table) -> None:
        for name in main.keys() - set(_SECTIONS):
            allowed = ", ".join(f"[{section}]" for section in _SECTIONS)
            self._problem(self.path, name, main[name], f"unknown section; allowed: {allowed}")

    def _device_sources(self, file: Path, content: Table, *, only_devices: bool = False) -> list[_Source]:
        if only_devices:
            for name in content.keys() - {"device"}:
                self._problem(file, name, content[name], "only [[device]] is allowed in devices.d")
        found = content.get("device", [])
        if not isinstance(found, list):
            self._problem(file, "device", found, "should be a list of tables: [[device]]")
            return []
        return [
            _Source(file, f"device[{index}]", cast("Table", table))
            for index, table in enumerate(cast("list[object]", found))
            if isinstance(table, dict) or self._problem(file, f"device[{index}]", table, "should be a table")
        ]

    def _instances(self, source: _Source) -> list[_Source]:
        """The devices that one table stands for: itself, with its profile laid under it, or one of each line."""
        file, lines = source.file, source.table.get("instances_csv")
        if source.table.get("profile") is None and lines is None:
            return [source]
        template: Table = {}
        if (profile := source.table.get("profile")) is not None:
            found = self._profile(source, str(profile))
            if found is None:
                return []
            file, template = found, self._toml(found)
        base = from_template(template, source.table)
        if lines is None:
            return [self._instance(source, base, file)]
        kind = self._kind(_Source(source.file, source.key, base.device))
        known = _DEVICE_KEYS | set(kind.config_model.model_fields if kind is not None else ())
        found_lines = self._csv(source.file.parent / str(lines))
        return [
            self._instance(line, of_line(base, line.table, number, frozenset(known)), file)
            for number, line in enumerate(found_lines, start=1)
        ]

    def _instance(self, source: _Source, instance: Instance, file: Path) -> _Source:
        for key, value, problem in instance.problems:
            self._problem(source.file, f"{source.key}.{key}", value, problem)
        tags = [_Source(file, f"tag {tag.get('name', number)!r}", tag) for number, tag in enumerate(instance.tags)]
        return _Source(source.file, source.key, instance.device, tags)

    def _profile(self, source: _Source, name: str) -> Path | None:
        found = source.file.parent / name if name.endswith(".toml") else shipped_file(name)
        if found is None:
            allowed = f"{', '.join(shipped_names())}, or a file that ends in .toml"
            self._problem(source.file, f"{source.key}.profile", name, f"unknown profile; allowed: {allowed}")
        return found

    def _device(self, source: _Source) -> DeviceConfig | None:
        own = {key: value for key, value in source.table.items() if key in _DEVICE_KEYS}
        table = validate(CheckedDevice, own, (source.file, source.key), self.problems)
        kind = self._kind(source)
        if kind is None:
            return None
        rest = self._without_secrets(source)
        rest = {key: value for key, value in rest.items() if key not in _DEVICE_KEYS and key != "tag"}
        connector = validate(
            kind.config_model, rest, (source.file, source.key), self.problems, also=_DEVICE_KEYS | {"tag"}
        )
        tag_sources = self._tag_sources(source, table)
        made = [self._tags(found, source, table, kind, connector) for found in tag_sources]
        if table is None or connector is None or not all(made):
            return None
        tags = [tag for tags in made for tag in tags]
        device = DeviceConfig(plain(table), kind, plain(connector), tuple(tags))
        return device if self._plan_works(source, device) else None

    def _kind(self, source: _Source) -> AnyKind | None:
        name = source.table.get("kind")
        if not isinstance(name, str):
            return None  # the device table's own check has said so
        try:
            return registry.kind(name)
        except ConfigInvalid as error:
            self._problem(source.file, f"{source.key}.kind", name, str(error))
            return None

    def _plan_works(self, source: _Source, device: DeviceConfig) -> bool:
        points = [tag.point for tag in device.tags]
        try:
            device.kind.describe_plan(device.connector, points, list(device.groups().values()))
        except ConfigInvalid as error:
            self._problem(source.file, source.key, device.name, str(error))
            return False
        return True

    def _tag_sources(self, source: _Source, table: DeviceTable | None) -> list[_Source]:
        if source.tags is not None:
            return [*source.tags, *self._listed_tags(source, table)]
        found = source.table.get("tag", [])
        if not isinstance(found, list):
            self._problem(source.file, f"{source.key}.tag", found, "should be a list of tables: [[device.tag]]")
            return []
        tags = [
            _Source(source.file, f"{source.key}.tag[{index}]", cast("Table", tag))
            for index, tag in enumerate(cast("list[object]", found))
            if isinstance(tag, dict)
            or self._problem(source.file, f"{source.key}.tag[{index}]", tag, "should be a table")
        ]
        tags += self._listed_tags(source, table)
        if not tags and not source.table.get("tags_csv"):
            self._problem(source.file, f"{source.key}.tag", None, "a device needs a tag: [[device.tag]] or tags_csv")
        return tags

    def _listed_tags(self, source: _Source, table: DeviceTable | None) -> list[_Source]:
        if table is None or table.tags_csv is None:
            return []
        return self._csv(source.file.parent / table.tags_csv)

    def _csv(self, file: Path) -> list[_Source]:
        content = self._bytes(file)
        if content is None:
            return []
        try:
            lines = list(csv.reader(content.decode("utf-8-sig").splitlines(), strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            self._problem(file, "", None, f"is not a CSV list: {error}")
            return []
        header = [cell.strip() for cell in lines[0]] if lines else []
        found: list[_Source] = []
        for number, cells in enumerate(lines[1:], start=2):
            if len(cells) > len(header):
                self._problem(file, f"line {number}", cells, f"has {len(cells)} cells; the header has {len(header)}")
            filled = {key: cell.strip() for key, cell in zip(header, cells, strict=False) if cell.strip()}
            if filled:
                found.append(_Source(file, f"line {number}", filled))
        return found

    def _tags(
        self,
        found: _Source,
        device: _Source,
        head: DeviceTable | None,
        kind: AnyKind,
        connector: ConnectorConfig | None,
    ) -> list[TagConfig]:
        """The tags that one table stands for; none where it has a problem."""
        table, title = self._tag_table(found)
        rest = {key: value for key, value in found.table.items() if key not in _TAG_KEYS}
        point: PointConfig | None = validate(
            kind.point_model, rest, (found.file, found.key), self.problems, also=_TAG_KEYS, context=connector
        )
        if table is not None and head is None and (problem := path_problem(title)):
            self._problem(found.file, f"{found.key}.name", title, problem)
        if table is None or head is None:
            return []
        name = f"{head.path or head.name}/{title}"
        points = [("", None)] if point is None else kind.expand(point)
        paths = [f"{name}/{suffix}" if suffix else name for suffix, _ in points]
        for path in paths:
            if problem := path_problem(path):
                self._problem(found.file, f"{found.key}.name", path, problem)
        scan = head.scan
        if table.scan not in scan:
            allowed = ", ".join(sorted(scan))
            self._problem(
                found.file, f"{found.key}.scan", table.scan, f"unknown scan class; {device.key}.scan has: {allowed}"
            )
            return []
        return [
            TagConfig(path, table, plain(part))
            for path, (_, part) in zip(paths, points, strict=True)
            if part is not None
        ]

    def _tag_table(self, found: _Source) -> tuple[TagTable | None, str]:
        """The agent's own keys of a tag, without its name, which is the second."""
        own = {key: value for key, value in found.table.items() if key in _TAG_KEYS}
        title = own.get("name")
        key = repr(sorted((key, value) for key, value in own.items() if key != "name"))
        if isinstance(title, str) and key in self.tables:
            return self.tables[key], title
        table = validate(CheckedTag, own, (found.file, found.key), self.problems)
        if table is None:
            return None, ""
        return self.tables.setdefault(key, replace(plain(table), name="")), table.name

    def _doubled(self, sources: list[_Source], devices: list[DeviceConfig]) -> None:
        names: dict[str, _Source] = {}
        for source in sources:
            name = source.table.get("name")
            if isinstance(name, str) and names.setdefault(name, source) is not source:
                first = names[name]
                self._problem(
                    source.file, f"{source.key}.name", name, f"doubled: {first.file.name} {first.key} has it too"
                )
        for device in devices[MAX_DEVICES:]:
            self._problem(self.path, "device", device.name, f"one agent has at most {MAX_DEVICES} devices")
        seen: dict[str, str] = {}
        for device in devices:
            for tag in device.tags:
                if tag.path in seen:
                    detail = f"doubled tag: device {seen[tag.path]!r} has this path already"
                    self._problem(self.path, f"device {device.name}", tag.path, detail)
                seen[tag.path] = device.name

    def _without_secrets(self, source: _Source) -> dict[str, Any]:
        for key in source.table.keys() & _SECRET_KEYS:
            self._problem(
                source.file,
                f"{source.key}.{key}",
                "…",
                f"secrets come from a file: {key}_file, or from the environment",
            )
        return {key: value for key, value in source.table.items() if key not in _SECRET_KEYS}

    def _password(self, mqtt: MqttTable | None) -> str | None:
        if mqtt is None or mqtt.password_file is None:
            return os.environ.get(PASSWORD_VARIABLE)
        file = self._absolute(mqtt.password_file)
        try:
            return file.read_text().strip()
        except OSError as error:
            self._problem(self.path, "mqtt.password_file", str(file), f"cannot be read: {error.strerror}")
            return None

    def _mqtt_updates(self, mqtt: MqttTable) -> dict[str, object]:
        updates: dict[str, object] = {"username": mqtt.username or os.environ.get(USERNAME_VARIABLE)}
        updates |= {key: self._absolute(file) for key, file in _certificates(mqtt).items()}
        return updates

    def _readable(self, mqtt: MqttTable | None) -> None:
        for key, file in _certificates(mqtt).items() if mqtt is not None else ():
            if not os.access(self._absolute(file), os.R_OK):
                self._problem(self.path, f"mqtt.{key}", str(file), "cannot be read")

    def _recordings(self, recorder: RecorderTable, outbox: OutboxTable) -> Path:
        return self._absolute(recorder.path or outbox.path.with_name(f"{outbox.path.name}.recorder"))

    def _absolute(self, path: Path) -> Path:
        return (self.path.parent / path).absolute()

    def _problem(self, file: Path, key: str, value: object, message: str) -> None:
        self.problems.append(Problem(str(file), key, shown(value), message))


def _certificates(mqtt: MqttTable) -> dict[str, Path]:
    found = {"ca_file": mqtt.ca_file, "cert_file": mqtt.cert_file, "key_file": mqtt.key_file}
    return {key: file for key, file in found.items() if file is not None}


def _version() -> str:
    try:
        return version("millstream")
    except PackageNotFoundError:
        return "0"
