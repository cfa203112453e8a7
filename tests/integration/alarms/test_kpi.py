"""GET /alarms/kpi over journals that the life cycle wrote, on both engines."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from cloud_api.alarms.transitions import AlarmRules
from cloud_api.storage.pool import open_pool
from tests.integration.alarms.plant import CLEAR, LEVEL, RAISE, SUPPRESS, UNSUPPRESS, apply, at, transition
from tests.integration.api.service import Api, serve_api

HALL = AlarmRules(name="hall", alarm_class="process", position="hall")
OFFICE = AlarmRules(name="office", alarm_class="process", position="office")


@pytest.fixture
async def api(engine_url: str):
    async with serve_api(engine_url) as served:
        yield served


async def journal(api: Api, *transitions: Any) -> None:
    """Apply transitions, then seal what they wrote."""
    pool = await open_pool(api.fill.url, 1)
    await apply(pool, *transitions)
    await pool.close()
    await seal(api)


async def seal(api: Api) -> None:
    await api.fill.run(
        "update alarm_journal j set number = s.number, hash = '\\x00' from"
        " (select id, row_number() over (order by id) + (select count(*) from alarm_journal where number is not null)"
        " as number from alarm_journal where number is null) s where s.id = j.id"
    )


def figure(answer: dict[str, Any], position: str | None, kpi: str) -> tuple[Any, str]:
    (block,) = [block for block in answer["positions"] if block["position"] == position]
    (row,) = [row for row in block["kpis"] if row["kpi"] == kpi]
    return row["value"], row["verdict"]


async def test_each_position_has_its_own_figures(api: Api):
    switch = [
        transition(RAISE if n % 2 == 0 else CLEAR, 100 + 4 * n, "hall/a", rules=HALL, priority="low") for n in range(6)
    ]
    await journal(
        api,
        *switch,
        transition(RAISE, 10, "office/a", rules=OFFICE, priority="high"),
        transition(RAISE, 11, "office/late", rules=OFFICE, is_late=True),
    )
    answer = await api.get("/alarms/kpi", **{"from": "2026-01-31T08:00:00Z", "to": "2026-02-02T08:00:00Z"})
    assert [block["position"] for block in answer["positions"]] == ["hall", "office"]
    assert (answer["days"], answer["is_indicative"], answer["hidden"]) == (2.0, True, "exclude")
    assert figure(answer, "hall", "annunciated_per_day") == (1.5, "good")
    assert figure(answer, "hall", "chattering") == (1, "exceeded")
    assert figure(answer, "hall", "fleeting") == (1, "exceeded")
    assert figure(answer, "hall", "top_10_share") == (100, "exceeded")
    assert figure(answer, "hall", "share_low") == (100, "good")
    assert figure(answer, "office", "share_high") == (100, "exceeded")
    assert figure(answer, "office", "stale") == (1, "good")
    assert figure(answer, "hall", "stale") == (0, "good")
    hall, office = answer["positions"]
    assert [(alarm["path"], alarm["count"]) for alarm in hall["bad_actors"]] == [("hall/a", 3)]
    assert hall["metrics"]["MaximumReAlarmCount"] == 2
    assert hall["metrics"]["MaximumActiveState"] == 4000.0
    assert (office["late"], office["annunciated"]) == (1, 1)
    assert [(alarm["path"], alarm["count"]) for alarm in office["standing"]] == [("office/a", 47)]
    assert office["stale"] == [
        {"day": "2026-01-31", "alarms": 0},
        {"day": "2026-02-01", "alarms": 1},
        {"day": "2026-02-02", "alarms": 1},
    ]


async def test_a_flood_is_told_with_start_and_end(api: Api):
    await journal(api, *[transition(RAISE, 600 + n, f"hall/{n}", rules=HALL) for n in range(12)])
    answer = await api.get(
        "/alarms/kpi", position="hall", **{"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T09:00:00Z"}
    )
    assert answer["positions"][0]["floods"] == [
        {
            "from": "2026-01-31T08:10:00.000000Z",
            "to": "2026-01-31T08:20:00.000000Z",
            "alarms": 12,
            "peak": 12,
            "is_open": False,
        }
    ]
    assert figure(answer, "hall", "windows_over_10_alarms") == (pytest.approx(100 / 6), "exceeded")
    assert figure(answer, "hall", "maximum_in_10_min") == (12, "exceeded")
    assert figure(answer, "hall", "time_in_flood") == (pytest.approx(100 / 6), "exceeded")


async def test_hidden_alarms_count_when_they_are_asked_for(api: Api):
    await journal(
        api,
        transition(SUPPRESS, 1, rules=HALL, note="pump off"),
        transition(RAISE, 2, rules=HALL),
        transition(UNSUPPRESS, 3, rules=HALL),
        transition(LEVEL, 4, rules=HALL, level="hihi", priority="critical"),
    )
    window = {"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T09:00:00Z"}
    hidden = await api.get("/alarms/kpi", **window)
    # Leaving the suppression it sounded, once.
    assert (hidden["positions"][0]["annunciated"], hidden["positions"][0]["hidden"]) == (1, 1)
    assert hidden["positions"][0]["priorities"]["high"] == 1
    everything = await api.get("/alarms/kpi", hidden="include", **window)
    assert everything["positions"][0]["annunciated"] == 1


async def test_an_alarm_that_entered_the_window_standing_is_stale_in_it(api: Api):
    await journal(api, transition(RAISE, 0, rules=HALL))
    answer = await api.get("/alarms/kpi", **{"from": "2026-02-03T00:00:00Z", "to": "2026-02-04T00:00:00Z"})
    assert figure(answer, "hall", "stale") == (1, "good")
    assert figure(answer, "hall", "annunciated_per_day") == (0, "good")
    assert figure(answer, "hall", "top_10_share") == (None, "no_alarms")


async def test_unsealed_rows_wait(api: Api):
    pool = await open_pool(api.fill.url, 1)
    await apply(pool, transition(RAISE, 0, rules=HALL))
    await pool.close()
    window = {"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T09:00:00Z"}
    assert (await api.get("/alarms/kpi", **window))["positions"] == []
    await seal(api)
    assert len((await api.get("/alarms/kpi", **window))["positions"]) == 1


async def test_a_changed_definition_without_its_audit_row_is_found(api: Api):
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    body = {"name": "x", "target": {"path": "hall/a"}, "condition": {"kind": "bad_quality"}, "position": "hall"}
    made = await api.client.post("/api/v1/alarm-definitions", json=body)
    assert made.status_code == 201, made.text
    assert (await api.get("/alarms/kpi"))["positions"] == []
    await api.fill.run(
        "insert into alarm_definition_version (definition_id, version, change, body, changed_by)"
        " select id, 2, 'changed', body, 'somebody' from alarm_definition"
    )
    assert figure(await api.get("/alarms/kpi"), "hall", "unauthorised_changes") == (1, "exceeded")


async def test_the_default_is_the_last_thirty_days_and_no_time_to_come(api: Api):
    answer = await api.get("/alarms/kpi", to="2200-01-01T00:00:00Z")
    assert (answer["days"], answer["is_indicative"]) == (30.0, False)
    assert datetime.fromisoformat(answer["to"]) - datetime.now(UTC) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T08:00:00Z"}, "from"),
        ({"from": "2019-01-31T08:00:00Z", "to": "2026-01-31T08:00:00Z"}, "from"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"fleeting_s": "soon"}, "fleeting_s"),
        ({"hidden": "maybe"}, "hidden"),
        ({"positon": "hall"}, "positon"),
    ],
)
async def test_what_cannot_be_measured_is_refused(postgres_url: str, parameters: dict[str, str], field: str):
    async with serve_api(postgres_url) as api:
        problem = await api.refused("GET", "/alarms/kpi", params=parameters)
        assert (problem["status"], problem["field"]) == (400, field)


async def test_a_whole_month_is_measured_at_once(postgres_url: str):
    async with serve_api(postgres_url) as api:
        pool = await open_pool(api.fill.url, 1)
        await apply(pool, *[transition(RAISE, n, f"hall/{n}", rules=HALL) for n in range(50)])
        await pool.close()
        async with await psycopg.AsyncConnection.connect(api.fill.url, autocommit=True) as connection:
            await connection.execute(
                """insert into alarm_journal (alarm_id, alarm_version, definition_id, definition_version, path,
                     condition, position, event, at, recorded_at, who, from_state, to_state, priority, status,
                     message_en, message_zh, is_late)
                   select a.id, n + 1, a.definition_id, 1, a.instance, 'limit', 'hall',
                          (array['raise', 'clear'])[n %% 2 + 1], at, at, 'system',
                          (array['returned', 'unacknowledged'])[n %% 2 + 1],
                          (array['unacknowledged', 'returned'])[n %% 2 + 1], 'low', 0, '', '', false
                   from (select *, row_number() over () as k from alarm) a, generate_series(0, 199) n,
                        lateral (select %s + (n * 12960 + a.k) * interval '1 second' as at) t""",
                (at(1000),),
            )
        await seal(api)
        answer = await api.get("/alarms/kpi", **{"from": "2026-01-31T08:00:00Z", "to": "2026-03-02T08:16:40Z"})
        assert not answer["is_indicative"]
        assert answer["positions"][0]["annunciated"] == 5_050
