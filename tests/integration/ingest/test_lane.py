"""Batches in, rows and acknowledgements out, on both engines."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from cloud_api.telemetry import BatchOutcome, Lane
from schemas.batch import Gap, dictionary_hash
from schemas.sample import Kind
from schemas.status import BAD_COMMUNICATION_ERROR
from tests.integration.ingest.conftest import EPOCH, NOW_US, Rig, batch, column, floats, running_rig

PATH = "hall/press-1/temperature"


async def test_stores_every_kind_exactly(rig: Rig) -> None:
    tags = tuple(f"hall/{kind}" for kind in ("f64", "f32", "i64", "u64", "bool", "str", "json", "none"))
    columns = [
        column(Kind.F64, [0, 0, 0, 0], [NOW_US + n for n in range(4)], [1.25, math.nan, math.inf, -math.inf]),
        column(Kind.F32, [1], [NOW_US], [0.5]),
        column(Kind.I64, [2, 2], [NOW_US, NOW_US + 1], [-(2**63), 2**53]),
        column(Kind.U64, [3, 3], [NOW_US, NOW_US + 1], [2**64 - 1, 7]),
        column(Kind.BOOL, [4, 4], [NOW_US, NOW_US + 1], [True, False]),
        column(Kind.STR, [5, 5], [NOW_US, NOW_US + 1], ["Rezept 配方", ""]),
        column(Kind.JSON, [6], [NOW_US], ['{"a":1}']),
        column(Kind.NONE, [7], [NOW_US], None, [BAD_COMMUNICATION_ERROR]),
    ]
    result = await rig.take(batch(1, columns, tags=tags))
    assert (result.outcome, result.stored) == (BatchOutcome.STORED, 15)
    assert [row[1:3] for row in await rig.samples("hall/f64")] == [
        (1.25, None),
        (None, "NaN"),
        (None, "Infinity"),
        (None, "-Infinity"),
    ]
    assert [row[1:3] for row in await rig.samples("hall/i64")] == [(-(2.0**63), str(-(2**63))), (2.0**53, None)]
    assert [row[1:3] for row in await rig.samples("hall/u64")] == [(2.0**64, str(2**64 - 1)), (7.0, None)]
    assert [row[1] for row in await rig.samples("hall/bool")] == [1.0, 0.0]
    assert [row[1:3] for row in await rig.samples("hall/str")] == [(None, "Rezept 配方"), (None, "")]
    assert [row[2] for row in await rig.samples("hall/json")] == ['{"a":1}']
    assert await rig.samples("hall/none") == [(NOW_US, None, None, BAD_COMMUNICATION_ERROR - 2**32)]
    kinds = dict(await rig.rows("select path, kind from series"))
    assert kinds == {f"hall/{kind}": kind for kind in ("f64", "f32", "i64", "u64", "bool", "str", "json", "none")}


async def test_acknowledges_what_is_committed_and_names_the_dictionary(rig: Rig) -> None:
    await rig.take(floats(1, [1.0]))
    ack = rig.last_ack()
    assert (ack.epoch, ack.through, ack.also, ack.is_resume) == (EPOCH, 1, (), False)
    assert ack.dictionary == dictionary_hash([PATH])
    await rig.take(floats(3, [3.0]))
    assert (rig.last_ack().through, rig.last_ack().also) == (1, ((3, 3),))
    await rig.take(floats(2, [2.0]))
    assert (rig.last_ack().through, rig.last_ack().also) == (3, ())


async def test_a_repeated_batch_changes_nothing_and_is_acknowledged_again(rig: Rig) -> None:
    payload = floats(1, [1.0, 2.0])
    first = await rig.take(payload)
    rig.acks.clear()
    again = await rig.take(payload)
    assert (first.outcome, again.outcome) == (BatchOutcome.STORED, BatchOutcome.REPEATED)
    assert rig.last_ack().through == 1
    assert len(await rig.samples(PATH)) == 2


async def test_a_number_used_twice_is_a_reject(rig: Rig) -> None:
    await rig.take(floats(1, [1.0]))
    result = await rig.take(floats(1, [99.0]))
    assert (result.outcome, result.reason) == (BatchOutcome.REJECTED, "seq_reused")
    assert rig.last_ack().rejected == ((1, "seq_reused"),)
    assert rig.last_ack().through == 1
    assert [row[1] for row in await rig.samples(PATH)] == [1.0]
    assert await rig.rows("select reason, form, seq from reject") == [("seq_reused", "payload", 1)]


async def test_a_dictionary_is_known_once_acknowledged_and_held_before(rig: Rig) -> None:
    named = dictionary_hash([PATH])
    late = batch(1, [column(Kind.F64, [0], [NOW_US], [1.0])], tags=None, dictionary=named)
    held = await rig.take(late)
    assert (held.outcome, held.reason) == (BatchOutcome.HELD, "dict_unknown")
    assert rig.last_ack().hold == ((1, "dict_unknown"),)
    assert rig.last_ack().through == 0
    await rig.take(floats(1, [1.0]))
    rig.state.forget()
    result = await rig.take(batch(2, [column(Kind.F64, [0], [NOW_US + 5], [2.0])], tags=None, dictionary=named))
    assert result.outcome is BatchOutcome.STORED
    assert [row[1] for row in await rig.samples(PATH)] == [1.0, 2.0]


async def test_the_later_of_two_batches_in_one_transaction_wins(rig: Rig) -> None:
    first = batch(1, [column(Kind.F64, [0], [NOW_US], [1.0])])
    second = batch(2, [column(Kind.F64, [0], [NOW_US], [2.0])])
    await asyncio.gather(rig.offer(first), rig.offer(second))
    assert [row[1] for row in await rig.samples(PATH)] == [2.0]


async def test_a_second_sample_replaces_the_first_only_if_it_differs(rig: Rig) -> None:
    first = await rig.take(batch(1, [column(Kind.F64, [0, 0], [NOW_US, NOW_US + 1], [1.0, 2.0])]))
    second = await rig.take(batch(2, [column(Kind.F64, [0, 0, 0], [NOW_US, NOW_US + 1, NOW_US + 2], [1.0, 9.0, 3.0])]))
    assert (first.stored, first.overwritten, first.unchanged) == (2, 0, 0)
    assert (second.stored, second.overwritten, second.unchanged) == (1, 1, 1)
    assert [row[1] for row in await rig.samples(PATH)] == [1.0, 9.0, 3.0]


async def test_latest_follows_source_time_not_arrival(rig: Rig) -> None:
    await rig.take(batch(1, [column(Kind.F64, [0], [NOW_US], [5.0])]))
    await rig.take(batch(2, [column(Kind.F64, [0], [NOW_US - 60_000_000], [4.0])]))
    assert await rig.rows("select value from latest") == [(5.0,)]
    await rig.take(batch(3, [column(Kind.F64, [0], [NOW_US + 1], [6.0])]))
    assert await rig.rows("select value from latest") == [(6.0,)]


async def test_gaps_are_booked_once_and_their_batches_are_lost(rig: Rig) -> None:
    gap = Gap(NOW_US - 10, NOW_US, "outbox_full", device="press-1", batches=(EPOCH, 1, 4))
    await rig.take(batch(5, gaps=(gap,), tags=None))
    await rig.take(batch(6, gaps=(gap,), tags=None))
    assert await rig.rows("select device, reason, batches::text from gap") == [("press-1", "outbox_full", "[1,5)")]
    assert await rig.rows("select lost::text, stored::text from ledger") == [("{[1,5)}", "{[5,7)}")]
    assert rig.last_ack().through == 6
    await rig.take(floats(2, [1.0]))
    assert await rig.rows("select lost::text, stored::text from ledger") == [("{[1,2),[3,5)}", "{[2,3),[5,7)}")]


async def test_a_gap_over_batches_that_did_arrive_is_none(rig: Rig) -> None:
    await rig.take(floats(1, [1.0]))
    gap = Gap(NOW_US - 10, NOW_US, "outbox_full", device="press-1", batches=(EPOCH, 1, 1))
    await rig.take(batch(2, gaps=(gap,), tags=None))
    assert await rig.rows("select count(*) from gap") == [(0,)]
    assert await rig.rows("select lost::text from ledger") == [("{}",)]


async def test_until_advances_with_live_batches_only(rig: Rig) -> None:
    query = "select device, (extract(epoch from until_at) * 1000000)::bigint from agent_until"
    await rig.take(batch(1, tags=None, until={"press-1": NOW_US}))
    await rig.take(batch(2, tags=None, until={"press-1": NOW_US - 5}))
    await rig.take(batch(3, tags=None, until={"press-1": NOW_US + 9}), lane=Lane.BACKLOG)
    await rig.take(batch(4, tags=None, until={"press-1": NOW_US + 3_600_000_000}))
    assert await rig.rows(query) == [("press-1", NOW_US)]


async def test_old_rows_of_a_live_batch_go_by_the_backlog_lane(rig: Rig) -> None:
    month_us = 30 * 86_400_000_000
    payload = batch(1, [column(Kind.F64, [0, 0], [NOW_US - month_us, NOW_US], [1.0, 2.0])])
    assert await rig.offer(payload) is None, "the broker is told at once"
    later = await rig.take(floats(2, [3.0]))
    assert later.outcome is BatchOutcome.STORED
    while rig.last_ack().through < 2:
        await asyncio.sleep(0.01)
    assert [row[1] for row in await rig.samples(PATH)] == [1.0, 3.0, 2.0]


async def test_rows_over_very_many_days_are_stored_whole(rig: Rig) -> None:
    days = 150
    times = [NOW_US - day * 86_400_000_000 for day in range(days)]
    await rig.take(
        batch(1, [column(Kind.F64, [0] * days, times, [float(day) for day in range(days)])]), lane=Lane.BACKLOG
    )
    assert [row[1] for row in await rig.samples(PATH)] == [float(day) for day in reversed(range(days))]


async def test_other_tags_of_other_agents_never_mix(rig: Rig) -> None:
    await rig.take(floats(1, [1.0]))
    result = await rig.take(floats(1, [2.0], agent="gw-2"), agent="gw-2")
    assert [(group.path, group.reason, group.count) for group in result.rejected] == [(PATH, "foreign_series", 1)]
    assert [row[1] for row in await rig.samples(PATH)] == [1.0]
    assert rig.last_ack("gw-2").through == 1


async def test_a_fault_of_our_own_is_no_reject(engine_url: str) -> None:
    is_broken = True

    @asynccontextmanager
    async def evaluate(*_: object) -> AsyncGenerator[None]:
        if is_broken:
            raise ZeroDivisionError("a bug in the evaluation")
        yield

    async with running_rig(engine_url, evaluate=evaluate) as rig:
        assert await asyncio.wait_for(rig.offer(floats(1, [1.0])), 60) is None
        assert rig.last_ack().hold == ((1, "storage_failed"),)
        assert await rig.rows("select (select count(*) from reject), (select count(*) from ledger)") == [(0, 0)]
        is_broken = False
        assert (await rig.take(floats(1, [1.0]))).outcome is BatchOutcome.STORED
        assert rig.last_ack().through == 1


async def test_the_hook_sees_the_rows_in_the_same_transaction(engine_url: str) -> None:
    seen: list[tuple[int, list[float], int]] = []

    @asynccontextmanager
    async def evaluate(connection: Any, samples: Any, untils: Any, lane: Lane) -> AsyncGenerator[None]:
        cursor = await connection.execute("select count(*) from sample")
        (count,) = await cursor.fetchone()
        seen.append((count, samples.values.tolist(), len(untils)))
        if len(seen) == 1:
            raise ConnectionResetError("the first attempt is lost")
        yield

    async with running_rig(engine_url, evaluate=evaluate) as rig:
        await rig.take(floats(1, [1.0, 2.0], until={"press-1": NOW_US}))
    assert seen == [(2, [1.0, 2.0], 1), (2, [1.0, 2.0], 1)]
