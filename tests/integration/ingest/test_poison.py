"""What nobody should send: never a crash, never a blocked lane, every good sample stored, on both engines."""

import asyncio
import random
from typing import Any
from uuid import UUID

import msgspec
import zstandard

from cloud_api.ingest.lane import LaneLimits
from cloud_api.ingest.results import BatchResult
from cloud_api.telemetry import BatchOutcome
from schemas.batch import HEADER_BYTES, Batch, encode_json
from schemas.framing import join_header
from schemas.sample import Kind
from tests.integration.ingest.conftest import EPOCH, NOW_US, Rig, batch, column, floats, running_rig

PATH = "hall/press-1/temperature"


def body_of(payload: bytes) -> bytes:
    """The plain MessagePack of a binary batch."""
    frame = payload[HEADER_BYTES:]
    return zstandard.ZstdDecompressor().decompress(frame) if payload[3] & 1 else frame


def zip_bomb() -> bytes:
    """A small frame that claims nothing and would become 2 GiB."""
    compressor = zstandard.ZstdCompressor(level=19, write_content_size=False).compressobj()
    chunk = bytes(8 * 1024 * 1024)
    frame = b"".join([compressor.compress(chunk) for _ in range(256)]) + compressor.flush()
    return join_header(1, EPOCH, 1, frame)


def flipped(payload: bytes, position: int) -> bytes:
    """The payload with one bit turned."""
    return payload[:position] + bytes([payload[position] ^ 0x10]) + payload[position + 1 :]


GOOD = floats(1, [1.0, 2.0, 3.0] * 200)
BODIES = {
    "flipped bit": (flipped(GOOD, len(GOOD) - 20), "crc_mismatch"),
    "cut off": (GOOD[:-30], "length_mismatch"),
    "truncated frame": (join_header(1, EPOCH, 1, GOOD[HEADER_BYTES:-30]), "frame_invalid"),
    "no map": (join_header(0, EPOCH, 1, msgspec.msgpack.encode([1, 2])), "body_malformed"),
    "nothing": (join_header(0, EPOCH, 1, b""), "body_malformed"),
    "zip bomb": (zip_bomb(), "frame_invalid"),
    "10 MB": (join_header(0, EPOCH, 1, random.Random(7).randbytes(10_000_000)), "wire_too_large"),
    "wild index": (
        join_header(0, EPOCH, 1, body_of(GOOD).replace(msgspec.msgpack.encode([PATH]), msgspec.msgpack.encode([]))),
        "tag_index_unknown",
    ),
}


async def test_a_body_that_cannot_be_read_is_kept_and_acknowledged_as_rejected(rig: Rig) -> None:
    for number, (payload, reason) in enumerate(BODIES.values()):
        epoch = bytes([number]) * 16
        bad = payload[:4] + epoch + payload[20:]
        results = await both(rig, bad, floats(2 + number, [float(number)], epoch=epoch))
        assert (results[0].outcome, results[0].reason) == (BatchOutcome.REJECTED, reason)
        assert results[1].outcome is BatchOutcome.STORED
        assert [pair for _, ack in rig.acks if ack.epoch == epoch for pair in ack.rejected] == [(1, reason)]
        ((kept, size),) = await rig.rows(
            "select payload, payload_bytes from reject where epoch = %s", UUID(bytes=epoch)
        )
        assert bad.startswith(kept)
        assert len(kept) == size <= 256 * 1024
    assert [row[1] for row in await rig.samples(PATH)] == [float(number) for number in range(len(BODIES))]


HEADLESS = (
    b"",
    b"rubbish",
    b"MS1",
    b"MS2" + bytes(40),
    b"{",
    b"{}",
    b"[1]",
    random.Random(1).randbytes(3000),
    bytes(10_000_000),
)


async def test_what_has_no_header_is_kept_without_an_answer(rig: Rig) -> None:
    for payload in HEADLESS:
        result = await rig.take(payload)
        assert result.outcome is BatchOutcome.UNREADABLE
    assert rig.acks == []
    assert await rig.rows("select count(*) from reject") == [(len(HEADLESS),)]
    assert (await rig.take(floats(1, [1.0]))).outcome is BatchOutcome.STORED


async def test_the_same_rubbish_again_is_only_counted(rig: Rig) -> None:
    for _ in range(5):
        await rig.take(b"rubbish")
    assert await rig.rows("select count(*), max(occurrences) from reject") == [(1, 5)]


