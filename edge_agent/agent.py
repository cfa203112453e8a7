"""The agent's composer: configuration, outbox, devices, sending; two halves joined only by the outbox."""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from edge_agent import wiring
from edge_agent.announcements import Speaker
from edge_agent.backlog import Backlog
from edge_agent.clock import AgentClock
from edge_agent.config import AgentConfig, watched_files
from edge_agent.config_problems import ConfigRefused, Problem
from edge_agent.fleet import Fleet
from edge_agent.forward import Announcements, Forwarder, Identity
from edge_agent.packing import Packer
from edge_agent.pause import PauseWatch
from edge_agent.quantities import SECOND_US
from edge_agent.reading import read
from edge_agent.recorder.recorder import FlightRecorder
from edge_agent.salvage import OutboxMark, open_outbox
from edge_agent.telemetry import Count, Counters, say
from edge_agent.writer import OutboxWriter
from schemas.topics import Topics

WATCH_PERIOD_S = 2.0
EPOCH_BYTES = 16


class Agent:
    """One agent process from start to a clean stop."""

    def __init__(self, path: Path, config: AgentConfig) -> None:
        self._path = path
        self._config = config
        self._counters = Counters()
        self._clock = AgentClock()
        self._epoch = secrets.token_bytes(EPOCH_BYTES)
        self._packer = Packer(config.agent.id, self._epoch, covered_us=self._clock.now_us())
        self._mark = OutboxMark(config.outbox.path.with_name(f"{config.outbox.path.name}.mark"))
        opened = open_outbox(config.outbox.path, wiring.caps(config.outbox), self._mark, self._clock.now_us())
        if opened.set_aside is not None:
            self._counters[Count.OUTBOX_SALVAGED] += 1
            say(logging.ERROR, "outbox was damaged and has been salvaged", set_aside=str(opened.set_aside))
        self._outbox = opened.outbox
        settings = wiring.writer_settings(config)
        self._writer = OutboxWriter(self._outbox, self._mark, self._packer, self._clock, self._counters, settings)
        recording = wiring.recorder_settings(config)
        self._recorder = None if recording is None else FlightRecorder(recording, self._clock)
        self._pauses = PauseWatch(config.agent.pause / SECOND_US)
        self._fleet = Fleet(self._writer, self._clock, self._counters, self._recorder, self._pauses.look)
        self._pauses.on_pause = self._fleet.stood_still
        topics = Topics(config.mqtt.root)
        self._speaker = Speaker(
            self._epoch.hex(),
            config.software,
            topics,
            self._clock,
            self._writer,
            lambda: self._fleet.supervisors,
            config,
        )
        self._forwarder = self._made_forwarder(topics)
        self._fleet.on_described = self._forwarder.announce

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then stop the devices, write what is left, say offline."""
        stop, reload = self._signals()
        await self._fleet.start(self._config.devices, self._outbox.progress())
        self._writer.on_commit = self._forwarder.wake
        tasks = [
            asyncio.create_task(self._writer.run(), name="outbox"),
            asyncio.create_task(self._forwarder.run(), name="forward"),
            asyncio.create_task(self._watch(reload), name="configuration"),
            asyncio.create_task(self._pauses.run(), name="pauses"),
        ]
        if self._recorder is not None:
            tasks.append(asyncio.create_task(self._recorder.run(), name="recorder"))
        self._say_running()
        tasks.append(asyncio.create_task(_wait(stop), name="signals"))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await self._fleet.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._writer.close()
        if self._recorder is not None:
            await self._recorder.flush()
        say(logging.INFO, "agent stopped", agent=self._config.agent.id)
        for task in done:
            task.result()

    async def reload(self) -> None:
        """Read the files again; an invalid set is refused and the running one kept."""
        try:
            config = await asyncio.to_thread(read, self._path)
            _only_devices_differ(self._config, config)
        except ConfigRefused as error:
            self._counters[Count.RELOADS_REFUSED] += 1
            say(logging.ERROR, "new configuration refused, the old one goes on", problems=str(error))
            return
        except Exception as error:  # noqa: BLE001 - a reload must not end what runs
            self._counters[Count.RELOADS_REFUSED] += 1
            say(logging.ERROR, "new configuration could not be read, the old one goes on", error=repr(error))
            return
        self._counters[Count.RELOADS] += 1
        self._config = self._speaker.config = config
        changed = await self._fleet.change(config.devices)
        self._forwarder.announce()
        say(logging.INFO, "configuration reloaded", revision=config.revision, devices=changed)

    async def _watch(self, reload: asyncio.Event) -> None:
        seen = _stamps(self._path, self._config)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_PERIOD_S):
                    await reload.wait()
            now = _stamps(self._path, self._config)
            if reload.is_set() or now != seen:
                reload.clear()
                await self.reload()
                seen = _stamps(self._path, self._config)

    def _signals(self) -> tuple[asyncio.Event, asyncio.Event]:
        loop, stop, reload = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        return stop, reload

    def _made_forwarder(self, topics: Topics) -> Forwarder:
        speaker, mqtt = self._speaker, self._config.mqtt
        says = Announcements(speaker.online, speaker.offline, speaker.health, speaker.catalog, speaker.device_states)
        return Forwarder(
            Identity(self._config.agent.id, self._speaker.boot_id, topics),
            Backlog(self._writer, self._packer, self._counters),
            says,
            self._clock,
            self._counters,
            wiring.forward_settings(mqtt, self._config.password),
        )

    def _say_running(self) -> None:
        devices = self._config.devices
        tags = sum(len(device.tags) for device in devices)
        facts: Mapping[str, object] = {"agent": self._config.agent.id, "devices": len(devices), "tags": tags}
        say(logging.INFO, "agent running", **facts, boot_id=self._speaker.boot_id, pid=os.getpid())


def _only_devices_differ(old: AgentConfig, new: AgentConfig) -> None:
    """Everything but the devices is read at start only: say so instead of pretending."""
    if old.software != new.software:
        problem = Problem(str(new.files[0]), "", "", f"was read by version {new.software}: restart the agent")
        raise ConfigRefused([problem])
    names = ("agent", "mqtt", "outbox", "batch", "recorder", "password")
    changed = [name for name in names if getattr(old, name) != getattr(new, name)]
    if changed:
        sections = ", ".join(f"[{name}]" for name in changed)
        problem = Problem(
            str(new.files[0]), sections, "", "is read at start only: restart the agent, or undo the change"
        )
        raise ConfigRefused([problem])


def _stamps(path: Path, config: AgentConfig) -> dict[Path, tuple[int, int]]:
    stamps: dict[Path, tuple[int, int]] = {}
    for file in {*watched_files(path), *config.files}:
        with suppress(OSError):
            found = file.stat()
            stamps[file] = (found.st_mtime_ns, found.st_size)
    return stamps


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
