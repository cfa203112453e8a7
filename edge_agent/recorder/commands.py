"""`millstream edge record …`, as plain functions that return the exit code."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.contract import Exchange, ReplayOptions
from connectors.errors import ConfigInvalid
from connectors.registry import kind as kind_named
from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused
from edge_agent.recorder import tape
from edge_agent.recorder.recorder import REQUEST, folder_of
from edge_agent.recorder.shelf import Shelf

DONE, NO, BAD_USAGE = 0, 1, 2
LOOK_S = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What `edge record export` is asked for."""

    config: Path
    device: str
    output: Path
    patience_s: float = 5.0
    """How long a running agent may take to write what it still holds."""


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What `edge record replay` is asked for."""

    files: Sequence[Path]
    """Recordings of devices behind one url."""
    port: int = 0
    speed: float = 1.0


def export(options: ExportOptions) -> int:
    """Write what was recorded of a device to one file; 1 where there is nothing, 2 for a wrong name."""
    try:
        loaded = load(options.config)
    except ConfigRefused as error:
        return _said("\n".join(str(problem) for problem in error.problems), BAD_USAGE)
    folder = loaded.recorder.path
    problem = _problem(loaded, folder, options)
    if folder is None or problem is not None:
        return _said(problem, BAD_USAGE)
    if not _written_by_agent(folder, options.patience_s):
        _said("no running agent answered: what it had not written yet is not in the file", DONE)
    shelf = Shelf(folder_of(folder, options.device))
    parts = [part for kept in shelf.kept() if (part := _whole(kept.name, shelf.read(kept))) is not None]
    if not parts:
        return _said(f"nothing is recorded of {options.device} in {folder}", NO)
    whole = tape.joined(parts)
    try:
        with os.fdopen(os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(whole)
    except OSError as error:
        return _said(f"{options.output} cannot be written: {error.strerror}", NO)
    print("\n".join(_described(tape.read(whole))))
    print(f"{options.output}: {len(whole)} bytes; next: millstream edge record replay {options.output}")
    return DONE


def replay(options: PlayOptions) -> int:
    """Be the recorded devices until interrupted; 1 where a file is no recording or the port is taken."""
    try:
        recordings = [_opened(file) for file in options.files]
        kind = kind_named(recordings[0].head.kind)
    except (tape.TapeInvalid, ConfigInvalid) as error:
        return _said(error, NO)
    names = ", ".join(recording.head.device for recording in recordings)
    if kind.replay is None or any(recording.head.kind != kind.name for recording in recordings):
        return _said(f"{names}: devices of kind {kind.name} cannot be replayed so", NO)
    for recording in recordings:
        print("\n".join(_described(recording)))

    def is_ready(url: str) -> None:
        print(f"{names} answers at {url} until Ctrl-C", flush=True)
        print(f'in its [[device]] write: url = "{url}"', flush=True)

    exchanges = [exchange for recording in recordings for exchange in recording.exchanges]
    try:
        asyncio.run(kind.replay(exchanges, ReplayOptions(options.port, options.speed, is_ready)))
    except OSError as error:
        return _said(f"port {options.port} of this machine cannot be used: {error.strerror}", NO)
    return DONE


def _opened(file: Path) -> tape.Recording:
    """The recording in this file; raises TapeInvalid, naming it."""
    try:
        if file.stat().st_size > tape.MAX_FILE_BYTES:
            raise tape.TapeInvalid("larger than any recording")
        return tape.read(file.read_bytes())
    except OSError as error:
        raise tape.TapeInvalid(f"{file} cannot be read: {error.strerror}") from error
    except tape.TapeInvalid as error:
        raise tape.TapeInvalid(f"{file}: {error}") from error


def _problem(loaded: AgentConfig, folder: Path | None, options: ExportOptions) -> str | None:
    if options.output.exists():
        return f"{options.output} is there already; choose another file"
    if folder is None or not loaded.recorder.enabled:
        return "nothing is recorded: [recorder] says enabled = false"
    device = next((device for device in loaded.devices if device.name == options.device), None)
    if device is None and not folder_of(folder, options.device).is_dir():
        names = ", ".join(device.name for device in loaded.devices)
        return f"device {options.device!r} is unknown; allowed: {names}"
    if device is not None and device.kind.record is None:
        return f"{options.device} is of kind {device.kind.name}, of which nothing is recorded"
    return None


def _written_by_agent(folder: Path, patience_s: float) -> bool:
    """Ask a running agent, by a file beside its recordings, to write what it holds; tells whether it did."""
    request = folder / REQUEST
    try:
        request.touch(mode=0o600)
    except OSError:
        return False  # there is no recording yet, or it is another user's
    deadline = time.monotonic() + patience_s
    while request.exists():
        if time.monotonic() > deadline:
            request.unlink(missing_ok=True)
            return False
        time.sleep(LOOK_S)
    return True


def _whole(name: str, part: bytes | None) -> bytes | None:
    """A part that can be read; one that cannot must not take the others with it."""
    if part is None:
        return None
    try:
        tape.read(part)
    except tape.TapeInvalid as error:
        _said(f"{name} is left out: {error}", NO)
        return None
    return part


def _described(recording: tape.Recording) -> Sequence[str]:
    """What is in it, and when it went wrong."""
    head, exchanges = recording.head, recording.exchanges
    if not exchanges:
        return [f"{head.device} ({head.kind}) of agent {head.agent}: nothing was said"]
    whole = f"from {_time(recording.begins_us or exchanges[0].asked_us)} to {_time(exchanges[-1].asked_us)}"
    lines = [f"{head.device} ({head.kind}) of agent {head.agent}: {len(exchanges)} exchanges {whole}"]
    if recording.lost:
        lines.append(f"{recording.lost} exchanges had no room")
    lines += [f"trouble from {_time(each.asked_us)}: {each.trouble}" for each in _onsets(exchanges)]
    return lines


def _onsets(exchanges: Sequence[Exchange]) -> list[Exchange]:
    before = [None, *exchanges[:-1]]
    pairs = zip(before, exchanges, strict=True)
    return [now for last, now in pairs if now.trouble is not None and (last is None or last.trouble is None)]


def _time(time_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _said(error: object, code: int) -> int:
    print(error, file=sys.stderr)
    return code
