"""The audit's chain: what is changed by SQL is found, the database refuses it, and old rows go without breaking it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from cloud_api.audit.pruning import prune
from cloud_api.audit.sealing import AUDIT_TABLE
from cloud_api.audit.verification import verify_audit
from cloud_api.leases import Ownership
from cloud_api.sealing.chain import End, FindingKind
from cloud_api.sealing.sealer import seal
from cloud_api.storage.audit import Outcome, insert_audit
from cloud_api.storage.pool import Pool, transaction
from tests.fixtures.processes import Processes
from tests.integration.audit.conftest import on_duty

OLD = "insert into audit (at, principal, action, detail) select now() - make_interval(days => %s), 'li', 'a.b', '{}'"


async def write(pool: Pool, count: int, mine: Ownership | None = None) -> None:
    for number in range(count):
        async with transaction(pool) as connection:
            detail = {"from": {"unit": "V"}, "to": {"unit": f"{number} V", "质": 1.10}}
            await insert_audit(connection, "li.na", "series.change", str(number), detail, Outcome.DONE)
    if mine is not None:
        await seal(pool, mine, AUDIT_TABLE)


async def run(pool: Pool, query: str, *parameters: object) -> None:
    async with pool.connection() as connection:
        await connection.execute(query.encode(), parameters)


async def findings(pool: Pool, anchor: End | None = None) -> list[tuple[FindingKind, int]]:
    async with transaction(pool) as connection:
        return [(each.kind, each.number) for each in (await verify_audit(connection, anchor)).findings]


TAMPERINGS = {
    "update audit set principal = 'nobody' where number = 3": [(FindingKind.CHANGED, 3)],
    "update audit set detail = '{\"to\":{}}' where number = 2": [(FindingKind.CHANGED, 2)],
    "update audit set outcome = 'refused' where number = 1": [(FindingKind.CHANGED, 1)],
    "update audit set at = at + interval '1 microsecond' where number = 5": [(FindingKind.CHANGED, 5)],
    "delete from audit where number = 4": [(FindingKind.MISSING, 4)],
    "delete from audit where number < 3": [(FindingKind.MISSING, 1)],
    # Rows taken from the beginning together with the mark that says so: no row of the chain says it.
    "with gone as (delete from audit where number < 3)"
    " update audit_head set pruned_number = 2, pruned_hash = (select hash from audit where number = 2)": [
        (FindingKind.START_UNPROVED, 3)
    ],
    "delete from audit where number > 4": [(FindingKind.CUT_OFF, 5)],
    # Cut off together with the end that is kept apart: the end that was noted down elsewhere tells.
    "with gone as (delete from audit where number > 4)"
    " update audit_head set number = 4, hash = (select hash from audit where number = 4)": [(FindingKind.CUT_OFF, 5)],
    "insert into audit (principal, action, number, hash) values ('x', 'y', 7, '\\x00')": [(FindingKind.CHANGED, 7)],
    # Two rows change places.
    "update audit set number = case number when 2 then 93 else 92 end where number in (2, 3);"
    "update audit set number = number - 90 where number > 90": [(FindingKind.CHANGED, 2), (FindingKind.CHANGED, 3)],
}


async def test_tampering_by_sql_is_found_and_refused(pool: Pool):
    mine = await on_duty(pool)
    await write(pool, 6, mine)
    assert await findings(pool) == []
    async with transaction(pool) as connection:
        end = (await verify_audit(connection, None)).end
    assert end.number == 6
    for query, expected in TAMPERINGS.items():
        # What somebody does who has switched the triggers off.
        async with pool.connection() as connection, connection.transaction(force_rollback=True):
            await connection.execute(b"alter table audit disable trigger user")
            for part in query.split(";"):
                await connection.execute(part.encode())
            found = (await verify_audit(connection, end)).findings
        kinds = [(each.kind, each.number) for each in found]
        assert set(expected) <= set(kinds), (query, kinds)
    for query in [*TAMPERINGS, "truncate audit", "delete from audit"]:
        if query.startswith("with gone"):
            continue
        # Without switching anything off the database refuses.
        with pytest.raises(Exception, match="append-only"):
            await run(pool, query.split(";", maxsplit=1)[0])
    assert await findings(pool, end) == []


async def test_old_rows_go_and_the_chain_holds(pool: Pool):
    mine = await on_duty(pool)
    for days in (400, 399, 200, 181, 100):
        await run(pool, OLD, days)
    await seal(pool, mine, AUDIT_TABLE)
    async with transaction(pool) as connection:
        whole = (await verify_audit(connection, None)).end
    assert await prune(pool, mine, timedelta(days=390)) == 2
    assert await prune(pool, mine, timedelta(days=390)) == 0
    # Until the row that says so is sealed, the beginning is not proved.
    assert await findings(pool) == [(FindingKind.START_UNPROVED, 3)]
    await seal(pool, mine, AUDIT_TABLE)
    assert await findings(pool, whole) == []
    assert await prune(pool, mine, timedelta(days=180)) == 2
    await seal(pool, mine, AUDIT_TABLE)
    assert await findings(pool, whole) == []
    with pytest.raises(Exception, match="append-only"):
        # A younger row is let go by nobody, whatever the service is told.
        await prune(pool, mine, timedelta(days=50))
    async with pool.connection() as connection:
        rows = await (await connection.execute(b"select action, detail->>'rows' from audit order by number")).fetchall()
    assert rows == [("a.b", None), ("audit.prune", "2"), ("audit.prune", "2")]


async def test_the_command_verifies_the_database_and_an_exported_file(
    postgres_pool: Pool, postgres_url: str, processes: Processes, tmp_path: Path
):
    async def command(*words: str) -> tuple[int, str]:
        child = processes.millstream("cloud", "audit", *words, MILLSTREAM_DATABASE_URL=postgres_url).start()
        return await asyncio.to_thread(child.wait), child.text()

    mine = await on_duty(postgres_pool)
    await write(postgres_pool, 5, mine)
    code, text = await command("verify", "--lang", "en")
    assert (code, "The audit is whole: 5 rows" in text) == (0, True), text
    end = text.split()[-1]
    lines, sheet = tmp_path / "audit.jsonl", tmp_path / "audit.csv"
    assert (await command("export", str(lines)))[0] == 0
    assert (await command("export", str(sheet)))[0] == 0
    await seal(postgres_pool, mine, AUDIT_TABLE)
    assert len(lines.read_bytes().splitlines()) == 5
    head, *rows = sheet.read_text(encoding="utf-8").splitlines()
    assert head == "number,at,who,via,address,action,subject,outcome,detail,hash"
    assert len(rows) == 5
    assert (await command("verify", "--file", str(lines), "--anchor", end))[0] == 0
    changed = lines.read_text(encoding="utf-8").replace("2 V", "3 V")
    lines.write_text(changed, encoding="utf-8")
    code, shown = await command("verify", "--file", str(lines), "--json")
    assert (code, json.loads(shown)["findings"]) == (
        1,
        [{"kind": "changed", "number": 3, "action": "series.change"}],
    )
    async with postgres_pool.connection() as connection:
        taken = await (
            await connection.execute(
                b"select principal, via, detail->>'format' from audit where action = 'audit.export' order by id"
            )
        ).fetchall()
    assert [(who.partition(":")[0], via, form) for who, via, form in taken] == [
        ("command", "command", "jsonl"),
        ("command", "command", "csv"),
    ]
    await run(postgres_pool, "alter table audit disable trigger user")
    await run(postgres_pool, "update audit set subject = 'x' where number = 2".replace("subject", "object"))
    code, text = await command("verify", "--lang", "zh", "--anchor", end)
    assert (code, "序号 2：该行与封存时不一致（series.change）" in text) == (1, True), text
    assert (await command("verify", "--anchor", "7"))[0] == 2
