"""GET /stream: live samples to many readers, resumed from what is stored without hole or double."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cloud_api.query.live import MOST_BEHIND
from cloud_api.query.positions import Position, read_position
from tests.integration.api.live_readers import Event, begun, reader_of, streams
from tests.integration.api.service import GOOD, Api


class Moment:
    """When the samples of a test begin: minutes ago, however long the tests before it took."""

    at = datetime.now(UTC)


@pytest.fixture(autouse=True)
def moment() -> None:
    Moment.at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


def second(number: float) -> datetime:
    return Moment.at + timedelta(seconds=number)


async def test_every_new_sample_comes_once_and_only_what_was_asked_for(api: Api):
    first, second_id = await api.fill.series("s/a"), await api.fill.series("t/b")
    await api.fill.samples(first, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made, "s/*")
        await begun(reader)
        assert reader.values == []
        await api.fill.samples(first, [(second(1), 1.0, None, GOOD), (second(2), 2.0, None, GOOD)])
        await api.fill.samples(second_id, [(second(1), 9.0, None, GOOD)])
        await api.fill.samples(first, [(second(3), 3.0, None, GOOD)])
        await reader.until(3)
        assert reader.values == [("s/a", 1.0), ("s/a", 2.0), ("s/a", 3.0)]
        await reader.close()


async def test_a_reader_resumes_without_hole_or_double_at_another_process(api: Api):
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made)
        await begun(reader)
        await api.fill.samples(series_id, [(second(1), 1.0, None, GOOD)])
        await reader.until(1)
        await reader.close()
    await api.fill.samples(series_id, [(second(2), 2.0, None, GOOD), (second(3), 3.0, None, GOOD)])
    async with streams(api) as made:
        again = reader_of(made, seen=read_position(reader.last_id))
        await again.until(2)
        await api.fill.samples(series_id, [(second(4), 4.0, None, GOOD)])
        await again.until(3)
        assert [value for _, value in again.values] == [2.0, 3.0, 4.0]
        assert again.last_id != reader.last_id
        await again.close()


async def test_a_transaction_that_commits_late_is_not_missed(postgres_api: Api):
    import psycopg

    api = postgres_api
    slow, quick = await api.fill.series("s/slow"), await api.fill.series("s/quick")
    for series_id in (slow, quick):
        await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made)
        await begun(reader)
        async with await psycopg.AsyncConnection.connect(api.fill.url) as connection:
            await connection.execute(
                "insert into sample (series_id, time, value, status) values (%s, %s, 1, 0)", (slow, second(1))
            )
            await connection.execute("update latest set time = %s where series_id = %s", (second(1), slow))
            await api.fill.samples(quick, [(second(5), 5.0, None, GOOD)])
            await reader.until(1)
            assert reader.values == [("s/quick", 5.0)]
            # Resumed between the two commits: what was open then is still to come, what was seen does not come again.
            resumed = reader_of(made, seen=read_position(reader.last_id))
            await begun(resumed)
            await connection.commit()
        for each in (reader, resumed):
            await each.until(2 if each is reader else 1)
            assert each.values[-1] == ("s/slow", 1.0)
            await each.close()
        late = reader_of(made, seen=read_position(reader.last_id))
        await begun(late)
        assert late.values == []
        await late.close()


async def test_a_slow_reader_gets_the_last_of_each_and_is_told(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        slow, quick = reader_of(made), reader_of(made)
        await begun(slow)
        await begun(quick)
        for number in range(1, MOST_BEHIND + 4):
            await api.fill.samples(series_id, [(second(number), float(number), None, GOOD)])
            await quick.until(number)
        events = await slow.one()
        assert [value for _, value in slow.values] == [float(MOST_BEHIND + 3)]
        assert [data["skipped"] for name, _, data in events if name == "samples"] == [True]
        assert len(quick.values) == MOST_BEHIND + 3
        await slow.close()
        await quick.close()


async def test_who_was_away_too_long_is_told_what_to_ask_the_history_for(postgres_api: Api):
    async with streams(postgres_api) as made:
        reader = reader_of(made, seen=Position("100:100:", 1_000_000))
        told: list[Event] = []
        while not told:
            told = await reader.one()
        assert told[0][0] == "missed"
        assert told[0][2]["from"] == "1970-01-01T00:00:01.000000Z"
        await reader.close()


async def test_a_reader_of_a_glob_follows_new_renamed_and_retired_series(postgres_api: Api):
    api = postgres_api
    first, other = await api.fill.series("s/a"), await api.fill.series("t/b")
    for series_id in (first, other):
        await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    async with streams(api) as made:
        reader = reader_of(made, "s/*")
        await begun(reader)
        new = await api.fill.series("s/new")
        await api.fill.samples(new, [(second(1), 1.0, None, GOOD)])
        await reader.until(1)
        for series_id, path in ((first, "t/gone"), (other, "s/come")):
            answer = await api.client.patch(f"/api/v1/series/{series_id}", json={"path": path})
            assert answer.status_code == 200, answer.text
        for series_id in (first, other):
            await api.fill.samples(series_id, [(second(2), 2.0, None, GOOD)])
        await reader.until(2)
        await api.client.delete(f"/api/v1/series/{other}")
        for series_id in (other, first, new):
            await api.fill.samples(series_id, [(second(3), 3.0, None, GOOD)])
        await reader.until(3)
        assert reader.values == [("s/new", 1.0), ("s/come", 2.0), ("s/new", 3.0)]
        await reader.close()


async def test_a_reader_who_begins_after_a_long_rest_is_not_flooded(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api, stale_s=0.0) as made:
        before = reader_of(made)
        await begun(before)
        await api.fill.samples(series_id, [(second(number), float(number), None, GOOD) for number in range(1, 50)])
        reader = reader_of(made)
        await begun(reader)
        # Who was there before has missed nothing.
        await before.until(49)
        assert [value for _, value in before.values] == [float(number) for number in range(1, 50)]
        assert reader.values == []
        await before.close()
        await reader.close()


async def test_who_has_missed_more_than_a_stream_is_for_is_sent_to_the_history(
    postgres_api: Api, monkeypatch: pytest.MonkeyPatch
):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    monkeypatch.setattr("cloud_api.query.live.MOST_ROWS", 5)
    async with streams(api) as made:
        reader = reader_of(made)
        await begun(reader)
        await reader.close()
        await api.fill.samples(series_id, [(second(number), float(number), None, GOOD) for number in range(1, 8)])
    async with streams(api) as made:
        again = reader_of(made, seen=read_position(reader.last_id))
        told: list[Event] = []
        while not told:
            told = await again.one()
        assert [name for name, _, _ in told] == ["missed"]
        await again.close()


async def test_hundreds_of_readers_share_one_look(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        readers = [reader_of(made) for _ in range(300)]
        await asyncio.gather(*(begun(reader) for reader in readers))
        for number in range(1, 4):
            await api.fill.samples(series_id, [(second(number), float(number), None, GOOD)])
            await asyncio.gather(*(reader.until(number) for reader in readers))
        assert all([value for _, value in reader.values] == [1.0, 2.0, 3.0] for reader in readers)
        for reader in readers:
            await reader.close()


@pytest.mark.parametrize("text", ["x", "1:2@3", "1:2:@", "1:2:3@-1", "1:2:3;drop@4"])
async def test_ids_of_others_are_refused(postgres_api: Api, text: str):
    problem = await postgres_api.refused("GET", "/stream", params={"path": "**"}, headers={"Last-Event-ID": text})
    assert (problem["status"], problem["field"]) == (400, "Last-Event-ID")
