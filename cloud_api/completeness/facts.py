"""Everything that is known of some series over a window, read from the database and sorted by agent and device."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud_api.completeness.causes import Blame, Gap, Hole, Outage, add_path_gaps, device_holes
from cloud_api.completeness.stretches import Stretch, Stretches, union
from cloud_api.storage.completeness import (
    MaintenanceRow,
    PromiseRow,
    select_agent_devices,
    select_agent_states,
    select_gaps_between,
    select_maintenance_between,
    select_open_epochs,
    select_outages_between,
    select_rejected_between,
)
from cloud_api.storage.instants import FIRST_US, at_us, us_of
from cloud_api.storage.pool import Connection

# An agent that says by its health what waits in its outbox says so every 30 s.
HEALTH_PATIENCE_US = 120_000_000


@dataclass(slots=True)
class Facts:
    """What was read; the methods answer for one series."""

    window: Stretch
    now_us: int
    outages: Sequence[Outage]
    gaps: Mapping[str, Sequence[Gap]]
    devices: Mapping[str, Sequence[str]]
    rejected: Mapping[str, Sequence[tuple[str | None, Stretch]]]
    doubtful: Mapping[str, Stretches]
    offline_since_us: Mapping[str, int]
    maintenance: Sequence[MaintenanceRow]
    _holes: dict[tuple[str, str | None], list[Hole]]

    def holes_of(self, row: PromiseRow) -> list[Hole]:
        """Gaps that were declared for this series; those of its device are worked out once."""
        key = (row.agent, row.device)
        gaps = self.gaps.get(row.agent, ())
        if key not in self._holes:
            devices = self.devices.get(row.agent, ())
            self._holes[key] = device_holes(gaps, row.device, devices, self.outages)
        holes = self._holes[key]
        if any(gap.paths is not None for gap in gaps):
            return add_path_gaps(holes, gaps, row.source_path, self.outages)
        return holes

    def rejected_of(self, row: PromiseRow, interval_us: int) -> Stretches:
        """Where samples of this series were put aside, each of which would have stood for an interval."""
        found = self.rejected.get(row.agent)
        if not found:
            return []
        return union((low, high + interval_us) for path, (low, high) in found if path in {None, row.source_path})

    def planned_of(self, row: PromiseRow) -> Stretches:
        """Maintenance of its device, of an asset above it, or of paths that mean it."""
        if not self.maintenance:
            return []
        planned = (each for each in self.maintenance if _is_meant(each, row))
        return union((us_of(each.from_at), us_of(each.to_at)) for each in planned)

    def doubtful_of(self, row: PromiseRow) -> Stretches:
        """When batches of its agent were made that have not arrived."""
        return self.doubtful.get(row.agent, [])


async def read_facts(connection: Connection, rows: Iterable[PromiseRow], window: Stretch, now_us: int) -> Facts:
    """Read what is known beside the samples themselves."""
    agents = sorted({row.agent for row in rows})
    between = (at_us(window[0]), at_us(window[1]))
    gaps: dict[str, list[Gap]] = {}
    for gap in await select_gaps_between(connection, agents, *between):
        paths = None if gap.paths is None else frozenset(gap.paths)
        gaps.setdefault(gap.agent, []).append(Gap(gap.device, paths, us_of(gap.from_at), us_of(gap.to_at), gap.reason))
    devices: dict[str, list[str]] = {}
    for agent, device in await select_agent_devices(connection, agents):
        devices.setdefault(agent, []).append(device)
    rejected: dict[str, list[tuple[str | None, Stretch]]] = {}
    for row in await select_rejected_between(connection, agents, *between):
        rejected.setdefault(row.agent, []).append((row.path, (us_of(row.first_at), us_of(row.last_at))))
    outages = [
        Outage(Blame(row.part), us_of(row.from_at), None if row.to_at is None else us_of(row.to_at))
        for row in await select_outages_between(connection, *between)
    ]
    doubtful, offline = await _read_agents(connection, agents, between, now_us)
    return Facts(
        window=window,
        now_us=now_us,
        outages=outages,
        gaps=gaps,
        devices=devices,
        rejected=rejected,
        doubtful=doubtful,
        offline_since_us=offline,
        maintenance=await select_maintenance_between(connection, *between),
        _holes={},
    )


async def _read_agents(
    connection: Connection, agents: Sequence[str], between: tuple[datetime, datetime], now_us: int
) -> tuple[dict[str, Stretches], dict[str, int]]:
    """When batches were made that have not arrived, by agent; and since when agents are offline."""
    doubtful: dict[str, list[Stretch]] = {}
    for epoch in await select_open_epochs(connection, agents, *between):
        heard_from = FIRST_US if epoch.heard_from is None else us_of(epoch.heard_from)
        doubtful.setdefault(epoch.agent, []).append((heard_from, us_of(epoch.heard_to)))
    offline: dict[str, int] = {}
    for state in await select_agent_states(connection, agents):
        if state.state == "offline" and state.state_at is not None:
            offline[state.id] = us_of(state.state_at)
        health_us = None if state.health_at is None else us_of(state.health_at)
        if health_us is None:
            continue
        if state.oldest_at is not None and now_us - health_us < HEALTH_PATIENCE_US:
            doubtful.setdefault(state.id, []).append((us_of(datetime.fromisoformat(state.oldest_at)), health_us))
        if state.state == "online" and state.state_at is not None:
            # It is back, and has not said yet what waits from the time before.
            doubtful.setdefault(state.id, []).append((health_us, us_of(state.state_at)))
    return {agent: union(stretches) for agent, stretches in doubtful.items()}, offline


def _is_meant(maintenance: MaintenanceRow, row: PromiseRow) -> bool:
    if maintenance.device is not None:
        return maintenance.device == row.device and maintenance.agent in {None, row.agent}
    if maintenance.asset is not None:
        return row.path.startswith(f"{maintenance.asset}/")
    return maintenance.pattern is not None and re.search(maintenance.pattern, row.path) is not None
