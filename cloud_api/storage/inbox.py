"""The inbox of rejects: groups, what a selection means, rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class RejectGroupRow:
    """Open rejects of one agent, path and reason."""

    agent: str | None
    path: str | None
    reason: str
    form: str
    rejects: int
    samples: int
    payload_bytes: int
    first_at: datetime | None
    last_at: datetime | None
    newest_id: int


@dataclass(frozen=True, slots=True)
class RejectSelection:
    """Which open rejects are meant; None means any."""

    ids: Sequence[int] | None = None
    agent: str | None = None
    path: str | None = None
    reason: str | None = None

    def parameters(self) -> dict[str, Any]:
        """As the statements bind them."""
        ids = None if self.ids is None else list(self.ids)
        return {"ids": ids, "agent": self.agent, "path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class OpenReject:
    """One reject that was not replayed."""

    id: int
    agent: str | None
    path: str | None
    reason: str
    form: str
    sample_count: int


@dataclass(frozen=True, slots=True)
class RejectRuleRow:
    """A remembered mapping, as JSON."""

    id: int
    agent: str
    path: str
    reason: str
    mapping: str
    applied: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DueReject:
    """An open reject and the rule that means it."""

    id: int
    rule_id: int
    mapping: str


async def select_reject_groups(connection: Connection, selection: RejectSelection, limit: int) -> list[RejectGroupRow]:
    """Read the largest groups."""
    async with connection.cursor(row_factory=class_row(RejectGroupRow)) as cursor:
        await cursor.execute(statement("select_reject_groups"), selection.parameters() | {"limit": limit})
        return await cursor.fetchall()


async def select_open_rejects(
    connection: Connection, selection: RejectSelection, after_id: int, limit: int
) -> list[OpenReject]:
    """Read what a selection means, oldest first, without payloads."""
    parameters = selection.parameters() | {"after_id": after_id, "limit": limit}
    async with connection.cursor(row_factory=class_row(OpenReject)) as cursor:
        await cursor.execute(statement("select_open_rejects"), parameters)
        return await cursor.fetchall()


async def select_open_reject_sums(connection: Connection, selection: RejectSelection) -> tuple[int, int]:
    """How many rejects a selection means, and how many samples they hold."""
    cursor = await connection.execute(statement("select_open_reject_sums"), selection.parameters())
    row = await cursor.fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def select_open_reject_counts(connection: Connection) -> list[tuple[str, int, int]]:
    """Open rejects and their samples by reason."""
    cursor = await connection.execute(statement("select_open_reject_counts"))
    return [(row[0], int(row[1]), int(row[2])) for row in await cursor.fetchall()]


async def upsert_reject_rule(connection: Connection, selection: RejectSelection, mapping: str, principal: str) -> int:
    """Remember a mapping for an agent, path and reason; one that was there is replaced."""
    parameters = selection.parameters() | {"mapping": mapping, "principal": principal}
    row = await (await connection.execute(statement("upsert_reject_rule"), parameters)).fetchone()
    return 0 if row is None else int(row[0])


async def select_reject_rules(connection: Connection) -> list[RejectRuleRow]:
    """Read all rules."""
    async with connection.cursor(row_factory=class_row(RejectRuleRow)) as cursor:
        await cursor.execute(statement("select_reject_rules"))
        return await cursor.fetchall()


async def delete_reject_rule(connection: Connection, rule_id: int) -> tuple[str, str, str] | None:
    """Forget a rule; its agent, path and reason, or None when there is none."""
    cursor = await connection.execute(statement("delete_reject_rule"), {"rule_id": rule_id})
    row = await cursor.fetchone()
    return None if row is None else (row[0], row[1], row[2])


async def select_due_rejects(connection: Connection, after_id: int, limit: int) -> list[DueReject]:
    """Read open rejects that rules mean, from the one after `after_id`."""
    async with connection.cursor(row_factory=class_row(DueReject)) as cursor:
        await cursor.execute(statement("select_due_rejects"), {"after_id": after_id, "limit": limit})
        return await cursor.fetchall()


async def update_reject_rule_applied(connection: Connection, rule_id: int, count: int) -> None:
    """Count what a rule has replayed."""
    await connection.execute(statement("update_reject_rule_applied"), {"rule_id": rule_id, "count": count})
