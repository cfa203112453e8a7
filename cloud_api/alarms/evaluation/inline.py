"""Evaluation of single series inside ingest: in the samples' own transaction, settled when that is committed."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from cloud_api.alarms.evaluation.board import Board, Outcome
from cloud_api.alarms.evaluation.plan import Owner
from cloud_api.alarms.evaluation.roster import Roster, state_row
from cloud_api.alarms.evaluation.telling import transitions_of
from cloud_api.alarms.transitions import apply_transitions
from cloud_api.storage.alarm_instances import (
    select_alarm_generation_held,
    select_alarm_latest,
    select_alarm_leader_series,
    select_alarm_references,
    select_alarm_untils,
    upsert_alarm_states,
)
from cloud_api.storage.alarm_leader import insert_alarm_late, select_alarm_sources
from cloud_api.storage.instants import at_us
from cloud_api.storage.ledger import UntilRow
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import SampleRows
from cloud_api.telemetry import Lane

# What is older than this may be behind the leader's cursor, which the clock drives where an agent is silent.
FRESH_US = 5_000_000


class InlineEvaluation:
    """What ingest calls between samples and bookkeeping; one call at a time."""

    def __init__(self) -> None:
        self._roster = Roster(Owner.INGEST)
        self._board: Board | None = None
        # The lanes share what is remembered: one evaluates after the other has committed.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def __call__(
        self, connection: Connection, samples: SampleRows, untils: Sequence[UntilRow], lane: Lane
    ) -> AsyncGenerator[None]:
        """Evaluate a set of samples and write what follows; it is settled when the block is left after COMMIT."""
        async with self._turn:
            try:
                board = await self._current_board(connection)
                now_us = time.time_ns() // 1000
                outcome = board.advance(samples, untils, now_us - FRESH_US, is_late=lane is Lane.BACKLOG)
                await self._write(connection, board, outcome, lane, now_us)
                yield
                board.settle(outcome)
            except BaseException:
                # Whether it was committed only the database knows: everything is read anew.
                self._roster.forget()
                self._board = None
                raise

    async def _current_board(self, connection: Connection) -> Board:
        """Never evaluate by definitions that are older than this transaction."""
        generation = await select_alarm_generation_held(connection)
        if self._board is None or generation != self._roster.generation:
            await self._roster.refresh(connection, generation)
            self._board = await self._make_board(connection)
        return self._board

    async def _make_board(self, connection: Connection) -> Board:
        entries = self._roster.entries.values()
        watched = await select_alarm_sources(connection, await select_alarm_leader_series(connection))
        own = {entry.plan.series_id for entry in entries if entry.plan.series_id is not None}
        latest = await select_alarm_latest(connection, sorted({*own, *watched}))
        board = Board(entries, watched, latest, await select_alarm_untils(connection))
        blocks = board.rate_blocks()
        if blocks:
            found = await select_alarm_references(
                connection, [series_id for _, series_id, _ in blocks], [begins for _, _, begins in blocks]
            )
            for index, series_id, begins in blocks:
                if (series_id, begins) in found:
                    board.set_reference(index, *found[series_id, begins])
        return board

    async def _write(self, connection: Connection, board: Board, outcome: Outcome, lane: Lane, now_us: int) -> None:
        kept = [each for each in outcome.advanced if each.is_to_be_kept]
        rows = [state_row(board.entries[each.place].plan, each.state) for each in kept]
        await upsert_alarm_states(connection, rows)
        told = [
            transition
            for each in outcome.advanced
            for transition in transitions_of(board.entries[each.place].plan, each.changes)
        ]
        if told:
            await apply_transitions(connection, told, at_us(now_us))
        if outcome.late:
            await insert_alarm_late(connection, outcome.late, is_backlog=lane is Lane.BACKLOG)