async def test_a_batch_of_another_agent_is_rejected(rig: Rig) -> None:
    result = await rig.take(floats(1, [1.0], agent="gw-2"), agent="gw-1")
    assert (result.outcome, result.reason) == (BatchOutcome.REJECTED, "wrong_agent")
    assert rig.last_ack("gw-1").rejected == ((1, "wrong_agent"),)
    assert await rig.rows("select agent, rejected::text from ledger") == [("gw-1", "{[1,2)}")]
    assert await rig.rows("select count(*) from series") == [(0,)]


async def test_a_later_version_is_held(rig: Rig) -> None:
    later = join_header(0, EPOCH, 1, msgspec.msgpack.encode({"v": 2}))
    result = await rig.take(later)
    assert (result.outcome, result.reason) == (BatchOutcome.HELD, "version_unknown")
    assert rig.last_ack().hold == ((1, "version_unknown"),)
    assert await rig.rows("select count(*) from reject") == [(0,)]


async def test_single_samples_are_put_aside_with_their_reasons(rig: Rig) -> None:
    tags = ("hall/a", "hall/b", "hall/bad*path", "hall/text")
    future, past = NOW_US + 3_600_000_000, 600_000_000_000_000
    columns = [
        column(Kind.F64, [0, 0, 0, 1, 2], [NOW_US, future, past, NOW_US, NOW_US], [1.0, 2.0, 3.0, 4.0, 5.0]),
        column(Kind.STR, [3, 3], [NOW_US, NOW_US + 1], ["good", "with\0nul"]),
    ]
    result = await rig.take(batch(1, columns, tags=tags))
    assert result.outcome is BatchOutcome.STORED
    assert result.stored == 3
    assert sorted((group.path, group.reason, group.count) for group in result.rejected) == [
        ("hall/a", "time_in_future", 1),
        ("hall/a", "time_too_old", 1),
        ("hall/bad*path", "path_invalid", 1),
        ("hall/text", "text_invalid", 1),
    ]
    assert rig.last_ack().through == 1
    assert rig.last_ack().rejected == ()
    found = await rig.rows("select path, reason, sample_count, form from reject order by path, reason")
    assert found == [
        ("hall/a", "time_in_future", 1, "samples"),
        ("hall/a", "time_too_old", 1, "samples"),
        ("hall/bad*path", "path_invalid", 1, "samples"),
        ("hall/text", "text_invalid", 1, "samples"),
    ]
    assert [row[2] for row in await rig.samples("hall/text")] == ["good"]


async def test_a_text_above_the_limit_is_put_aside_alone(rig: Rig) -> None:
    body = msgspec.msgpack.decode(body_of(batch(1, [column(Kind.STR, [0, 0], [NOW_US, NOW_US + 1], ["good", "X"])])))
    body["cols"][0]["x"][1] = "x" * 70_000
    frame = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(body))
    result = await rig.take(join_header(1, EPOCH, 1, frame))
    assert [(group.reason, group.count) for group in result.rejected] == [("text_too_large", 1)]
    assert [row[2] for row in await rig.samples(PATH)] == ["good"]


KIND_STEPS: list[tuple[Kind, list[Any], int, str]] = [
    (Kind.BOOL, [True], 0, "bool"),
    (Kind.I64, [5], 0, "i64"),
    (Kind.U64, [6, 2**63], 1, "i64"),
    (Kind.STR, ["text"], 1, "i64"),
    (Kind.F32, [0.5], 0, "f64"),
    (Kind.I64, [2**53 + 1, 7], 1, "f64"),
    (Kind.NONE, [None], 0, "f64"),
    (Kind.BOOL, [True], 0, "f64"),
    (Kind.JSON, ["{}"], 1, "f64"),
]


async def test_kinds_widen_while_no_digit_is_lost_and_contradict_otherwise(rig: Rig) -> None:
    for seq, (kind, values, contradictions, series_kind) in enumerate(KIND_STEPS, start=1):
        times = [NOW_US + 10 * seq + at for at in range(len(values))]
        data = column(kind, [0] * len(values), times, None if kind is Kind.NONE else values)
        result = await rig.take(batch(seq, [data]))
        assert sum(group.count for group in result.rejected) == contradictions, (seq, kind)
        assert {group.reason for group in result.rejected} <= {"kind_contradiction"}
        assert await rig.rows("select kind from series") == [(series_kind,)]
    assert rig.last_ack().through == len(KIND_STEPS)


