"""Previews and replays of many rejects, one after the other, each committed or left as it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cloud_api.ingest.inbox.models import ReplayRequest
from cloud_api.ingest.mapping import Mapping, MappingInvalid
from cloud_api.ingest.rejects import KeptSamples
from cloud_api.ingest.results import BatchResult, RejectMissing, RejectReplayed
from cloud_api.ingest.router import Doors
from cloud_api.instants import format_us
from cloud_api.problems import Problem, body_invalid
from cloud_api.storage.inbox import OpenReject, RejectSelection
from cloud_api.storage.pool import Connection
from cloud_api.storage.rejects import RejectForm, select_reject_payload
from cloud_api.telemetry import BatchOutcome

MAX_FAILURES = 100


@dataclass(slots=True)
class Report:
    """What became of many replays."""

    tried: int = 0
    replayed: int = 0
    stored: int = 0
    unchanged: int = 0
    overwritten: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def add(self, result: BatchResult, reject_id: int) -> None:
        """Count one."""
        self.tried += 1
        self.stored += result.stored
        self.unchanged += result.unchanged
        self.overwritten += result.overwritten
        if result.outcome is BatchOutcome.STORED and not result.rejected:
            self.replayed += 1
            return
        reasons = {each.reason for each in result.rejected} or {result.detail or result.reason or result.outcome}
        self.fail(reject_id, ", ".join(sorted(map(str, reasons))))

    def fail(self, reject_id: int, detail: str) -> None:
        """Note one that stays."""
        if len(self.failures) < MAX_FAILURES:
            self.failures.append((reject_id, detail))


async def preview(
    connection: Connection, rejects: Sequence[OpenReject], mapping: Mapping, count: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """The first samples of a selection before and after, and what cannot be mapped."""
    shown: list[dict[str, Any]] = []
    problems: list[str] = []
    for reject in rejects:
        stored = await select_reject_payload(connection, reject.id)
        if stored is None or stored.form is not RejectForm.SAMPLES:
            problems.append(f"reject {reject.id} is a whole payload; it has no samples that could be mapped")
            continue
        kept = msgspec.msgpack.decode(stored.payload, type=KeptSamples)
        try:
            mapped = mapping.applied(kept)
        except MappingInvalid as error:
            problems.append(f"reject {reject.id}: {error}")
            continue
        columns = (kept.times_us, kept.statuses, kept.values or [None] * len(kept.times_us), mapped.values)
        for time_us, status, before, after in zip(*columns, strict=False):
            if len(shown) < count:
                path = mapping.path or reject.path or ""
                sample = {"reject_id": reject.id, "path": path, "time": format_us(time_us), "status": status}
                shown.append(sample | {"before": before, "after": after})
    return shown, problems


async def replay(doors: Doors, rejects: Sequence[OpenReject], mapping: Mapping, principal: str) -> Report:
    """Try each again; what cannot be stored stays and says why."""
    report = Report()
    for reject in rejects:
        try:
            report.add(await doors.replay_reject(reject.id, principal, mapping), reject.id)
        except MappingInvalid as error:
            report.tried += 1
            report.fail(reject.id, str(error))
        except (RejectMissing, RejectReplayed):
            continue
    return report


def selection_of(request: ReplayRequest) -> RejectSelection:
    """The selection of a request as storage takes it."""
    select = request.select
    return RejectSelection(select.ids, select.agent, select.path, select.reason)


def rule_problem(request: ReplayRequest) -> Problem | None:
    """Why a request cannot be remembered as a rule; None when it can."""
    select = request.select
    if select.agent is None or select.path is None or select.reason is None:
        allowed = "`select` with agent, path and reason"
        return body_invalid("remember", request.remember, "asks for a rule that would mean anything", allowed)
    if request.mapping.mapping().is_empty:
        return body_invalid("mapping", None, "is empty, and a rule needs one", "path, kind, scale or offset")
    return None
