"""`millstream cloud rollups` as an operator calls it, beside nobody: status, rebuild, verify, in both languages."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.fixtures.processes import Child, Processes
from tests.integration.rollups.mill import running_mill, seconds_of

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


def rollups(processes: Processes, url: str, *words: str) -> Child:
    """Run the command to its end."""
    child = processes.millstream("cloud", "rollups", *words, MILLSTREAM_DATABASE_URL=url)
    child.start().wait()
    return child


def code_of(child: Child) -> int:
    """Its exit code."""
    return child.wait()


@pytest.fixture
async def rolled_url(postgres_url: str) -> str:
    """A database with two hours of two series, rolled."""
    async with running_mill(postgres_url) as mill:
        for one in await mill.series("a/one", "b/two"):
            await mill.store(one, [seconds_of(NOW - timedelta(hours=2)) + second for second in range(0, 6000, 20)])
        await mill.close(seconds_of(NOW))
        for later in (1, 2):
            await mill.roll(seconds_of(NOW + timedelta(days=later)))
    return postgres_url


def execute(url: str, query: str) -> list[tuple[Any, ...]]:
    """Run one statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def test_verify_finds_what_does_not_agree_and_rebuild_puts_it_right(processes: Processes, rolled_url: str):
    fine = rollups(processes, rolled_url, "verify", "--seed", "1", "--count", "30")
    assert code_of(fine) == 0, fine.text()
    assert " 0 differences" in fine.text()
    execute(rolled_url, "update rollup_1m set high = 1e6 where series_id = 1")
    wrong = rollups(processes, rolled_url, "verify", "--seed", "1", "--count", "30", "--json")
    assert code_of(wrong) == 1
    found = json.loads(wrong.text())
    assert {(each["column"], each["stored"]) for each in found["differences"]} == {("high", 1e6)}
    execute(rolled_url, "update rollup_1m set last_value = 'NaN' where series_id = 1")
    unfit = rollups(processes, rolled_url, "verify", "--seed", "1", "--count", "30", "--json")
    found = json.loads(unfit.text(), parse_constant=pytest.fail)
    assert "NaN" in {each[side] for each in found["differences"] for side in ("stored", "computed")}
    rebuilt = rollups(processes, rolled_url, "rebuild", "--path", "a/*")
    assert code_of(rebuilt) == 0, rebuilt.text()
    again = rollups(processes, rolled_url, "verify", "--seed", "1", "--count", "30")
    assert code_of(again) == 0, again.text()
    assert execute(rolled_url, "select count(*) > 0 from rollup_1m_revision") == [(True,)]
    assert execute(rolled_url, "select principal from audit where action = 'rollups.rebuild'") == [("command",)]


def test_status_speaks_both_languages_and_json(processes: Processes, rolled_url: str):
    shown = json.loads(rollups(processes, rolled_url, "status", "--json").text())
    assert datetime.fromisoformat(shown["progress"]["marked_at"]) == NOW
    assert shown["backlog"]["mark_count"] == 0
    english = rollups(processes, rolled_url, "status").text()
    assert f"{NOW:%Y-%m-%dT%H:%M:%SZ}" in english
    child = processes.millstream("--lang", "zh", "cloud", "rollups", "status", MILLSTREAM_DATABASE_URL=rolled_url)
    child.start().wait()
    assert "已汇总到" in child.text()


def test_bad_windows_are_refused_with_what_is_allowed(processes: Processes, rolled_url: str):
    child = rollups(processes, rolled_url, "verify", "--from", "yesterday")
    assert code_of(child) == 2
    assert "RFC 3339" in child.text()
    assert "Traceback" not in child.text()
    backwards = ("--from", "2026-02-01T00:00:00Z", "--to", "2026-01-31T00:00:00Z")
    for command in ("verify", "rebuild"):
        child = rollups(processes, rolled_url, command, *backwards)
        assert code_of(child) == 2
        assert "--to is not after --from" in child.text()