async def test_one_batch_that_the_database_refuses_does_not_harm_a_hundred_good_ones(rig: Rig) -> None:
    await rig.take(floats(1, [0.0]))
    await refuse_in_database(rig, "-12345.5")
    payloads = [floats(seq, [float(seq), -12345.5 if seq == 57 else 1.0]) for seq in range(2, 103)]
    results = await both(rig, *payloads)
    outcomes = [result.outcome for result in results]
    assert outcomes.count(BatchOutcome.STORED) == 100
    assert results[55].outcome is BatchOutcome.REJECTED
    assert results[55].reason == "storage_refused"
    assert rig.last_ack().through == 102
    assert dict(ack_rejects(rig)) == {57: "storage_refused"}
    assert await rig.rows("select seq, reason, form from reject") == [(57, "storage_refused", "payload")]
    assert len(await rig.samples(PATH)) == 201
    assert await rig.rows("select stored::text, rejected::text from ledger") == [("{[1,57),[58,103)}", "{[57,58)}")]


async def test_at_the_cap_batches_are_held_not_acknowledged_away(engine_url: str) -> None:
    async with running_rig(engine_url, reject_max_bytes=2_000) as rig:
        bad = [flipped(floats(seq, [1.0] * 300), 60) for seq in range(1, 40)]
        results = [await rig.take(payload) for payload in bad]
        assert results[0].outcome is BatchOutcome.REJECTED
        assert (results[-1].outcome, results[-1].reason) == (BatchOutcome.HELD, "rejects_full")
        assert rig.last_ack().hold == ((39, "rejects_full"),)
        # A batch with bad samples is held too, because they could not be kept; good ones go on.
        times = [NOW_US, *(NOW_US + 3_600_000_000 + at for at in range(300))]
        late = column(Kind.F64, [0] * 301, times, [float(at) for at in range(301)])
        assert (await rig.take(batch(41, [late]))).outcome is BatchOutcome.HELD
        assert (await rig.take(floats(42, [5.0]))).outcome is BatchOutcome.STORED
        assert len(await rig.samples(PATH)) == 1


async def test_the_json_form_is_the_same_batch(rig: Rig) -> None:
    data = column(Kind.F64, [0, 0], [NOW_US, NOW_US + 1], [1.5, float("nan")])
    payload = encode_json(Batch("gw-1", EPOCH, 1, NOW_US, tags=(PATH,), columns=(data,)))
    assert (await rig.take(payload)).stored == 2
    assert [row[1:3] for row in await rig.samples(PATH)] == [(1.5, None), (None, "NaN")]


async def test_a_lane_takes_no_more_than_its_memory(engine_url: str) -> None:
    limits = LaneLimits(waiting_bytes=50_000, waiting_batches=20)
    async with running_rig(engine_url, limits=limits) as rig:
        payloads = [floats(seq, [1.0] * 50) for seq in range(1, 200)]
        taken = 0
        # Nothing is awaited in between, so the lane cannot run.
        for payload in payloads:
            try:
                rig.offer(payload)
            except AssertionError:
                break
            taken += 1
        assert taken <= 21, "above its bound the lane refuses, and the door tells the broker but not the agent"
        await asyncio.sleep(0)
        while len(rig.settled) < taken:
            await asyncio.sleep(0.01)
        assert rig.last_ack().through == taken


async def both(rig: Rig, *payloads: bytes) -> list[BatchResult]:
    """Hand several in at once, so that they are coalesced."""
    results = await asyncio.wait_for(asyncio.gather(*(rig.offer(payload) for payload in payloads)), 60)
    return [result for result in results if result is not None]


def ack_rejects(rig: Rig) -> list[tuple[int, str]]:
    """All rejections that were told."""
    return [pair for _, ack in rig.acks for pair in ack.rejected]


async def refuse_in_database(rig: Rig, value: str) -> None:
    """Let the database itself refuse one value, as a constraint or a trigger of the plant would."""
    async with rig.pool.connection() as connection:
        await connection.execute(
            f"create function refuse() returns trigger language plpgsql as $$ begin if new.value = {value} then"
            " raise exception 'this value is refused'; end if; return new; end $$".encode()
        )
        await connection.execute(
            b"create trigger refuse before insert on sample for each row execute function refuse()"
        )
