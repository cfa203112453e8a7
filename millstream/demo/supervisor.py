"""`millstream demo`: database, broker, plant, cloud, console and agent, started, watched and stopped in order."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from millstream.demo.agent_config import tag_count
from millstream.demo.alarms import AlarmsRefused, apply_first
from millstream.demo.child import Child, Role, bound_log, last_lines
from millstream.demo.cloud import USER, CloudCommandFailed, api_key, console_password, migrate
from millstream.demo.database import Database, left_over, open_database
from millstream.demo.layout import AlreadyRunning, DataUnusable, Layout, open_layout, write_private
from millstream.demo.options import DemoOptions
from millstream.demo.ports import Ports, are_ports, choose_ports
from millstream.demo.questions import fresh_series
from millstream.demo.roles import Roles
from millstream.demo.screen import Screen, refuse
from millstream.demo.service_user import UserCannotReach
from millstream.language import Words

Result = TypeVar("Result")

FAILED = 1
REFUSED = 2
LEFTOVER_S = 30.0
FIRST_SAMPLES_S = 20.0
MAX_DELAY_S = 30.0
STEADY_S = 60.0
LOG_CHECK_S = 10.0
STOP_ORDER = ("agent", "console", "cloud", "broker", "plant", "database")
FIRST_QUERY = "/api/v1/latest?path=**/temperature"


def run(options: DemoOptions, text: Words) -> int:
    """Run until Ctrl-C, SIGTERM or the end of the duration; start nothing when something is in the way."""
    if not _is_sensible(options, text):
        return REFUSED
    # Keys, passwords and samples are the user's own, also in the files that the children make.
    os.umask(0o077)
    try:
        layout, lock = open_layout(options.data)
    except AlreadyRunning as running:
        refuse(text, "trouble.already_running", data=options.data, pid=running.pid)
        return REFUSED
    except DataUnusable as unusable:
        refuse(text, "trouble.data_unusable", data=options.data, reason=unusable)
        return REFUSED
    try:
        ports = choose_ports(options, text)
        return REFUSED if ports is None else asyncio.run(_Demo(options, layout, ports, text).run())
    finally:
        os.close(lock)


def _is_sensible(options: DemoOptions, text: Words) -> bool:
    if not 0 < options.speed <= 100:
        refuse(text, "trouble.speed_range", value=options.speed)
        return False
    if not 0 <= options.duration_s < float("inf"):
        refuse(text, "trouble.duration_range", value=options.duration_s)
        return False
    return are_ports(options, text)


class _StartFailed(Exception):
    """Something did not start; the screen says what and why."""


class _Demo:
    """One run."""

    def __init__(self, options: DemoOptions, layout: Layout, ports: Ports, text: Words) -> None:
        self._options = options
        self._layout = layout
        self._ports = ports
        self._text = text
        self._screen = Screen(text)
        self._roles = Roles(options, layout, ports)
        self._children: dict[str, Child] = {}
        self._database: Database | None = None
        self._began = datetime.now(UTC)
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Start, watch, stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        self._layout.outcome.unlink(missing_ok=True)
        code = 0
        try:
            await self._unless_stopped(self._live())
        except* _StartFailed:
            code = FAILED
        finally:
            await self._stop()
        return code

    def _on_signal(self) -> None:
        """The first asks everything to end; a second one makes it."""
        if self._stopping.is_set():
            for child in self._children.values():
                child.kill()
        self._stopping.set()

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Do the work until it is done or somebody wants everything to stop."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            waiting = tasks.create_task(self._stopping.wait())
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
            task.cancel()
            waiting.cancel()

    async def _live(self) -> None:
        await self._start()
        self._screen.line(f"  {self._closing_words()}")
        self._screen.line()
        async with asyncio.TaskGroup() as tasks:
            for child in self._children.values():
                tasks.create_task(self._keep(child))
            tasks.create_task(self._bound_logs())
            if self._options.duration_s:
                await asyncio.sleep(self._options.duration_s)
                self._stopping.set()

    def _closing_words(self) -> str:
        seconds = self._options.duration_s
        return self._text("summary.running_for", seconds=f"{seconds:g}") if seconds else self._text("summary.running")

    async def _start(self) -> None:
        is_first = not self._layout.database.exists()
        opening = "progress.beginning" if is_first else "progress.continuing"
        self._screen.line(self._text(opening, version=version("millstream"), data=self._layout.data))
        await self._wait_for_left_over()
        async with asyncio.TaskGroup() as tasks:
            preparing = tasks.create_task(self._prepare_database(is_first=is_first))
            tasks.create_task(self._bring_up(self._roles.broker()))
            tasks.create_task(self._bring_up(self._roles.plant()))
        database = preparing.result()
        environment = self._roles.cloud_environment(database)
        self._roles.write_cloud_settings(database)
        await self._explained("cloud", migrate(environment))
        password = await self._explained("console", console_password(self._layout, environment))
        await self._bring_up(self._roles.cloud(database))
        key = await self._explained("cloud", api_key(self._layout, self._ports.api, environment))
        await self._define_alarms(key)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bring_up(self._roles.agent()))
            tasks.create_task(self._bring_up(self._roles.console(database)))
        await self._wait_for_samples(key)
        self._announce(database, key, password)

    async def _define_alarms(self, key: str) -> None:
        """The first start brings the hall's alarms into force; without them everything else runs."""
        try:
            await apply_first(self._layout, self._ports.api, key)
        except AlarmsRefused as refused:
            self._screen.trouble(self._text("trouble.no_alarms", reason=refused))

    async def _wait_for_left_over(self) -> None:
        """The database of a demonstration that was killed ends by itself, in good order; let it."""
        deadline = asyncio.get_running_loop().time() + LEFTOVER_S
        is_said = False
        while pid := left_over(self._layout.database):
            if asyncio.get_running_loop().time() > deadline:
                self._screen.trouble(self._text("trouble.leftover_stays", pid=pid, data=self._layout.data))
                raise _StartFailed
            if not is_said:
                self._screen.line(f"  {self._text('progress.leftover', pid=pid)}")
                is_said = True
            await asyncio.sleep(0.2)

    async def _prepare_database(self, *, is_first: bool) -> Database:
        name = self._text("progress.database")
        if is_first:
            self._screen.step_note(name, self._text("progress.first_start"))
        try:
            database = self._database = await asyncio.to_thread(open_database, self._layout)
        except UserCannotReach as out_of_reach:
            message = self._text("trouble.root_unreachable", user=out_of_reach.user, path=out_of_reach.path)
            self._screen.trouble(message)
            raise _StartFailed from out_of_reach
        except (DataUnusable, OSError) as unusable:
            self._screen.trouble(self._text("trouble.child_failed", name=name, reason=unusable))
            raise _StartFailed from unusable
        await self._bring_up(self._roles.database(database))
        return database

    async def _bring_up(self, role: Role) -> None:
        """Start a child and wait until it is ready."""
        child = self._children[role.name] = Child(role)
        await child.start()
        if not await child.wait_ready():
            self._tell_failure(child)
            raise _StartFailed
        self._screen.step_done(self._text(f"progress.{role.name}"))

    async def _explained(self, name: str, work: Coroutine[None, None, Result]) -> Result:
        """A one-off command; what it complained about is shown."""
        try:
            return await work
        except CloudCommandFailed as failed:
            name = self._text(f"progress.{name}")
            self._screen.trouble(self._text("trouble.child_failed", name=name, reason=failed))
            raise _StartFailed from failed

    async def _wait_for_samples(self, key: str) -> None:
        """Show everything when there is something to see; when nothing comes, say so and go on."""
        agent, expected, count = self._children["agent"], tag_count(), 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SAMPLES_S):
                while (count := await fresh_series(self._ports.api, key, self._began)) < expected:
                    if not agent.is_running:
                        self._tell_failure(agent)
                        raise _StartFailed
                    await asyncio.sleep(0.2)
        if count:
            self._screen.step_done(self._text("progress.samples", count=count))
        else:
            self._screen.trouble(self._text("trouble.no_samples", logs=self._layout.logs))

    def _announce(self, database: Database, key: str, password: str) -> None:
        api, console = (f"http://127.0.0.1:{port}" for port in (self._ports.api, self._ports.console))
        outcome = {"api": api, "api_key": key, "mqtt": self._roles.mqtt_url, "database": database.url}
        outcome |= {"console": console, "user": USER, "password": password}
        write_private(self._layout.outcome, json.dumps(outcome, indent=2) + "\n")
        entries = (
            ("summary.console", console),
            ("summary.login", f"{USER} / {password}"),
            ("summary.api", api),
            ("summary.docs", f"{api}/docs"),
            ("summary.key", key),
            ("summary.mqtt", self._roles.mqtt_url),
            ("summary.opcua", self._roles.opcua_url),
            ("summary.modbus", self._roles.modbus_url),
            ("summary.logs", str(self._layout.logs)),
        )
        self._screen.summary(entries, f"curl -s -H 'Authorization: Bearer {key}' '{api}{FIRST_QUERY}'")

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it ends, after a pause that doubles until it stays."""
        delay_s = 1.0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await child.ended()
            delay_s = 1.0 if loop.time() - began > STEADY_S else delay_s
            name, log = self._text(f"progress.{child.role.name}"), child.role.log
            reason = self._reason(child)
            self._screen.trouble(
                self._text("trouble.child_died", name=name, reason=reason, delay=f"{delay_s:g}", log=log)
            )
            await asyncio.sleep(delay_s)
            delay_s = min(MAX_DELAY_S, 2 * delay_s)
            await child.start()
            if await child.wait_ready():
                self._screen.trouble(self._text("trouble.child_back", name=name))

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_S)
            for child in self._children.values():
                bound_log(child.role.log)

    def _tell_failure(self, child: Child) -> None:
        name = self._text(f"progress.{child.role.name}")
        self._screen.trouble(self._text("trouble.child_failed", name=name, reason=self._reason(child)))
        self._screen.log_end(child.role.log, last_lines(child.role.log))

    def _reason(self, child: Child) -> str:
        code = child.exit_code
        if code is None:
            return self._text("trouble.not_ready", seconds=f"{child.role.ready_s:g}")
        return self._text("trouble.exited", code=code) if code >= 0 else self._text("trouble.killed", signal=-code)

    async def _stop(self) -> None:
        self._stopping.set()
        self._layout.outcome.unlink(missing_ok=True)
        if not self._children:
            return
        self._screen.line(self._text("summary.stopping"))
        for name in STOP_ORDER:
            if child := self._children.get(name):
                await child.stop()
        if self._database is not None:
            self._database.remove_socket_directory()
        self._screen.line(self._text("summary.stopped", data=self._layout.data))
